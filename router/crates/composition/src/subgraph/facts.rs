//! What all federation directives of a subgraph mean for each of its fields: external, provided, shareable, used. Knows no rule about
//! them.

use ahash::AHashSet;
use braid_graphql::compiler::Name;

use super::model::{Applied, Directives, Field, FieldFacts, Key, Kind, Schema, Subgraph, TypeDef, TypeFacts};
use super::spec::Known;
use braid_graphql::context_selection::ContextSelection;
use braid_graphql::field_set::{FieldSet, Item};

/// A field by type and name.
pub(crate) type FieldRef = (Name, Name);

/// The field set of an application of `@key`, `@requires` or `@provides`, if it can be parsed.
pub(crate) fn fields_of(applied: &Applied) -> Option<FieldSet> {
    FieldSet::parse(applied.str_arg("fields")?).ok()
}

/// Every field of the schema that a selection on a type reaches.
/// With `implementations`, a field of an interface counts for the types that implement it too.
pub(crate) fn reached(schema: &Schema, ty: &TypeDef, set: &FieldSet, implementations: bool, out: &mut Vec<FieldRef>) {
    for item in &set.items {
        match item {
            Item::Field { name, selection, .. } => {
                let Some(field) = ty.fields.get(name) else { continue };
                out.push((ty.name.clone(), name.clone()));
                if implementations && ty.kind == Kind::Interface {
                    for runtime in schema.runtime_types(ty) {
                        if runtime.fields.contains_key(name) {
                            out.push((runtime.name.clone(), name.clone()));
                        }
                    }
                }
                if let Some(inner) = schema.types.get(field.ty.inner_named_type()) {
                    reached(schema, inner, selection, implementations, out);
                }
            }
            Item::Fragment { condition, selection, .. } => {
                let inner = condition.as_ref().map_or(Some(ty), |c| schema.types.get(c));
                if let Some(inner) = inner {
                    reached(schema, inner, selection, implementations, out);
                }
            }
        }
    }
}

/// Visits every directive application of a schema.
pub(crate) fn each_applied<'b>(schema: &'b Schema, mut visit: impl FnMut(&'b Applied)) {
    schema.applied.iter().for_each(&mut visit);
    for ty in schema.types.values() {
        ty.applied().iter().for_each(&mut visit);
        ty.values.values().flat_map(|v| v.applied()).for_each(&mut visit);
        for field in ty.fields.values() {
            field.applied().iter().for_each(&mut visit);
            field.args.values().flat_map(|a| a.applied()).for_each(&mut visit);
        }
    }
    for directive in schema.directives.values() {
        directive.args.values().flat_map(|a| a.applied()).for_each(&mut visit);
    }
}

/// Fills in the facts of the whole subgraph: of each field, of each type, and which directives are used.
pub(crate) fn establish(subgraph: &mut Subgraph) {
    let facts = collect(&subgraph.schema);
    for ty in subgraph.schema.types.values_mut() {
        let type_external = ty.kind == Kind::Object && ty.has(Known::External);
        let shareable_parts: Vec<u32> = ty.all(Known::Shareable).map(|a| a.part).collect();
        let (name, implied) = (ty.name.clone(), ty.kind);
        for field in ty.fields.values_mut() {
            let key = (name.clone(), field.name.clone());
            let marked = type_external || field.has(Known::External);
            field.facts = FieldFacts {
                external: marked && !facts.fake_externals.contains(&key),
                provided: facts.provided.contains(&key),
                shareable: facts.in_keys.contains(&key)
                    || facts.provided.contains(&key)
                    || field.has(Known::Shareable)
                    || shareable_parts.contains(&field.part)
                    || implied == Kind::Interface,
                used: facts.used.contains(&key),
            };
        }
    }
    let facts: Vec<TypeFacts> = subgraph.schema.types.values().map(|ty| type_facts(&subgraph.schema, ty)).collect();
    for (ty, facts) in subgraph.schema.types.values_mut().zip(facts) {
        ty.facts = facts;
    }
    subgraph.used = used(&subgraph.schema);
}

fn type_facts(schema: &Schema, ty: &TypeDef) -> TypeFacts {
    let keys: Vec<Key> = ty
        .all(Known::Key)
        .filter_map(|key| {
            let set = fields_of(key)?;
            Some(Key { text: set.to_string(), set, resolvable: key.bool_arg("resolvable") != Some(false) })
        })
        .collect();
    let local_key = keys.iter().any(|key| {
        let mut fields = Vec::new();
        reached(schema, ty, &key.set, false, &mut fields);
        fields.iter().all(|(owner, field)| {
            schema.types.get(owner).and_then(|t| t.fields.get(field)).is_some_and(|f| !f.facts.external)
        })
    });
    TypeFacts { keys, local_key }
}

fn used(schema: &Schema) -> Vec<(Known, Name)> {
    let mut used: Vec<(Known, Name)> = Vec::new();
    each_applied(schema, |applied| {
        let Some(known) = applied.known else { return };
        if !used.iter().any(|(k, name)| *k == known && *name == applied.name) {
            used.push((known, applied.name.clone()));
        }
    });
    used
}

#[derive(Default)]
struct Facts {
    fake_externals: AHashSet<FieldRef>,
    in_keys: AHashSet<FieldRef>,
    provided: AHashSet<FieldRef>,
    used: AHashSet<FieldRef>,
}

fn collect(schema: &Schema) -> Facts {
    let mut facts = Facts::default();
    for ty in schema.types.values() {
        if !matches!(ty.kind, Kind::Object | Kind::Interface) {
            continue;
        }
        keys(schema, ty, &mut facts);
        for field in ty.fields.values() {
            directives(schema, ty, field, &mut facts);
        }
        if ty.kind == Kind::Interface {
            interface(schema, ty, &mut facts);
        }
    }
    facts
}

fn keys(schema: &Schema, ty: &TypeDef, facts: &mut Facts) {
    for key in ty.all(Known::Key) {
        let Some(set) = fields_of(key) else { continue };
        let mut fields = Vec::new();
        reached(schema, ty, &set, false, &mut fields);
        // Federation 1 required `@external` on the key fields of extensions; it means nothing there.
        if key.part > 0 || ty.has(Known::Extends) {
            let marked = fields.iter().filter(|(ty, field)| {
                schema.types.get(ty).and_then(|t| t.fields.get(field)).is_some_and(|f| f.has(Known::External))
            });
            facts.fake_externals.extend(marked.cloned());
        }
        facts.in_keys.extend(fields.iter().cloned());
        let mut used = Vec::new();
        reached(schema, ty, &set, true, &mut used);
        facts.used.extend(used);
    }
}

fn directives(schema: &Schema, ty: &TypeDef, field: &Field, facts: &mut Facts) {
    for requires in field.all(Known::Requires) {
        if let Some(set) = fields_of(requires) {
            let mut used = Vec::new();
            reached(schema, ty, &set, true, &mut used);
            facts.used.extend(used);
        }
    }
    for provides in field.all(Known::Provides) {
        let target = schema.types.get(field.ty.inner_named_type());
        if let (Some(set), Some(target)) = (fields_of(provides), target) {
            let mut provided = Vec::new();
            reached(schema, target, &set, true, &mut provided);
            facts.used.extend(provided.iter().cloned());
            facts.provided.extend(provided);
        }
    }
    for argument in field.args.values() {
        for from in argument.all(Known::FromContext) {
            let text = from.str_arg("field").unwrap_or_default();
            let Some(value) = ContextSelection::parse(text) else { continue };
            let Ok(set) = value.fields() else { continue };
            for setter in schema.types.values() {
                if setter.all(Known::Context).any(|c| c.str_arg("name") == Some(value.context)) {
                    let mut used = Vec::new();
                    reached(schema, setter, &set, true, &mut used);
                    facts.used.extend(used);
                }
            }
        }
    }
}

fn interface(schema: &Schema, interface: &TypeDef, facts: &mut Facts) {
    for runtime in schema.runtime_types(interface) {
        for name in interface.fields.keys() {
            if runtime.fields.contains_key(name) {
                facts.used.insert((runtime.name.clone(), name.clone()));
            }
        }
    }
}
