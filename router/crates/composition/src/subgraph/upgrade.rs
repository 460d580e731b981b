//! Turns a Federation 1 schema into a Federation 2 one that means the same. The only place that looks at several
//! subgraphs before merging: what is shared in Federation 1 depends on the others.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Value;
use indexmap::IndexMap;

use super::facts::{self, fields_of, reached};
use super::model::{Applied, Directives, FederationVersion, Field, Kind, Schema, Subgraph, TypeDef, is_root};
use super::spec::Known;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Location, subgraph_list};
use braid_graphql::field_set::{FieldSet, Item};

/// What the upgrade of one subgraph needs to know about the others.
struct Others {
    /// Where a type has a real definition, by subgraph index.
    definitions: AHashMap<Name, Vec<usize>>,
    /// The fields of a type's first key in each subgraph that has one.
    keys: AHashMap<Name, Vec<(usize, Vec<Name>)>>,
    /// Fields resolved, not external: by subgraph index.
    resolved: AHashMap<(Name, Name), Vec<usize>>,
    /// Subgraphs with the type at all.
    having: AHashMap<Name, Vec<usize>>,
}

/// Upgrades the Federation 1 subgraphs, each in a copy: what was read may be needed again together with other subgraphs.
pub(crate) fn upgrade(subgraphs: &mut [Arc<Subgraph>]) -> Vec<Diagnostic> {
    if subgraphs.iter().all(|s| s.version != FederationVersion::One) {
        return Vec::new();
    }
    for subgraph in subgraphs.iter_mut().filter(|s| s.version == FederationVersion::One) {
        let subgraph = Arc::make_mut(subgraph);
        adopt_definitions(&mut subgraph.schema);
        stringify_fields(&mut subgraph.schema);
        facts::establish(subgraph);
    }
    let others = gather(subgraphs);
    let mut errors = check_interface_keys(subgraphs);
    for (index, subgraph) in subgraphs.iter_mut().enumerate() {
        if subgraph.version == FederationVersion::One {
            let subgraph = Arc::make_mut(subgraph);
            upgrade_one(subgraph, index, &others, &mut errors);
            facts::establish(subgraph);
        }
    }
    errors
}

/// An interface object needs another subgraph that can say which implementation an object is, by a key of the interface. Federation 1
/// accepts such a key, but its servers need not support it.
fn check_interface_keys(subgraphs: &[Arc<Subgraph>]) -> Vec<Diagnostic> {
    let of = |one: bool| subgraphs.iter().filter(move |s| (s.version == FederationVersion::One) == one);
    let mut keyed: IndexMap<&Name, Vec<&Arc<Subgraph>>> = IndexMap::new();
    for subgraph in of(true) {
        for ty in subgraph.schema.types.values().filter(|ty| ty.kind == Kind::Interface && ty.has(Known::Key)) {
            keyed.entry(&ty.name).or_default().push(subgraph);
        }
    }
    let mut errors = Vec::new();
    for (name, keyed) in keyed {
        let has_object = |s: &&Arc<Subgraph>| s.schema.types.get(name).is_some_and(TypeDef::is_interface_object);
        let users: Vec<&Arc<Subgraph>> = of(false).filter(has_object).collect();
        if users.is_empty() {
            continue;
        }
        let key = |s: &&Arc<Subgraph>| s.locate(s.schema.types.get(name)?.get(Known::Key)?.span);
        let at: Vec<Location> = keyed.iter().filter_map(key).collect();
        let owners = subgraph_list(keyed.iter().map(|s| &*s.name));
        errors.push(
            Diagnostic::new(
                Code::INTERFACE_OBJECT_USAGE_ERROR,
                format!(
                    "\"{name}\" is an @interfaceObject in {}, so another subgraph must know which implementation an object is. The key of the interface in {owners} does not promise that: the schema there is a Federation 1 schema.",
                    subgraph_list(users.iter().map(|s| &*s.name)),
                ),
            )
            .on(name.as_str())
            .at(at)
            .help(format!("link Federation 2 in {owners}, or remove the @key from the interface there")),
        );
    }
    errors
}

fn gather(subgraphs: &[Arc<Subgraph>]) -> Others {
    let mut others = Others {
        definitions: AHashMap::new(),
        keys: AHashMap::new(),
        resolved: AHashMap::new(),
        having: AHashMap::new(),
    };
    for (index, subgraph) in subgraphs.iter().enumerate() {
        for ty in subgraph.schema.types.values() {
            others.having.entry(ty.name.clone()).or_default().push(index);
            // Written without `extend`, a type counts as defined, even if it is marked @extends.
            if ty.defined {
                others.definitions.entry(ty.name.clone()).or_default().push(index);
            }
            if let Some(key) = ty.get(Known::Key).and_then(fields_of) {
                others.keys.entry(ty.name.clone()).or_default().push((index, top_fields(&key)));
            }
            for field in ty.fields.values() {
                if !field.facts.fully_external() {
                    others.resolved.entry((ty.name.clone(), field.name.clone())).or_default().push(index);
                }
            }
        }
    }
    others
}

impl Others {
    fn defined_elsewhere(&self, ty: &str, index: usize) -> bool {
        self.definitions.get(ty).is_some_and(|by| by.iter().any(|i| *i != index))
    }

    fn keys_elsewhere(&self, ty: &str, index: usize) -> impl Iterator<Item = &Name> {
        self.keys.get(ty).into_iter().flatten().filter(move |(i, _)| *i != index).flat_map(|(_, fields)| fields)
    }

    fn resolved_elsewhere(&self, ty: &Name, field: &Name, index: usize) -> bool {
        self.resolved.get(&(ty.clone(), field.clone())).is_some_and(|by| by.iter().any(|i| *i != index))
    }
}

fn is_extension(ty: &TypeDef) -> bool {
    matches!(ty.kind, Kind::Object | Kind::Interface) && !is_root(&ty.name) && ty.is_extension()
}

fn top_fields(set: &FieldSet) -> Vec<Name> {
    set.items
        .iter()
        .filter_map(|item| match item {
            Item::Field { name, .. } => Some(name.clone()),
            Item::Fragment { .. } => None,
        })
        .collect()
}

fn upgrade_one(subgraph: &mut Subgraph, index: usize, others: &Others, errors: &mut Vec<Diagnostic>) {
    let before = errors.len();
    check_extensions(subgraph, index, others, errors);
    if errors.len() > before {
        return;
    }
    let mut schema = std::mem::take(&mut subgraph.schema);
    remove_externals_on_interfaces_and_types(&mut schema);
    remove_key_externals(&mut schema, index, others);
    trim_field_sets(&mut schema);
    close_extensions(&mut schema);
    remove_interface_directives(&mut schema);
    remove_provides_on_leaves(&mut schema);
    subgraph.schema = schema;
    remove_unused_externals(subgraph, errors);
    let mut schema = std::mem::take(&mut subgraph.schema);
    add_shareable(&mut schema, index, others);
    remove_tags_on_externals(&mut schema, index, others);
    subgraph.schema = schema;
}

fn check_extensions(subgraph: &Subgraph, index: usize, others: &Others, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        if is_extension(ty) && !others.defined_elsewhere(&ty.name, index) {
            errors.push(
                Diagnostic::new(
                    Code::EXTENSION_WITH_NO_BASE,
                    format!(
                        "[{}] The subgraph extends \"{}\", but no subgraph defines it: there is nothing to extend.",
                        subgraph.name, ty.name
                    ),
                )
                .on(ty.name.as_str())
                .at(subgraph.locate(ty.span))
                .help(format!(
                    "write `type {}` instead of `extend type {}` in the subgraph where it belongs",
                    ty.name, ty.name
                ))
                .fix(format!("define the type {} here", ty.name), crate::validate::edits::drop_extend(subgraph, ty)),
            );
        }
    }
}

/// A directive that the schema defines itself under a Federation 2 name becomes the real one.
fn adopt_definitions(schema: &mut Schema) {
    let adopted =
        [Known::Shareable, Known::Inaccessible, Known::Override, Known::ComposeDirective, Known::InterfaceObject];
    let resolve = |applied: &mut Vec<Applied>| {
        for application in applied.iter_mut().filter(|a| a.known.is_none()) {
            application.known = adopted.into_iter().find(|k| k.name() == application.name.as_str());
        }
    };
    for directive in schema.directives.values_mut().filter(|d| d.known.is_none()) {
        directive.known = adopted.into_iter().find(|k| k.name() == directive.name.as_str());
    }
    resolve(&mut schema.applied);
    for ty in schema.types.values_mut() {
        resolve(&mut ty.applied);
        ty.values.values_mut().for_each(|v| resolve(&mut v.applied));
        for field in ty.fields.values_mut() {
            resolve(&mut field.applied);
            field.args.values_mut().for_each(|a| resolve(&mut a.applied));
        }
    }
}

fn each_fields_directive(schema: &mut Schema, mut edit: impl FnMut(&mut Applied)) {
    let wanted = [Known::Key, Known::Requires, Known::Provides];
    for ty in schema.types.values_mut() {
        let on_fields = ty.fields.values_mut().flat_map(|f| f.applied.iter_mut());
        for applied in ty.applied.iter_mut().chain(on_fields) {
            if applied.known.is_some_and(|k| wanted.contains(&k)) {
                edit(applied);
            }
        }
    }
}

/// Federation 1 took lists and bare names for field sets.
fn stringify_fields(schema: &mut Schema) {
    each_fields_directive(schema, |applied| {
        for (name, value) in &mut applied.args {
            if name == "fields"
                && let Some(text) = as_text(value)
            {
                *value = value.same_location(Value::String(text));
            }
        }
    });
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Enum(name) => Some(name.to_string()),
        Value::List(items) => {
            let parts: Option<Vec<String>> = items
                .iter()
                .map(|item| match &**item {
                    Value::String(text) => Some(text.clone()),
                    other => as_text(other),
                })
                .collect();
            parts.map(|parts| parts.join(" "))
        }
        _ => None,
    }
}

fn remove(applied: &mut Vec<Applied>, known: Known) {
    applied.retain(|a| a.known != Some(known));
}

fn remove_externals_on_interfaces_and_types(schema: &mut Schema) {
    for ty in schema.types.values_mut() {
        if ty.kind == Kind::Interface {
            for field in ty.fields.values_mut() {
                remove(&mut field.applied, Known::External);
            }
        }
        if ty.kind == Kind::Object {
            remove(&mut ty.applied, Known::External);
        }
    }
}

fn remove_key_externals(schema: &mut Schema, index: usize, others: &Others) {
    for ty in schema.types.values_mut().filter(|ty| is_extension(ty)) {
        let own: Vec<Name> = ty.all(Known::Key).filter_map(fields_of).flat_map(|set| top_fields(&set)).collect();
        let keys: Vec<Name> = match ty.has(Known::Key) {
            true => own,
            false => others.keys_elsewhere(&ty.name, index).cloned().collect(),
        };
        for field in ty.fields.values_mut().filter(|f| keys.contains(&f.name)) {
            remove(&mut field.applied, Known::External);
        }
    }
}

/// Removes fields that are not external from the selections of `@provides` and `@requires`.
fn trim_field_sets(schema: &mut Schema) {
    let mut cuts: Vec<(Name, Name, Known, usize, Option<String>)> = Vec::new();
    for ty in schema.types.values() {
        for field in ty.fields.values() {
            for (position, applied) in field.applied.iter().enumerate() {
                let Some(known @ (Known::Requires | Known::Provides)) = applied.known else { continue };
                let target = match known {
                    Known::Requires => Some(ty),
                    _ => schema.types.get(field.ty.inner_named_type()),
                };
                let (Some(target), Some(set)) = (target, fields_of(applied)) else { continue };
                let kept = keep_external(schema, target, &set, false);
                if kept != set {
                    let text = (!kept.is_empty()).then(|| kept.to_string());
                    cuts.push((ty.name.clone(), field.name.clone(), known, position, text));
                }
            }
        }
    }
    for (ty, field, _, position, text) in cuts.into_iter().rev() {
        let Some(field) = schema.types.get_mut(&ty).and_then(|t| t.fields.get_mut(&field)) else { continue };
        match text {
            Some(text) => {
                if let Some((_, value)) = field.applied[position].args.iter_mut().find(|(n, _)| n == "fields") {
                    *value = value.same_location(Value::String(text));
                }
            }
            None => {
                field.applied.remove(position);
            }
        }
    }
}

fn keep_external(schema: &Schema, ty: &TypeDef, set: &FieldSet, below_external: bool) -> FieldSet {
    let mut items = Vec::new();
    for item in &set.items {
        match item {
            Item::Field { name, alias, args, directives, selection } => {
                let Some(field) = ty.fields.get(name) else {
                    items.push(item.clone());
                    continue;
                };
                let external = below_external || field.has(Known::External) || implements_external(schema, ty, name);
                if selection.is_empty() {
                    // A selection that is missing is reported later.
                    let composite = schema.types.get(field.ty.inner_named_type()).is_some_and(TypeDef::is_composite);
                    if external || composite {
                        items.push(item.clone());
                    }
                    continue;
                }
                let Some(inner) = schema.types.get(field.ty.inner_named_type()) else { continue };
                let kept = keep_external(schema, inner, selection, external);
                if !kept.is_empty() {
                    items.push(Item::Field {
                        name: name.clone(),
                        alias: alias.clone(),
                        args: args.clone(),
                        directives: directives.clone(),
                        selection: kept,
                    });
                }
            }
            Item::Fragment { condition, directives, selection } => {
                let inner = condition.as_ref().map_or(Some(ty), |c| schema.types.get(c));
                let Some(inner) = inner else {
                    items.push(item.clone());
                    continue;
                };
                let kept = keep_external(schema, inner, selection, below_external);
                if !kept.is_empty() {
                    items.push(Item::Fragment {
                        condition: condition.clone(),
                        directives: directives.clone(),
                        selection: kept,
                    });
                }
            }
        }
    }
    FieldSet { items }
}

/// An interface's field counts as external if any implementation's is.
fn implements_external(schema: &Schema, ty: &TypeDef, field: &Name) -> bool {
    ty.kind == Kind::Interface
        && schema.runtime_types(ty).iter().any(|t| t.fields.get(field).is_some_and(|f| f.has(Known::External)))
}

/// Object and interface types that are only extended become definitions, with their keys. What `@extends` marks stays an extension of
/// what others define, and so do other kinds of types, which Federation 1 never allowed without a definition.
fn close_extensions(schema: &mut Schema) {
    let closed = |ty: &&mut TypeDef| matches!(ty.kind, Kind::Object | Kind::Interface) && ty.is_extension();
    for ty in schema.types.values_mut().filter(closed) {
        ty.defined = true;
        ty.extended = false;
        ty.applied.iter_mut().for_each(|applied| applied.part = 0);
        ty.fields.values_mut().for_each(|field| field.part = 0);
    }
}

fn remove_interface_directives(schema: &mut Schema) {
    for ty in schema.types.values_mut().filter(|ty| ty.kind == Kind::Interface) {
        remove(&mut ty.applied, Known::Key);
        for field in ty.fields.values_mut() {
            remove(&mut field.applied, Known::Provides);
            remove(&mut field.applied, Known::Requires);
        }
    }
}

fn remove_provides_on_leaves(schema: &mut Schema) {
    let composite: AHashSet<Name> =
        schema.types.values().filter(|t| t.is_composite()).map(|t| t.name.clone()).collect();
    for field in schema.types.values_mut().flat_map(|ty| ty.fields.values_mut()) {
        if !composite.contains(field.ty.inner_named_type()) {
            remove(&mut field.applied, Known::Provides);
        }
    }
}

fn remove_unused_externals(subgraph: &mut Subgraph, errors: &mut Vec<Diagnostic>) {
    facts::establish(subgraph);
    let mut emptied = Vec::new();
    for ty in subgraph.schema.types.values_mut() {
        if !matches!(ty.kind, Kind::Object | Kind::Interface) {
            continue;
        }
        let before = ty.fields.len();
        ty.fields.retain(|_, field| !field.has(Known::External) || field.facts.used);
        if before > 0 && ty.fields.is_empty() {
            emptied.push(ty.name.clone());
        }
    }
    for name in emptied {
        let referenced = subgraph.schema.types.values().any(|ty| {
            ty.members.contains_key(&name)
                || ty.implements.contains_key(&name)
                || ty.fields.values().any(|f| f.ty.inner_named_type() == &name)
        });
        if referenced && let Some(ty) = subgraph.schema.types.get(&name) {
            errors.push(
                Diagnostic::new(
                    Code::TYPE_WITH_ONLY_UNUSED_EXTERNAL,
                    format!("[{}] Other types refer to \"{name}\", but none of its fields is left: all are @external, and no @key, @requires or @provides uses them.", subgraph.name),
                )
                .on(name.as_str())
                .at(subgraph.locate(ty.span))
                .help(format!("give \"{name}\" a @key, or a field that this subgraph resolves")),
            );
        }
        subgraph.schema.types.shift_remove(&name);
        for ty in subgraph.schema.types.values_mut() {
            ty.members.shift_remove(&name);
            ty.implements.shift_remove(&name);
        }
    }
}

fn shareable() -> Applied {
    Applied {
        name: Name::new_unchecked("shareable"),
        known: Some(Known::Shareable),
        args: Vec::new(),
        span: None,
        part: 0,
    }
}

fn add_shareable(schema: &mut Schema, index: usize, others: &Others) {
    let mut key_fields: AHashSet<(Name, Name)> = AHashSet::new();
    for ty in schema.types.values() {
        for set in ty.all(Known::Key).filter_map(fields_of) {
            let mut fields = Vec::new();
            reached(schema, ty, &set, false, &mut fields);
            key_fields.extend(fields);
        }
    }
    for ty in schema.types.values_mut().filter(|ty| ty.kind == Kind::Object) {
        if ty.name == "Subscription" {
            continue;
        }
        let name = ty.name.clone();
        if ty.has(Known::Key) || is_root(&name) {
            for field in ty.fields.values_mut() {
                let key = key_fields.contains(&(name.clone(), field.name.clone()));
                if !key && !field.has(Known::External) && others.resolved_elsewhere(&name, &field.name, index) {
                    field.applied.push(shareable());
                }
            }
        } else if others.having.get(&name).is_some_and(|by| by.iter().any(|i| *i != index)) {
            // A value type: the fields of its definition are shared, those that an extension adds are not.
            let in_definition = ty.fields.values().any(|f| f.part == 0);
            for field in ty.fields.values_mut() {
                if !field.has(Known::External) && (field.part == 0 || !in_definition) {
                    field.applied.push(shareable());
                }
            }
        }
    }
}

fn remove_tags_on_externals(schema: &mut Schema, index: usize, others: &Others) {
    for ty in schema.types.values_mut() {
        let name = ty.name.clone();
        for field in ty.fields.values_mut() {
            let strip =
                |field: &Field| field.has(Known::External) && others.resolved_elsewhere(&name, &field.name, index);
            if strip(field) {
                remove(&mut field.applied, Known::Tag);
            }
        }
    }
}
