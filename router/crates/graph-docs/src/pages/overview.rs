//! The first page.

use maud::{Markup, html};

use super::{Page, lists, plural};
use crate::picture::Picture;
use crate::site::Site;
use crate::view::{Kind, OPERATIONS};

/// More than these are on their own pages only.
const MOST_FIELDS: usize = 60;
const MOST_EXAMPLES: usize = 30;

pub(crate) fn overview(site: &Site<'_>) -> Markup {
    let view = site.view;
    let page = Page::top(site, site.options.title.as_str());
    let nodes = view.supergraph.subgraph_ids().map(|id| site.node(id)).collect();
    let picture = Picture::new(nodes, site.entities(view.types.iter().copied()));
    page.whole(html! {
        header.title { h1 { (site.options.title) } }
        ul.counts {
            (count(view.supergraph.subgraphs.len(), "subgraph", "subgraphs.html"))
            (count(picture.all_entities, "entity", ""))
            (count(view.types.len(), "type", &lists::address(Kind::Object, 0)))
            @for kind in OPERATIONS {
                @if let Some(address) = site.addresses.of_operations(view, kind) {
                    (count(site.root_count(kind), match kind.name() { "query" => "query", other => other }, address))
                }
            }
        }
        @if view.internal {
            p.note { "This documentation is internal: it also shows what clients don't see, marked " (page.hidden_mark(true)) "." }
        }
        h2 { "Subgraphs and entities" }
        @if picture.all_entities > 0 { (page.figure(&picture)) }
        @else { ul.links { @for id in view.supergraph.subgraph_ids() { li { (page.chip(id)) } } } }
        @for kind in OPERATIONS {
            @let fields = view.supergraph.root(kind).filter(|id| view.shows(*id)).map(|id| view.fields(id)).unwrap_or_default();
            @if let Some(address) = site.addresses.of_operations(view, kind).filter(|_| !fields.is_empty()) {
                h2 { a href=(address) { (plural(kind)) } }
                (page.root_fields(&fields[..fields.len().min(MOST_FIELDS)], view.supergraph.subgraphs.len() > 1))
                @if fields.len() > MOST_FIELDS { p { a href=(address) { "All " (fields.len()) } } }
            }
        }
        @if !site.examples.all.is_empty() {
            h2 { a href="operations.html" { "Examples" } }
            ul.links.example-list {
                @for (example, address) in site.examples.all.iter().zip(&site.addresses.examples).take(MOST_EXAMPLES) {
                    li { span.kind { (example.kind.name()) } " " a href=(address) { (example.operation.name) } }
                }
            }
        }
    })
}

fn count(number: usize, what: &str, address: &str) -> Markup {
    let many = match what.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{what}s"),
    };
    let label = if number == 1 { what.to_owned() } else { many };
    html! {
        li {
            @if address.is_empty() { strong { (number) } " " (label) }
            @else { a href=(address) { strong { (number) } " " (label) } }
        }
    }
}
