//! The join specification: the only place that knows the names `join__*`, v0.1 to v0.5.
//! Knows how one directive is written, not what follows from it for a type or field.

pub mod draft;
mod write;

use braid_graphql::Node;
use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::DirectiveList;

/// The enum whose values are the subgraphs.
pub const GRAPH_ENUM: &str = "join__Graph";
const GRAPH: &str = "join__graph";
const OWNER: &str = "join__owner";
const TYPE: &str = "join__type";
const FIELD: &str = "join__field";
const IMPLEMENTS: &str = "join__implements";
const UNION_MEMBER: &str = "join__unionMember";
const DIRECTIVE: &str = "join__directive";

/// `@join__graph` on a value of the graph enum.
#[derive(Debug)]
pub struct JoinGraph<'a> {
    /// The subgraph's name.
    pub name: &'a str,
    /// Its address.
    pub url: &'a str,
}

/// `@join__type`: the type is in a subgraph, perhaps with a key.
#[derive(Debug)]
pub struct JoinType<'a> {
    /// The graph enum value.
    pub graph: &'a str,
    /// A field set.
    pub key: Option<&'a str>,
    /// Whether the key can be used to enter the subgraph.
    pub resolvable: bool,
    /// Whether the subgraph knows the interface as an object type.
    pub is_interface_object: bool,
}

/// `@join__field`: how a subgraph has the field. Without a graph, only interface objects have it.
#[derive(Debug, Default)]
pub struct JoinField<'a> {
    /// The graph enum value.
    pub graph: Option<&'a str>,
    /// A field set.
    pub requires: Option<&'a str>,
    /// A field set.
    pub provides: Option<&'a str>,
    /// The type in the subgraph, when it differs.
    pub ty: Option<&'a str>,
    /// Known there but not resolved there.
    pub external: bool,
    /// Moved away, but still used by keys or requirements there.
    pub used_overridden: bool,
    /// The subgraph that it was moved from.
    pub override_from: Option<&'a str>,
    /// The label that decides which side resolves it.
    pub override_label: Option<&'a str>,
    /// `contextArguments`, each an object.
    pub context_arguments: Vec<JoinContextArgument<'a>>,
}

/// `@join__directive`: a directive of some subgraphs that is not merged under its own name.
#[derive(Debug)]
pub struct JoinDirective<'a> {
    /// The graph enum values.
    pub graphs: Vec<&'a str>,
    /// The directive, as the subgraphs' federation specification calls it, such as `federation__cacheTag`.
    pub name: &'a str,
    directive: &'a Node<Directive>,
}

/// An entry of `contextArguments`.
#[derive(Debug)]
pub struct JoinContextArgument<'a> {
    /// The context's name in the supergraph.
    pub context: &'a str,
    /// The argument.
    pub name: &'a str,
    /// Its type.
    pub ty: &'a str,
    /// What is taken from the context.
    pub selection: &'a str,
}

/// Reads `@join__graph`.
pub fn join_graph(directives: &DirectiveList) -> Option<JoinGraph<'_>> {
    let directive = directives.get(GRAPH)?;
    Some(JoinGraph { name: text(directive, "name")?, url: text(directive, "url").unwrap_or_default() })
}

/// Reads `@join__owner` of v0.1: the subgraph of all fields that do not say otherwise.
pub fn join_owner(directives: &DirectiveList) -> Option<&str> {
    symbol(directives.get(OWNER)?, "graph")
}

/// Reads all `@join__type`.
pub fn join_types(directives: &DirectiveList) -> impl Iterator<Item = JoinType<'_>> {
    directives.get_all(TYPE).filter_map(|directive| {
        Some(JoinType {
            graph: symbol(directive, "graph")?,
            key: text(directive, "key"),
            resolvable: flag(directive, "resolvable").unwrap_or(true),
            is_interface_object: flag(directive, "isInterfaceObject").unwrap_or(false),
        })
    })
}

/// Reads all `@join__field`.
pub fn join_fields(directives: &DirectiveList) -> impl Iterator<Item = JoinField<'_>> {
    directives.get_all(FIELD).map(|directive| JoinField {
        graph: symbol(directive, "graph"),
        requires: text(directive, "requires"),
        provides: text(directive, "provides"),
        ty: text(directive, "type"),
        external: flag(directive, "external").unwrap_or(false),
        used_overridden: flag(directive, "usedOverridden").unwrap_or(false),
        override_from: text(directive, "override"),
        override_label: text(directive, "overrideLabel"),
        context_arguments: directive
            .specified_argument_by_name("contextArguments")
            .and_then(|list| list.as_list())
            .unwrap_or_default()
            .iter()
            .filter_map(context_argument)
            .collect(),
    })
}

/// Reads all `@join__implements` as (graph, interface).
pub fn join_implements(directives: &DirectiveList) -> impl Iterator<Item = (&str, &str)> {
    directives
        .get_all(IMPLEMENTS)
        .filter_map(|directive| Some((symbol(directive, "graph")?, text(directive, "interface")?)))
}

/// Reads all `@join__unionMember` as (graph, member).
pub fn join_union_members(directives: &DirectiveList) -> impl Iterator<Item = (&str, &str)> {
    directives
        .get_all(UNION_MEMBER)
        .filter_map(|directive| Some((symbol(directive, "graph")?, text(directive, "member")?)))
}

/// Reads all `@join__directive`, as much of them as is well-formed.
pub fn join_directives(directives: &DirectiveList) -> impl Iterator<Item = JoinDirective<'_>> {
    directives.get_all(DIRECTIVE).filter_map(|directive| {
        let graphs = directive.specified_argument_by_name("graphs")?.as_list()?;
        Some(JoinDirective {
            graphs: graphs.iter().filter_map(|graph| graph.as_enum()).map(Name::as_str).collect(),
            name: text(directive, "name")?,
            directive,
        })
    })
}

impl<'a> JoinDirective<'a> {
    /// An argument of the directive that is a string.
    pub fn text(&self, argument: &str) -> Option<&'a str> {
        let arguments = self.directive.specified_argument_by_name("args")?.as_object()?;
        arguments.iter().find(|(name, _)| name == argument)?.1.as_str()
    }
}

fn context_argument(value: &Node<Value>) -> Option<JoinContextArgument<'_>> {
    let fields = value.as_object()?;
    let field = |key: &str| fields.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str());
    Some(JoinContextArgument {
        context: field("context")?,
        name: field("name")?,
        ty: field("type")?,
        selection: field("selection")?,
    })
}

fn text<'a>(directive: &'a Node<Directive>, argument: &str) -> Option<&'a str> {
    directive.specified_argument_by_name(argument)?.as_str()
}

fn symbol<'a>(directive: &'a Node<Directive>, argument: &str) -> Option<&'a str> {
    directive.specified_argument_by_name(argument)?.as_enum().map(|name| name.as_str())
}

fn flag(directive: &Node<Directive>, argument: &str) -> Option<bool> {
    directive.specified_argument_by_name(argument)?.to_bool()
}
