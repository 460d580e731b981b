//! The pages. Each kind of page is in a file of its own; this one has what surrounds them.

mod examples;
mod lists;
mod overview;
mod parts;
mod roots;
mod subgraphs;
mod types;

pub(crate) use examples::{example, examples};
pub(crate) use lists::type_lists;
pub(crate) use overview::overview;
pub(crate) use roots::{root_field, root_type};
pub(crate) use subgraphs::{subgraph, subgraphs};
pub(crate) use types::type_page;

use maud::{DOCTYPE, Markup, html};

use crate::site::Site;
use crate::view::OPERATIONS;

/// Nothing is loaded from elsewhere, whatever a description says. `file:` is for sites that are opened without a server.
const POLICY: &str =
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; base-uri 'none'; form-action 'none'";

/// A page before it is whole.
struct Page<'s> {
    site: &'s Site<'s>,
    /// Leads from the page to the site's folder.
    root: &'static str,
    title: String,
    /// The places on it: anchor and label.
    places: Vec<(String, String)>,
}

impl<'s> Page<'s> {
    /// A page in the site's folder itself.
    fn top(site: &'s Site<'s>, title: impl Into<String>) -> Self {
        Self { site, root: "", title: title.into(), places: Vec::new() }
    }

    /// A page in one of the folders.
    fn inner(site: &'s Site<'s>, title: impl Into<String>) -> Self {
        Self { root: "../", ..Self::top(site, title) }
    }

    fn whole(&self, body: Markup) -> Markup {
        let site = &self.site.options.title;
        html! {
            (DOCTYPE)
            html lang="en" data-root=(self.root) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="color-scheme" content="light dark";
                    title { @if self.title != *site { (self.title) " – " } (site) }
                    link rel="stylesheet" href={ (self.root) "site.css" };
                    script src={ (self.root) "site.js" } {}
                }
                body {
                    a.skip href="#site-content" { "Skip to content" }
                    (self.header())
                    div.layout {
                        (self.menu())
                        main #site-content tabindex="-1" { (body) }
                        @if self.places.len() > 2 { (self.contents()) }
                    }
                    footer.bottom { p { "Made by " code { "braid docs" } " from the supergraph." } }
                }
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header.top {
                a.brand href={ (self.root) "index.html" } { (self.site.options.title) }
                div.search #site-search role="search" hidden {
                    input #search-input type="search" role="combobox" aria-label="Search the graph" aria-expanded="false"
                        aria-controls="search-results" aria-autocomplete="list" autocomplete="off" spellcheck="false"
                        placeholder="Search types, fields, operations";
                    kbd aria-hidden="true" { "/" }
                    ul #search-results role="listbox" aria-label="Results" hidden {}
                    p.visually-hidden #search-status role="status" {}
                }
                a.menu-link href="#site-menu" { "Menu" }
                button.theme #site-theme type="button" hidden { "Dark" }
            }
        }
    }

    fn menu(&self) -> Markup {
        let view = self.site.view;
        let item = |address: &str, label: &str, count: Option<usize>| {
            html! {
                li { a href={ (self.root) (address) } { (label) @if let Some(count) = count { " " span.count { (count) } } } }
            }
        };
        html! {
            nav.menu #site-menu aria-label="Site" {
                a.close href="#site-content" { "Close" }
                ul { (item("index.html", "Overview", None)) }
                h2 { "Operations" }
                ul {
                    @for kind in OPERATIONS {
                        @if let Some(address) = self.site.addresses.of_operations(view, kind) {
                            (item(address, plural(kind), Some(self.site.root_count(kind))))
                        }
                    }
                    @if !self.site.examples.all.is_empty() {
                        (item("operations.html", "Examples", Some(self.site.examples.all.len())))
                    }
                }
                h2 { "Types" }
                ul {
                    @for (kind, count) in self.site.contents.kinds.iter().filter(|(_, count)| *count > 0) {
                        (item(&lists::address(*kind, 0), kind.title(), Some(*count)))
                    }
                }
                h2 { "Services" }
                ul { (item("subgraphs.html", "Subgraphs", Some(view.supergraph.subgraphs.len()))) }
            }
        }
    }

    /// The places on a page.
    fn contents(&self) -> Markup {
        const MOST: usize = 200;
        html! {
            nav.contents aria-label="On this page" {
                h2 { "On this page" }
                ul { @for (anchor, label) in self.places.iter().take(MOST) { li { a href={ "#" (anchor) } { (label) } } } }
                @if self.places.len() > MOST { p { "and " (self.places.len() - MOST) " more" } }
            }
        }
    }
}

/// What the root fields of a kind are called.
fn plural(kind: braid_graphql::OperationType) -> &'static str {
    match kind {
        braid_graphql::OperationType::Query => "Queries",
        braid_graphql::OperationType::Mutation => "Mutations",
        braid_graphql::OperationType::Subscription => "Subscriptions",
    }
}
