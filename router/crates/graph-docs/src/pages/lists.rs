//! The lists of all types of a kind, in parts that a browser can show.

use maud::{Markup, html};

use super::Page;
use crate::site::Site;
use crate::view::Kind;

/// So many types are on one page.
const PER_PAGE: usize = 1000;

/// A part of a list.
pub(crate) struct ListPage {
    pub(crate) path: String,
    pub(crate) html: Markup,
}

/// Where a part of the list of a kind is.
pub(super) fn address(kind: Kind, part: usize) -> String {
    let name = kind.title().to_ascii_lowercase();
    match part {
        0 => format!("{name}.html"),
        part => format!("{name}-{}.html", part + 1),
    }
}

/// All parts of all lists, one at a time.
pub(crate) fn type_lists<'s>(site: &'s Site<'s>) -> impl Iterator<Item = ListPage> {
    Kind::ALL.into_iter().flat_map(move |kind| {
        let view = site.view;
        let types: Vec<_> = view
            .types
            .iter()
            .copied()
            .filter(|id| view.kind(*id) == kind && view.operation_of(*id).is_none())
            .collect();
        let parts = types.len().div_ceil(PER_PAGE);
        (0..parts).map(move |part| {
            let page = Page::top(site, kind.title());
            let html = page.whole(html! {
                header.title { h1 { (kind.title()) } }
                @if parts > 1 { (others(kind, part, parts)) }
                ul.links.types { @for id in types.iter().skip(part * PER_PAGE).take(PER_PAGE) { li { (page.type_summary(*id)) } } }
                @if parts > 1 { (others(kind, part, parts)) }
            });
            ListPage { path: address(kind, part), html }
        })
    })
}

fn others(kind: Kind, part: usize, parts: usize) -> Markup {
    html! {
        p.parts {
            @for other in 0..parts {
                @if other == part { strong { (other + 1) } } @else { a href=(address(kind, other)) { (other + 1) } }
                " "
            }
        }
    }
}
