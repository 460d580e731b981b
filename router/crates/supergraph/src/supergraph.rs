//! The model: what a supergraph says of each type and field. Knows nothing of how it is written down.

use std::collections::BTreeSet;

use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{self, Name};
use braid_graphql::operation::SelectionSet;
use braid_graphql::schema::{FieldId, Schema, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{OperationType, Type};

use crate::cache_tags::CacheTags;
use crate::features::Features;

/// A composed schema with what each subgraph contributes. Built once per schema version, then only read.
#[derive(Debug, Clone)]
pub struct Supergraph {
    /// All types of all subgraphs, `@inaccessible` ones included: what plans are made over.
    pub schema: Schema,
    /// What clients see: operations are validated against it, and introspection returns it.
    pub api_schema: Valid<compiler::Schema>,
    /// The supergraph as it was read, with all its directives.
    pub source: compiler::Schema,
    /// The subgraphs, in the order of the join graph enum.
    pub subgraphs: Vec<Subgraph>,
    /// The tags by which caches throw out what subgraphs gave (`@cacheTag`).
    pub cache_tags: CacheTags,
    pub(crate) types: Vec<TypeJoins>,
    pub(crate) fields: Vec<FieldJoins>,
    pub(crate) features: Features,
}

/// A subgraph of one [`Supergraph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubgraphId(u16);

/// A service that resolves a part of the supergraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subgraph {
    /// Its name.
    pub name: String,
    /// Where it is reached; empty when the supergraph does not say.
    pub url: String,
    /// Its value in the join graph enum.
    pub graph: Name,
    /// Whether it stands for the events of a message broker ([`Supergraph::take_events`]), so that there is nobody to ask.
    pub is_broker: bool,
}

/// What the subgraphs say of a type.
#[derive(Debug, Clone, Default)]
pub struct TypeJoins {
    /// The subgraphs that define the type, in their order.
    pub subgraphs: Vec<TypeInSubgraph>,
    /// Whether clients see the type.
    pub inaccessible: bool,
    /// For an enum: the values that clients do not see.
    pub inaccessible_values: Vec<Name>,
    /// The contexts that the type sets (`@context`), as named in the supergraph.
    pub contexts: Vec<String>,
}

/// What one subgraph says of a type.
#[derive(Debug, Clone)]
pub struct TypeInSubgraph {
    /// The subgraph.
    pub subgraph: SubgraphId,
    /// The ways to identify an entity of this type in this subgraph.
    pub keys: Vec<Key>,
    /// Whether this subgraph knows the interface as an object type (`@interfaceObject`).
    pub interface_object: bool,
    /// The object types that a value of this type can have in this subgraph. An interface object has none: its runtime
    /// types are known elsewhere.
    pub possible: TypeSet,
}

/// A `@key` of a type in a subgraph.
#[derive(Debug, Clone)]
pub struct Key {
    /// The fields that identify an entity.
    pub fields: SelectionSet,
    /// The same as written.
    pub text: String,
    /// Whether the subgraph can be entered by this key; otherwise it only returns references.
    pub resolvable: bool,
}

/// What the subgraphs say of a field.
#[derive(Debug, Clone, Default)]
pub struct FieldJoins {
    /// The subgraphs that define the field, in their order. Empty for a field that only interface objects give.
    pub subgraphs: Vec<FieldInSubgraph>,
}

/// What one subgraph says of a field.
#[derive(Debug, Clone)]
pub struct FieldInSubgraph {
    /// The subgraph.
    pub subgraph: SubgraphId,
    /// The type of the field in this subgraph, which can differ from the supergraph's.
    pub ty: Type,
    /// The subgraph knows the field but does not resolve it, except where it is provided (`@external`).
    pub external: bool,
    /// The field was moved to another subgraph and stays here for keys, requirements and interfaces only (`@override`).
    pub used_overridden: bool,
    /// Which fields of other subgraphs the field needs in its representation (`@requires`).
    pub requires: Option<SelectionSet>,
    /// Which external fields are resolved below this field (`@provides`).
    pub provides: Option<SelectionSet>,
    /// The label under which this subgraph resolves the field (`@override(label:)`), when there is one.
    pub label: Option<LabelCondition>,
    /// Arguments that are taken from a context rather than from the client (`@fromContext`).
    pub context_arguments: Vec<ContextArgument>,
}

/// An override label that must be on or off.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelCondition {
    /// The label.
    pub label: String,
    /// Whether the field is here when the label is on, or when it is off.
    pub active: bool,
}

/// An argument whose value comes from an enclosing object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContextArgument {
    /// The context, as named in the supergraph (`subgraph__context`).
    pub context: String,
    /// The argument.
    pub name: Name,
    /// The type of the argument in the subgraph.
    pub ty: Type,
    /// What to take from the object that sets the context: a selection with one leaf for each type condition, as written.
    pub selection: String,
}

impl SubgraphId {
    /// The id with this number.
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// The number, for arrays beside the supergraph's own.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Debug for SubgraphId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl Supergraph {
    /// Writes the supergraph as SDL that [`Supergraph::read`] reads back.
    pub fn write(&self) -> String {
        self.source.to_string()
    }

    /// The linked features that a router must know before it may run this supergraph (`for: SECURITY` or `EXECUTION`),
    /// as `identity/vN.M`, without those that this crate reads itself.
    pub fn demanded_features(&self) -> Vec<String> {
        self.features.demanded()
    }

    /// The name that the directive of a feature has in this supergraph, such as `requiresScopes`; `None` where the feature is not
    /// linked. For features whose directive is called as they are.
    pub fn directive_named(&self, feature: &str) -> Option<String> {
        self.features.directive_named(feature)
    }

    /// The name that one of a feature's directives has in this supergraph, such as `listSize` of the feature `cost`; `None` where the
    /// feature is not linked.
    pub fn directive_of(&self, feature: &str, directive: &str) -> Option<String> {
        Some(self.features.named(feature)?.name_of_directive(directive))
    }

    /// What the subgraphs say of a type.
    pub fn ty(&self, id: TypeId) -> &TypeJoins {
        &self.types[id.index()]
    }

    /// What the subgraphs say of a field.
    pub fn field(&self, id: FieldId) -> &FieldJoins {
        &self.fields[id.index()]
    }

    /// The subgraph with this id.
    pub fn subgraph(&self, id: SubgraphId) -> &Subgraph {
        &self.subgraphs[id.index()]
    }

    /// All subgraphs' ids in order.
    pub fn subgraph_ids(&self) -> impl ExactSizeIterator<Item = SubgraphId> + use<> {
        (0..self.subgraphs.len()).map(|index| SubgraphId(index as u16))
    }

    /// The subgraph of this name.
    pub fn subgraph_named(&self, name: &str) -> Option<SubgraphId> {
        self.subgraph_ids().find(|id| self.subgraph(*id).name == name)
    }

    /// What `subgraph` says of a type, when it defines it.
    pub fn type_in(&self, id: TypeId, subgraph: SubgraphId) -> Option<&TypeInSubgraph> {
        self.ty(id).subgraphs.iter().find(|joined| joined.subgraph == subgraph)
    }

    /// What `subgraph` says of a field, when it defines it.
    pub fn field_in(&self, id: FieldId, subgraph: SubgraphId) -> Option<&FieldInSubgraph> {
        self.field(id).subgraphs.iter().find(|joined| joined.subgraph == subgraph)
    }

    /// The labels of progressive overrides (`@override(label:)`), in order.
    pub fn override_labels(&self) -> BTreeSet<&str> {
        let joins = self.fields.iter().flat_map(|field| &field.subgraphs);
        joins.filter_map(|join| Some(join.label.as_ref()?.label.as_str())).collect()
    }

    /// The root operation type of `kind`.
    pub fn root(&self, kind: OperationType) -> Option<TypeId> {
        self.schema.root(kind)
    }
}

/// A text that is not a supergraph which the router can run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SupergraphError {
    /// The text is not GraphQL, or the schema that it makes is not valid.
    #[error("the supergraph is not a valid schema: {0}")]
    InvalidGraphQL(String),
    /// The schema is plain GraphQL or a subgraph: it does not say which subgraph has what.
    #[error("this schema is not a supergraph: {0}")]
    NotASupergraph(String),
    /// The supergraph needs a feature that the router does not have.
    #[error("the supergraph needs {0}, which this router does not support")]
    Unsupported(String),
    /// A join directive says something impossible.
    #[error("{coordinate}: {message}")]
    InvalidJoin {
        /// The type or field that has the directive.
        coordinate: String,
        /// What is wrong.
        message: String,
    },
}

impl SupergraphError {
    /// The field's standard code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidGraphQL(_) => "INVALID_GRAPHQL",
            Self::NotASupergraph(_) | Self::InvalidJoin { .. } => "INVALID_FEDERATION_SUPERGRAPH",
            Self::Unsupported(_) => "UNSUPPORTED_LINKED_FEATURE",
        }
    }
}
