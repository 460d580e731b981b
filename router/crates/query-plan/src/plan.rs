//! The nodes of a plan. See the crate's page for the data tree that they write into.

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, DeferId, InitialCount, StreamId};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType, Type, VariableDefinition};
use braid_supergraph::SubgraphId;

/// How one operation is answered: fetches and the order between them.
///
/// Parts that need no subgraph are absent: `__typename` where the type is known, and introspection (`__schema`, `__type`), which
/// the router answers from its API schema.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryPlan {
    /// Query, mutation or subscription. For a subscription, the first fetch is the subscribed field and runs on each event.
    pub kind: OperationType,
    /// The fetches; each comes after all that it waits for.
    pub fetches: Vec<Fetch>,
}

/// The number of a fetch in [`QueryPlan::fetches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FetchId(pub u32);

/// One request to one subgraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetch {
    /// Its place in [`QueryPlan::fetches`].
    pub id: FetchId,
    /// Who is asked.
    pub subgraph: SubgraphId,
    /// The fetches that must be done before: those whose data its inputs come from, and, for a mutation's root fetches, the root
    /// fetch before it.
    pub after: Vec<FetchId>,
    /// When not met, the request is not made: nothing of it is selected.
    pub condition: Condition,
    /// The client's variables that the request uses, as the client defined them, in the client's order.
    pub variables: Vec<Node<VariableDefinition>>,
    /// Of an operation that is answered in parts: the deferred fragments whose fields it gives, and `None` for what is not
    /// deferred. Empty where it gives only what others need as inputs, and in operations that are answered in one piece.
    pub serves: Vec<Option<DeferId>>,
    /// The streamed lists whose later items it gives something of. What it gives for the first items of a list is another fetch.
    pub streams: Vec<StreamId>,
    /// What is asked.
    pub kind: FetchKind,
}

/// The two kinds of requests.
#[derive(Debug, Clone, PartialEq)]
pub enum FetchKind {
    /// Fields of a root operation type.
    Root {
        /// Query, mutation or subscription: of the request, which for a query field met below a mutation is a query.
        operation: OperationType,
        /// The object of the tree that receives the data: the root, or an object of the query root type met below
        /// (a mutation payload that has a `query: Query` field).
        path: Path,
        /// What is asked.
        selections: Vec<FetchSelection>,
    },
    /// Entities by their representations (`_entities`). Several lists of entities can travel in one request, each under its own
    /// alias.
    Entities(Vec<EntityFetch>),
}

/// Entities at one place of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityFetch {
    /// The objects that are looked up and receive the data. The same path can occur several times in one fetch.
    pub path: Path,
    /// How an object is identified, by its runtime type. The first whose guard fits is used; an object that none fits, or
    /// one that lacks a key, is not looked up.
    pub representations: Vec<Representation>,
    /// When not met, this list of entities is left out of the request.
    pub condition: Condition,
    /// Variables of the request whose values come from an object further up (`@fromContext`). Entities with unequal values
    /// travel under separate aliases.
    pub contexts: Vec<ContextValue>,
    /// What is asked of each entity. Top-level selections are inline fragments on the entity's type in the subgraph.
    pub selections: Vec<FetchSelection>,
}

/// What is sent for one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// The runtime types for which it is built. Objects of a position that is an interface object have no known runtime type: for
    /// them `guard` has all possible types of the interface, and `typename` is fixed.
    pub guard: TypeSet,
    /// The value of `__typename`.
    pub typename: TypenameSource,
    /// The fields of the key and of what is required.
    pub fields: Vec<RepresentationField>,
}

/// Where a representation's `__typename` comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypenameSource {
    /// The runtime type of the object.
    Runtime,
    /// A name: of an object type, or of the interface that the subgraph knows as an object.
    Fixed(Name),
}

/// A field of a representation.
#[derive(Debug, Clone, PartialEq)]
pub struct RepresentationField {
    /// The name in the representation.
    pub name: Name,
    /// The tree key to copy from.
    pub key: Name,
    /// Whether it belongs to a key. An object that lacks a field of its representation, at any depth, is not looked up: a subgraph
    /// must not compute from half of what it requires. A null is sent where it is required, but not as the field of a key.
    pub is_key: bool,
    /// The runtime types of the enclosing object for which the field is written; `None` for all.
    pub guard: Option<TypeSet>,
    /// For a composite: what is copied of it; through lists, item by item. A composite with abstract type carries
    /// `__typename` first.
    pub fields: Option<Vec<RepresentationField>>,
}

/// A variable of an entity request that takes its value from an enclosing object.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextValue {
    /// The variable's name in the request, unique in the plan.
    pub variable: Name,
    /// Its type in the request.
    pub ty: Type,
    /// How many segments of [`EntityFetch::path`] lead to the object that sets the context (0 is the root).
    pub depth: usize,
    /// From that object, by runtime type, the tree keys to the value.
    pub sources: Vec<(TypeSet, Vec<Name>)>,
}

/// From the root of the tree to objects: keys, passing through lists, each with the runtime types that are followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Path(pub Vec<PathSegment>);

/// A step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathSegment {
    /// The tree key.
    pub key: Name,
    /// Only objects of these runtime types, among those under the key, are followed; `None` follows all. Lists are passed through.
    pub guard: Option<TypeSet>,
    /// Of a streamed list, only these items are followed; `None` follows all.
    pub items: Option<Items>,
}

/// A part of the items of a streamed list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Items {
    /// Those that are delivered with the list.
    First(InitialCount),
    /// Those after them.
    Rest(InitialCount),
}

/// What is asked of a subgraph, in the order it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum FetchSelection {
    /// A field.
    Field(FetchField),
    /// `... on Type { }`, with a type that the subgraph has.
    InlineFragment {
        /// The type condition; `None` when the fragment is there for its condition alone.
        type_condition: Option<TypeId>,
        /// `@include` and `@skip`.
        condition: Condition,
        /// What is asked in it.
        selections: Vec<FetchSelection>,
    },
}

/// A field that is asked of a subgraph.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchField {
    /// The alias or name that is written in the request, and the key in the subgraph's response.
    pub wire_key: Name,
    /// The tree key that receives the value.
    pub key: Name,
    /// The field's name.
    pub name: Name,
    /// The field; `None` for `__typename`.
    pub definition: Option<FieldId>,
    /// Literals and the client's variables.
    pub arguments: Vec<Node<Argument>>,
    /// `@include` and `@skip`.
    pub condition: Condition,
    /// What is asked below; `None` for leaves.
    pub selections: Option<Vec<FetchSelection>>,
}

impl QueryPlan {
    /// The plan of an operation that needs no subgraph.
    pub fn empty(kind: OperationType) -> Self {
        Self { kind, fetches: Vec::new() }
    }
}
