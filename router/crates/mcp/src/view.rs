//! What agents may see of a graph: the API schema without root types whose operations they can't run, and what its parts require. Knows no
//! client.

use braid_authorization::{Alternatives, Requirement, RequirementSet, Requirements};
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::{ExtendedType, FieldDefinition};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::schema::fields_of;
use braid_graphql::{Name, Node, OperationType};
use braid_supergraph::Supergraph;

/// What agents may see of a graph.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) supergraph: &'a Supergraph,
    /// What they see of the API schema.
    pub(crate) api: &'a Valid<Schema>,
    pub(crate) requirements: &'a Requirements,
    /// Whether mutations can be run by their texts.
    pub(crate) mutations: bool,
}

impl<'a> View<'a> {
    pub(crate) fn schema(&self) -> &'a Schema {
        self.api
    }

    /// The root types whose operations can be run.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (OperationType, &'a Name)> {
        let kinds = [Some(OperationType::Query), self.mutations.then_some(OperationType::Mutation)];
        let schema = self.schema();
        kinds.into_iter().flatten().filter_map(|kind| Some((kind, schema.root_operation(kind)?)))
    }

    /// Whether a type is a root type.
    pub(crate) fn is_root(&self, name: &str) -> bool {
        self.schema().schema_definition.iter_root_operations().any(|(_, root)| root.as_str() == name)
    }

    /// Whether a type is a root type whose operations can't be run.
    pub(crate) fn is_closed(&self, name: &str) -> bool {
        self.is_root(name) && !self.roots().any(|(_, root)| root.as_str() == name)
    }

    /// A type that may be seen.
    pub(crate) fn ty(&self, name: &str) -> Option<&'a ExtendedType> {
        let ty = self.schema().types.get(name)?;
        (!name.starts_with("__") && !self.is_closed(name)).then_some(ty)
    }

    /// All types that may be seen, but those that every schema has.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&'a Name, &'a ExtendedType)> {
        let view = *self;
        self.schema().types.iter().filter(move |(name, ty)| !ty.is_built_in() && !view.is_closed(name))
    }

    /// What is required for a field, in words.
    pub(crate) fn field_needs(&self, parent: &str, field: &str) -> Option<String> {
        if self.requirements.is_empty() {
            return None;
        }
        let schema = &self.supergraph.schema;
        let id = schema.field_named(schema.type_named(parent)?, field)?;
        self.in_words(self.requirements.of_field(id))
    }

    /// What is required for the values of a type, in words.
    pub(crate) fn type_needs(&self, name: &str) -> Option<String> {
        if self.requirements.is_empty() {
            return None;
        }
        self.in_words(self.requirements.of_type(self.supergraph.schema.type_named(name)?))
    }

    /// Adds what is required for a field.
    pub(crate) fn add_needs(&self, parent: &str, field: &str, into: &mut RequirementSet) {
        let schema = &self.supergraph.schema;
        let id = schema.type_named(parent).and_then(|parent| schema.field_named(parent, field));
        if let Some(id) = id.filter(|_| !self.requirements.is_empty()) {
            into.extend(self.requirements.of_field(id));
        }
    }

    /// Requirements in words.
    pub(crate) fn in_words(&self, set: &RequirementSet) -> Option<String> {
        let all: Vec<String> = set.iter().filter_map(|id| self.requirements.get(id)).map(one).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn one(requirement: &Requirement) -> String {
    match requirement {
        Requirement::Authenticated => "needs credentials".to_owned(),
        Requirement::Scopes(scopes) => format!("needs the scope {}", alternatives(scopes)),
        Requirement::Policies(policies) => format!("needs the policy {}", alternatives(policies)),
    }
}

fn alternatives(Alternatives(lists): &Alternatives) -> String {
    lists.iter().map(|all| all.join(" and ")).collect::<Vec<_>>().join(", or ")
}

/// The fields of an object or interface type.
pub(crate) fn fields(ty: &ExtendedType) -> impl Iterator<Item = (&Name, &Node<FieldDefinition>)> {
    fields_of(ty).into_iter().flatten()
}
