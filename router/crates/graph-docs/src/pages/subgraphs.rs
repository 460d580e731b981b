//! The pages of subgraphs.

use ahash::AHashSet;
use braid_graphql::schema::TypeId;
use braid_supergraph::SubgraphId;
use maud::{Markup, html};

use super::{Page, plural};
use crate::facts::{self, Part};
use crate::picture::{Entity, Node, Picture, about};
use crate::site::Site;
use crate::view::{Kind, OPERATIONS};

/// More than these are counted, not listed.
const MOST: usize = 2000;

/// All subgraphs.
pub(crate) fn subgraphs(site: &Site<'_>) -> Markup {
    let page = Page::top(site, "Subgraphs");
    page.whole(html! {
        header.title { h1 { "Subgraphs" } }
        p { "The services that this graph is made of, and how much of it each one has." }
        div.scrolled role="region" aria-label="Subgraphs" tabindex="0" {
            table {
                thead { tr { th scope="col" { "Subgraph" } th scope="col" { "Root fields" } th scope="col" { "Entities" } th scope="col" { "Types" } } }
                tbody { @for id in site.view.supergraph.subgraph_ids() {
                    @if let Some(of) = site.contents.of(id) {
                        tr {
                            th scope="row" { (page.chip(id)) }
                            td { (of.roots) } td { (of.entities.len()) } td { (of.entities.len() + of.others.len()) }
                        }
                    }
                } }
            }
        }
    })
}

/// One subgraph.
pub(crate) fn subgraph(site: &Site<'_>, id: SubgraphId) -> Markup {
    let view = site.view;
    let subgraph = view.supergraph.subgraph(id);
    let page = Page::inner(site, subgraph.name.as_str());
    let Some(of) = site.contents.of(id) else { return html! {} };
    page.whole(html! {
        header.title { span.kind { "subgraph" } h1 { (subgraph.name) } }
        @if view.internal && !subgraph.url.is_empty() { p { "The router reaches it at " code { (subgraph.url) } "." } }
        (page.neighbours(id))
        @for kind in OPERATIONS {
            @let fields = facts::root_fields(view, kind, id);
            @if !fields.is_empty() { h2 { (plural(kind)) } (page.root_fields(&fields, false)) }
        }
        @if !of.entities.is_empty() {
            h2 { "Entities" }
            (page.first(&of.entities, MOST, |ty| page.entity_line(*ty, id)))
        }
        @for kind in Kind::ALL {
            @let types: Vec<TypeId> = of.others.iter().copied().filter(|ty| view.kind(*ty) == kind).collect();
            @if !types.is_empty() {
                h2 { (if kind == Kind::Object { "Other objects" } else { kind.title() }) }
                (page.first(&types, MOST, |ty| page.type_link(*ty)))
            }
        }
    })
}

impl Page<'_> {
    /// An entity, with its keys here and what this subgraph does with it.
    fn entity_line(&self, ty: TypeId, subgraph: SubgraphId) -> Markup {
        let view = self.site.view;
        let keys = facts::keys(view, ty, subgraph);
        let refers = facts::entity(view, ty).contains(&(subgraph, Part::Refers));
        html! {
            (self.type_link(ty))
            " by "
            @for (index, (key, _)) in keys.iter().enumerate() { @if index > 0 { ", " } code { (key) } }
            @if refers { " " small { "(only refers to it)" } }
        }
    }

    /// The picture of a subgraph with those that share its entities.
    fn neighbours(&self, id: SubgraphId) -> Markup {
        let site = self.site;
        let Some(of) = site.contents.of(id) else { return html! {} };
        let entities = site.entities(of.entities.iter().copied());
        let near: AHashSet<SubgraphId> =
            entities.iter().flat_map(|entity| entity.subgraphs.iter().map(|(subgraph, _)| *subgraph)).collect();
        let nodes = site.view.supergraph.subgraph_ids().filter(|other| *other == id || near.contains(other));
        let picture = Picture::new(nodes.map(|id| site.node(id)).collect(), entities);
        html! { @if picture.all_entities > 0 { (self.figure(&picture)) } }
    }

    /// A picture with what it leaves out.
    pub(super) fn figure(&self, picture: &Picture) -> Markup {
        html! {
            figure {
                div.scrolled role="region" aria-label="Picture of subgraphs and entities" tabindex="0" {
                    (picture.svg(self.root, "picture-title"))
                }
                figcaption {
                    "Subgraphs and the entities that they know. A dashed line: the subgraph only refers to the entity."
                    @if let Some(left_out) = picture.left_out() { " " (left_out) }
                }
            }
        }
    }
}

impl Site<'_> {
    /// A subgraph for the picture.
    pub(super) fn node(&self, id: SubgraphId) -> Node {
        let (roots, entities) = self.contents.of(id).map_or((0, 0), |of| (of.roots, of.entities.len()));
        Node {
            id,
            name: self.view.supergraph.subgraph(id).name.clone(),
            address: self.addresses.of_subgraph(id).to_owned(),
            about: about(roots, entities),
        }
    }

    /// Those of the types that are entities, for the picture.
    pub(super) fn entities(&self, types: impl Iterator<Item = TypeId>) -> Vec<Entity> {
        let entity = |id: TypeId| {
            let subgraphs = facts::entity(self.view, id);
            let address = self.addresses.of_type(id)?.to_owned();
            (!subgraphs.is_empty()).then(|| Entity { name: self.view.name(id).to_owned(), address, subgraphs })
        };
        types.filter_map(entity).collect()
    }

    /// How many root fields of a kind there are.
    pub(super) fn root_count(&self, kind: braid_graphql::OperationType) -> usize {
        self.view.supergraph.root(kind).map_or(0, |root| self.view.fields(root).len())
    }
}
