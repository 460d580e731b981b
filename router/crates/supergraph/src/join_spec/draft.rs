//! A merged schema with its joins, as composition makes it and `write` prints it. Knows neither how subgraphs are merged nor SDL.

use std::sync::Arc;

use braid_graphql::compiler::ast::{DirectiveLocation, Type, Value};
use braid_graphql::compiler::{Name, Node};
use braid_graphql::schema::NameMap;

/// A merged schema, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The join specification's minor version: 3, 4 or 5.
    pub join_minor: u8,
    /// Links besides those of the link and join specifications.
    pub links: Vec<DraftLink>,
    /// The schema's description.
    pub description: Option<Arc<str>>,
    /// Directives on the schema.
    pub applied: Vec<DraftApplied>,
    /// The subgraphs; joins refer to them by index.
    pub graphs: Vec<DraftGraph>,
    /// Directive definitions, without those of link and join.
    pub directives: NameMap<DraftDirective>,
    /// All types except those of link and join.
    pub types: NameMap<DraftType>,
}

/// A `@link` on the supergraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftLink {
    /// Identity and version.
    pub url: String,
    /// `as:`.
    pub alias: Option<String>,
    /// `import:`, each with its alias if it has one.
    pub imports: Vec<(String, Option<String>)>,
    /// `for:`.
    pub purpose: Option<String>,
}

/// A subgraph.
#[derive(Clone, Debug)]
pub struct DraftGraph {
    /// Its value of the graph enum.
    pub value: String,
    /// Its name.
    pub name: Arc<str>,
    /// Its address.
    pub url: Arc<str>,
}

/// A directive application.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftApplied {
    /// The directive's name in the supergraph.
    pub name: Name,
    /// Its arguments.
    pub args: Vec<(Name, Node<Value>)>,
}

/// A directive definition.
#[derive(Clone, Debug)]
pub struct DraftDirective {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Arc<str>>,
    /// Its arguments.
    pub args: Vec<DraftInput>,
    /// Whether it can be applied twice.
    pub repeatable: bool,
    /// Where it can be applied.
    pub locations: Vec<DirectiveLocation>,
    /// It belongs to a linked feature, not to the API.
    pub internal: bool,
}

/// The kind of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DraftKind {
    /// `scalar`
    Scalar,
    /// `type`
    Object,
    /// `interface`
    Interface,
    /// `union`
    Union,
    /// `enum`
    Enum,
    /// `input`
    Input,
}

/// A merged type.
#[derive(Clone, Debug)]
pub struct DraftType {
    /// Its name.
    pub name: Name,
    /// Its kind.
    pub kind: DraftKind,
    /// Its description.
    pub description: Option<Arc<str>>,
    /// Where it is, and by which keys.
    pub joins: Vec<DraftJoinType>,
    /// Its interfaces, each with the graphs that say so.
    pub implements: NameMap<Vec<usize>>,
    /// A union's members, each with the graphs that say so.
    pub members: NameMap<Vec<usize>>,
    /// The fields of an object, interface or input.
    pub fields: NameMap<DraftField>,
    /// An enum's values.
    pub values: NameMap<DraftValue>,
    /// Directives on it.
    pub applied: Vec<DraftApplied>,
    /// It belongs to a linked feature, not to the API.
    pub internal: bool,
}

/// One `@join__type`.
#[derive(Clone, Debug)]
pub struct DraftJoinType {
    /// The graph.
    pub graph: usize,
    /// A key's field set.
    pub key: Option<String>,
    /// The key is on an extension.
    pub extension: bool,
    /// The router can enter the subgraph by the key.
    pub resolvable: bool,
    /// The subgraph sees the interface as an object.
    pub interface_object: bool,
}

/// A merged field or input field.
#[derive(Clone, Debug)]
pub struct DraftField {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Arc<str>>,
    /// Its arguments.
    pub args: Vec<DraftInput>,
    /// Its type.
    pub ty: Type,
    /// An input field's default.
    pub default: Option<Node<Value>>,
    /// Where it is; empty when it is in all graphs of its type alike.
    pub joins: Vec<DraftJoinField>,
    /// Directives on it.
    pub applied: Vec<DraftApplied>,
}

/// One `@join__field`.
#[derive(Clone, Debug, Default)]
pub struct DraftJoinField {
    /// The graph; none for a field that comes through interface objects only.
    pub graph: Option<usize>,
    /// A field set.
    pub requires: Option<String>,
    /// A field set.
    pub provides: Option<String>,
    /// The type there, if types differ.
    pub ty: Option<String>,
    /// Known there, resolved elsewhere.
    pub external: bool,
    /// Taken over from a graph.
    pub override_from: Option<String>,
    /// Taken over by another graph, but still used here.
    pub used_overridden: bool,
    /// Decides which side resolves it.
    pub override_label: Option<String>,
    /// Arguments that the router fills in.
    pub context_arguments: Vec<DraftContextArgument>,
}

/// An argument that the router fills in.
#[derive(Clone, Debug)]
pub struct DraftContextArgument {
    /// The context's name in the supergraph.
    pub context: String,
    /// The argument's name.
    pub name: String,
    /// The argument's type.
    pub ty: String,
    /// What to select.
    pub selection: String,
}

/// An argument.
#[derive(Clone, Debug)]
pub struct DraftInput {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Arc<str>>,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Node<Value>>,
    /// Directives on it.
    pub applied: Vec<DraftApplied>,
}

/// An enum value.
#[derive(Clone, Debug)]
pub struct DraftValue {
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<Arc<str>>,
    /// The graphs that have it.
    pub graphs: Vec<usize>,
    /// Directives on it.
    pub applied: Vec<DraftApplied>,
}
