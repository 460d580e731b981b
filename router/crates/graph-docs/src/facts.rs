//! What federation says of an element, in words: who resolves it, by which keys, who may see it, what it costs. Knows no page.

use braid_graphql::compiler::ast::{Directive, Value};
use braid_graphql::compiler::schema::DirectiveList;
use braid_graphql::schema::TypeId;
use braid_graphql::{Node, OperationType};
use braid_supergraph::{SubgraphId, Supergraph, join_spec};

use crate::view::{Field, View, applied};

/// The names that directives have in one supergraph.
pub(crate) struct DirectiveNames {
    authenticated: Option<String>,
    scopes: Option<String>,
    policy: Option<String>,
    tag: Option<String>,
    cost: Option<String>,
    list_size: Option<String>,
    event: Option<String>,
}

impl DirectiveNames {
    pub(crate) fn new(supergraph: &Supergraph) -> Self {
        let named = |feature: &str| supergraph.directive_named(feature);
        Self {
            authenticated: named("authenticated"),
            scopes: named("requiresScopes"),
            policy: named("policy"),
            tag: named("tag"),
            cost: supergraph.directive_of("cost", "cost"),
            list_size: supergraph.directive_of("cost", "listSize"),
            event: supergraph.directive_of("event", "event"),
        }
    }
}

/// Something to know of an element: a label, and text with what is code in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// What it is about.
    pub(crate) label: &'static str,
    /// Text and code in turns, text first.
    pub(crate) parts: Vec<String>,
}

impl Fact {
    fn new(label: &'static str, parts: impl IntoIterator<Item = String>) -> Self {
        Self { label, parts: parts.into_iter().collect() }
    }
}

/// A subgraph that resolves a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolver {
    pub(crate) subgraph: SubgraphId,
    /// The override label under which it does, and whether the label must be on.
    pub(crate) label: Option<(String, bool)>,
}

/// The subgraphs that resolve a field.
pub(crate) fn resolvers(view: &View<'_>, field: Field<'_>) -> Vec<Resolver> {
    let joins = &view.supergraph.field(field.id).subgraphs;
    let resolves = joins.iter().filter(|join| !join.external && !join.used_overridden);
    let resolver = |join: &braid_supergraph::FieldInSubgraph| Resolver {
        subgraph: join.subgraph,
        label: join.label.as_ref().map(|label| (label.label.clone(), label.active)),
    };
    resolves.map(resolver).collect()
}

/// What is to be known of a field besides its definition.
pub(crate) fn of_field(view: &View<'_>, names: &DirectiveNames, field: Field<'_>) -> Vec<Fact> {
    let mut facts = of_directives(names, &field.definition.directives);
    let name = |id: SubgraphId| view.supergraph.subgraph(id).name.clone();
    for join in &view.supergraph.field(field.id).subgraphs {
        // The texts are as written, so they are looked up by what was read from them.
        let written = || {
            let graph = &view.supergraph.subgraph(join.subgraph).graph;
            let is_its = |written: &join_spec::JoinField<'_>| written.graph == Some(graph.as_str());
            join_spec::join_fields(&field.definition.directives).find(is_its)
        };
        if let Some(set) = &join.requires
            && view.shows_all(set)
            && let Some(text) = written().and_then(|written| written.requires)
        {
            facts.push(Fact::new("Requires", [format!("{} needs ", name(join.subgraph)), text.to_owned()]));
        }
        if let Some(set) = &join.provides
            && view.shows_all(set)
            && let Some(text) = written().and_then(|written| written.provides)
        {
            facts.push(Fact::new("Provides", [format!("{} gives with it ", name(join.subgraph)), text.to_owned()]));
        }
        for template in view.supergraph.cache_tags.of_field(join.subgraph, field.id) {
            facts.push(Fact::new("Cache tag", [String::new(), template.to_string()]));
        }
    }
    for directive in applied(&field.definition.directives, names.list_size.as_deref()) {
        facts.push(list_size(directive));
    }
    if !applied(&field.definition.directives, names.event.as_deref()).is_empty() {
        facts.push(Fact::new("Events", ["come from a message broker".to_owned()]));
    }
    facts
}

/// What is to be known of a type besides its definition.
pub(crate) fn of_type(view: &View<'_>, names: &DirectiveNames, id: TypeId) -> Vec<Fact> {
    let mut facts = view.definition(id).map_or_else(Vec::new, |ty| of_directives(names, ty.directives()));
    for join in &view.supergraph.ty(id).subgraphs {
        for template in view.supergraph.cache_tags.of_type(join.subgraph, id) {
            facts.push(Fact::new("Cache tag", [String::new(), template.to_string()]));
        }
    }
    facts
}

/// What the directives of any element say.
pub(crate) fn of_directives(names: &DirectiveNames, directives: &DirectiveList) -> Vec<Fact> {
    let mut facts = Vec::new();
    if !applied(directives, names.authenticated.as_deref()).is_empty() {
        facts.push(Fact::new("Access", ["only with a valid token".to_owned()]));
    }
    for directive in applied(directives, names.scopes.as_deref()) {
        facts.push(alternatives(directive, "scopes", ["needs the scope ", "needs the scopes "]));
    }
    for directive in applied(directives, names.policy.as_deref()) {
        facts.push(alternatives(directive, "policies", ["needs the policy ", "needs the policies "]));
    }
    for directive in applied(directives, names.cost.as_deref()) {
        if let Some(weight) = directive.specified_argument_by_name("weight") {
            facts.push(Fact::new("Cost", [String::new(), weight.to_string()]));
        }
    }
    for directive in applied(directives, names.tag.as_deref()) {
        if let Some(name) = directive.specified_argument_by_name("name").and_then(|name| name.as_str()) {
            facts.push(Fact::new("Tag", [String::new(), name.to_owned()]));
        }
    }
    facts
}

/// One of several groups, each of names that are all needed.
fn alternatives(directive: &Node<Directive>, argument: &str, needs: [&str; 2]) -> Fact {
    let groups = directive.specified_argument_by_name(argument).and_then(|value| value.as_list()).unwrap_or_default();
    let mut parts = Vec::new();
    let [one, several] = needs;
    for (index, group) in groups.iter().enumerate() {
        let names: Vec<&str> = group.as_list().unwrap_or_default().iter().filter_map(|name| name.as_str()).collect();
        for (position, name) in names.iter().enumerate() {
            let before = match (index, position) {
                (0, 0) if names.len() == 1 => one,
                (0, 0) => several,
                (_, 0) => ", or ",
                _ => " and ",
            };
            parts.extend([before.to_owned(), (*name).to_owned()]);
        }
    }
    Fact::new("Access", parts)
}

fn list_size(directive: &Node<Directive>) -> Fact {
    let argument = |name: &str| directive.specified_argument_by_name(name);
    let mut parts: Vec<String> = Vec::new();
    let mut say = |text: &str, codes: Vec<String>| {
        for (index, code) in codes.into_iter().enumerate() {
            let before = match (index, parts.is_empty()) {
                (0, true) => text.to_owned(),
                (0, false) => format!("; {text}"),
                _ => " or ".to_owned(),
            };
            parts.extend([before, code]);
        }
    };
    let texts = |value: Option<&Node<Value>>| -> Vec<String> {
        let list = value.and_then(|value| value.as_list()).unwrap_or_default();
        list.iter().filter_map(|item| item.as_str()).map(str::to_owned).collect()
    };
    say("as many as ", texts(argument("slicingArguments")));
    say("assumed ", argument("assumedSize").map(|size| size.to_string()).into_iter().collect());
    say("counts items of ", texts(argument("sizedFields")));
    Fact::new("List size", parts)
}

/// The keys by which a subgraph identifies the entities of a type, with whether it can be asked by them.
pub(crate) fn keys<'a>(view: &View<'a>, id: TypeId, subgraph: SubgraphId) -> Vec<(&'a str, bool)> {
    let Some(join) = view.supergraph.type_in(id, subgraph) else { return Vec::new() };
    let shown = join.keys.iter().filter(|key| view.shows_all(&key.fields));
    shown.map(|key| (key.text.as_str(), key.resolvable)).collect()
}

/// How much of an entity a subgraph has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// It resolves fields that the key does not have.
    Resolves,
    /// It only refers to entities.
    Refers,
}

/// The subgraphs that know a type as an entity. Empty where the type is none.
pub(crate) fn entity(view: &View<'_>, id: TypeId) -> Vec<(SubgraphId, Part)> {
    let joins = &view.supergraph.ty(id).subgraphs;
    if view.operation_of(id).is_some() || joins.iter().all(|join| join.keys.is_empty()) {
        return Vec::new();
    }
    let part = |subgraph: SubgraphId| {
        let join = view.supergraph.type_in(id, subgraph);
        let in_a_key = |field: Field<'_>| {
            join.is_some_and(|join| {
                join.keys.iter().any(|key| key.fields.fields.iter().any(|part| part.definition.id() == Some(field.id)))
            })
        };
        let own = |field: &Field<'_>| {
            !in_a_key(*field) && resolvers(view, *field).iter().any(|resolver| resolver.subgraph == subgraph)
        };
        if view.fields(id).iter().any(own) { Part::Resolves } else { Part::Refers }
    };
    joins.iter().map(|join| (join.subgraph, part(join.subgraph))).collect()
}

/// The root fields that a subgraph resolves.
pub(crate) fn root_fields<'a>(view: &View<'a>, kind: OperationType, subgraph: SubgraphId) -> Vec<Field<'a>> {
    let mut fields = view.supergraph.root(kind).map(|root| view.fields(root)).unwrap_or_default();
    fields.retain(|field| resolvers(view, *field).iter().any(|resolver| resolver.subgraph == subgraph));
    fields
}
