//! Reads the requirements of a supergraph, whatever names their directives have in it. What cannot be understood is refused: a
//! requirement that is overlooked would let everybody in.

use std::iter;

use ahash::AHashMap;
use braid_graphql::Name;
use braid_graphql::OperationType;
use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_supergraph::Supergraph;

use crate::requirements::{Alternatives, Requirement, RequirementSet, Requirements};

/// A requirement that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{coordinate}: @{directive} needs {argument} as lists of strings, such as {argument}: [[\"a\", \"b\"], [\"c\"]]"
)]
pub struct ReadError {
    /// The type or field that has it.
    pub coordinate: String,
    /// The directive, as it is named here.
    pub directive: String,
    /// The argument that is missing or of another form.
    pub argument: &'static str,
}

impl Requirements {
    /// What a supergraph requires of those who ask.
    pub fn read(supergraph: &Supergraph) -> Result<Self, ReadError> {
        let mut reader = Reader { names: Names::new(supergraph), found: Self::default() };
        reader.types(supergraph)?;
        reader.fields(supergraph)?;
        let mut found = reader.found;
        if !found.is_empty() {
            found.guard(supergraph);
        }
        Ok(found)
    }

    /// Adds to fields what they need beside their own directives, and notes where anything is needed at all.
    fn guard(&mut self, supergraph: &Supergraph) {
        let schema = &supergraph.schema;
        let kinds = [OperationType::Query, OperationType::Mutation, OperationType::Subscription];
        let roots: Vec<TypeId> = kinds.into_iter().filter_map(|kind| schema.root(kind)).collect();
        let own = self.fields.clone();
        for (id, field) in schema.fields() {
            let needed = &mut self.fields[id.index()];
            needed.extend(&self.types[field.inner.index()]);
            // No field leads to a root, and what is looked up on an interface passes by it.
            if roots.contains(&field.parent) || schema.ty(field.parent).is_interface() {
                needed.extend(&self.types[field.parent.index()]);
            }
            for joined in &supergraph.field(id).subgraphs {
                joined.requires.iter().for_each(|set| add_selected(set, &own, &self.types, supergraph, needed));
            }
        }
        for (id, ty) in schema.types() {
            if ty.is_object() && !roots.contains(&id) && !self.types[id.index()].is_empty() {
                self.guarded_types.push(id);
            }
        }
        let mut guarded: AHashMap<Name, Vec<TypeId>> = AHashMap::new();
        for (id, field) in schema.fields() {
            if schema.ty(field.parent).is_object() && !self.fields[id.index()].is_empty() {
                guarded.entry(field.name.clone()).or_default().push(field.parent);
            }
        }
        self.guarded_fields =
            guarded.into_iter().map(|(name, types)| (name, types.into_iter().collect::<TypeSet>())).collect();
    }
}

/// Adds what the fields of a selection need by their own directives, and their types.
fn add_selected(
    selected: &SelectionSet,
    own: &[RequirementSet],
    types: &[RequirementSet],
    supergraph: &Supergraph,
    needed: &mut RequirementSet,
) {
    for field in &selected.fields {
        if let Some(id) = field.definition.id() {
            needed.extend(&own[id.index()]);
            needed.extend(&types[supergraph.schema.field(id).inner.index()]);
        }
        field.selection_set.iter().for_each(|below| add_selected(below, own, types, supergraph, needed));
    }
}

/// The names of the directives in this supergraph; none that it does not link.
struct Names {
    authenticated: Option<String>,
    scopes: Option<String>,
    policy: Option<String>,
}

impl Names {
    fn new(supergraph: &Supergraph) -> Self {
        let named = |feature: &str| supergraph.directive_named(feature);
        Self { authenticated: named("authenticated"), scopes: named("requiresScopes"), policy: named("policy") }
    }
}

struct Reader {
    names: Names,
    found: Requirements,
}

impl Reader {
    fn types(&mut self, supergraph: &Supergraph) -> Result<(), ReadError> {
        for (_, ty) in supergraph.schema.types() {
            let source = supergraph.source.types.get(&ty.name);
            let directives = source.map(ExtendedType::directives);
            let applied = directives.into_iter().flat_map(|directives| directives.iter());
            let found = self.requirements(applied, || ty.name.to_string())?;
            self.found.types.push(found);
        }
        Ok(())
    }

    fn fields(&mut self, supergraph: &Supergraph) -> Result<(), ReadError> {
        for (id, field) in supergraph.schema.fields() {
            let parent = &supergraph.schema.ty(field.parent).name;
            let definition = match supergraph.source.types.get(parent) {
                Some(ExtendedType::Object(object)) => object.fields.get(&field.name),
                Some(ExtendedType::Interface(interface)) => interface.fields.get(&field.name),
                _ => None,
            };
            let applied = definition.into_iter().flat_map(|definition| definition.directives.iter());
            let found = self.requirements(applied, || coordinate(supergraph, id))?;
            self.found.fields.push(found);
        }
        Ok(())
    }

    fn requirements<'a>(
        &mut self,
        applied: impl Iterator<Item = &'a Node<Directive>>,
        coordinate: impl Fn() -> String,
    ) -> Result<RequirementSet, ReadError> {
        let mut set = RequirementSet::default();
        for directive in applied {
            let is = |name: &Option<String>| name.as_deref() == Some(directive.name.as_str());
            let alternatives = |argument: &'static str| {
                let value = directive.specified_argument_by_name(argument);
                value.and_then(|value| alternatives(value)).ok_or_else(|| ReadError {
                    coordinate: coordinate(),
                    directive: directive.name.to_string(),
                    argument,
                })
            };
            let requirement = match () {
                () if is(&self.names.authenticated) => Requirement::Authenticated,
                () if is(&self.names.scopes) => Requirement::Scopes(alternatives("scopes")?),
                () if is(&self.names.policy) => Requirement::Policies(alternatives("policies")?),
                () => continue,
            };
            set.insert(self.found.add(requirement));
        }
        Ok(set)
    }
}

/// A list of lists of strings. One value stands for a list of one, as in all of GraphQL
/// (<https://spec.graphql.org/draft/#sec-List.Input-Coercion>).
fn alternatives(value: &Value) -> Option<Alternatives> {
    let all = |value: &Value| match value {
        Value::List(names) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
        name => Some(iter::once(name.as_str()?.to_owned()).collect::<Vec<_>>()),
    };
    let lists = match value {
        Value::List(lists) => lists.iter().map(|list| all(list)).collect::<Option<Vec<_>>>()?,
        one => vec![all(one)?],
    };
    Some(Alternatives(lists))
}

fn coordinate(supergraph: &Supergraph, id: FieldId) -> String {
    supergraph.schema.coordinate(id)
}
