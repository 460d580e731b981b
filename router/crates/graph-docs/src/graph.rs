//! A graph as a value, for a page that shows it by itself: its picture, its subgraphs, and for each type who has which of its fields.

use braid_graphql::schema::TypeId;
use braid_supergraph::{SubgraphId, Supergraph};
use serde::Serialize;

use crate::contents::Contents;
use crate::facts::{self, DirectiveNames};
use crate::picture::{Entity, Node, Picture, about, hue};
use crate::view::{Field, View};

/// A graph.
#[derive(Debug, Clone, Serialize)]
pub struct Graph {
    /// Subgraphs and entities as SVG. Links lead to `#subgraph/NAME` and `#type/NAME`.
    pub picture: String,
    /// What the picture leaves out, in words.
    #[serde(rename = "leftOut")]
    pub left_out: Option<String>,
    /// The subgraphs.
    pub subgraphs: Vec<GraphSubgraph>,
    /// The types, by name.
    pub types: Vec<GraphType>,
}

/// A subgraph.
#[derive(Debug, Clone, Serialize)]
pub struct GraphSubgraph {
    /// Its name.
    pub name: String,
    /// Where the router reaches it.
    pub url: String,
    /// The class with its colour in the picture.
    pub hue: String,
    /// How many root fields it resolves.
    pub roots: usize,
    /// Its entities.
    pub entities: Vec<String>,
    /// Its other types.
    pub others: Vec<String>,
}

/// A type.
#[derive(Debug, Clone, Serialize)]
pub struct GraphType {
    /// Its name.
    pub name: String,
    /// Object, interface, union, input, enum or scalar.
    pub kind: &'static str,
    /// Whether clients don't see it.
    pub hidden: bool,
    /// The subgraphs that have it.
    pub subgraphs: Vec<String>,
    /// The keys by which subgraphs identify it.
    pub keys: Vec<GraphKey>,
    /// Its fields.
    pub fields: Vec<GraphField>,
}

/// A key of an entity in a subgraph.
#[derive(Debug, Clone, Serialize)]
pub struct GraphKey {
    /// The subgraph.
    pub subgraph: String,
    /// The fields.
    pub fields: String,
    /// Whether the subgraph can be asked by it.
    pub resolvable: bool,
}

/// A field of a type.
#[derive(Debug, Clone, Serialize)]
pub struct GraphField {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether clients don't see it.
    pub hidden: bool,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// The subgraphs that resolve it.
    pub owners: Vec<String>,
    /// What else there is to know of it: what it requires, who may see it, what it costs.
    pub facts: Vec<String>,
}

/// The whole graph, with what clients don't see.
pub fn graph(supergraph: &Supergraph) -> Graph {
    let view = View::new(supergraph, true);
    let (names, contents) = (DirectiveNames::new(supergraph), Contents::new(&view));
    let subgraph_name = |id: SubgraphId| supergraph.subgraph(id).name.clone();
    let type_names = |ids: &[TypeId]| ids.iter().map(|id| view.name(*id).to_owned()).collect();
    let subgraphs = supergraph.subgraph_ids().filter_map(|id| {
        let (subgraph, of) = (supergraph.subgraph(id), contents.of(id)?);
        Some(GraphSubgraph {
            name: subgraph.name.clone(),
            url: subgraph.url.clone(),
            hue: hue(id),
            roots: of.roots,
            entities: type_names(&of.entities),
            others: type_names(&of.others),
        })
    });
    let types = view.types.iter().map(|id| GraphType {
        name: view.name(*id).to_owned(),
        kind: view.kind(*id).name(),
        hidden: view.is_hidden(*id),
        subgraphs: supergraph.ty(*id).subgraphs.iter().map(|join| subgraph_name(join.subgraph)).collect(),
        keys: keys(&view, *id),
        fields: view.fields(*id).into_iter().map(|field| graph_field(&view, &names, field)).collect(),
    });
    let picture = picture(&view, &contents);
    Graph {
        picture: picture.svg("", "graph-picture").into_string(),
        left_out: picture.left_out(),
        subgraphs: subgraphs.collect(),
        types: types.collect(),
    }
}

fn picture(view: &View<'_>, contents: &Contents) -> Picture {
    let node = |id: SubgraphId| {
        let name = view.supergraph.subgraph(id).name.clone();
        let (roots, entities) = contents.of(id).map_or((0, 0), |of| (of.roots, of.entities.len()));
        let about = about(roots, entities);
        Node { id, address: format!("#subgraph/{name}"), name, about }
    };
    let entity = |id: &TypeId| {
        let (name, subgraphs) = (view.name(*id).to_owned(), facts::entity(view, *id));
        (!subgraphs.is_empty()).then(|| Entity { address: format!("#type/{name}"), name, subgraphs })
    };
    Picture::new(view.supergraph.subgraph_ids().map(node).collect(), view.types.iter().filter_map(entity).collect())
}

fn keys(view: &View<'_>, id: TypeId) -> Vec<GraphKey> {
    let joins = view.supergraph.ty(id).subgraphs.iter();
    let of = |subgraph: SubgraphId| {
        let name = &view.supergraph.subgraph(subgraph).name;
        let key = move |(fields, resolvable): (&str, bool)| GraphKey {
            subgraph: name.clone(),
            fields: fields.to_owned(),
            resolvable,
        };
        facts::keys(view, id, subgraph).into_iter().map(key)
    };
    joins.flat_map(|join| of(join.subgraph)).collect()
}

fn graph_field(view: &View<'_>, names: &DirectiveNames, field: Field<'_>) -> GraphField {
    let owners = facts::resolvers(view, field);
    let facts = facts::of_field(view, names, field);
    GraphField {
        name: field.definition.name.to_string(),
        ty: field.definition.ty.to_string(),
        hidden: field.hidden,
        deprecated: field.definition.directives.has("deprecated"),
        owners: owners.iter().map(|owner| view.supergraph.subgraph(owner.subgraph).name.clone()).collect(),
        facts: facts.iter().map(|fact| format!("{}: {}", fact.label, fact.parts.concat())).collect(),
    }
}
