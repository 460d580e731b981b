//! The pages of example operations.

use maud::{Markup, html};

use super::Page;
use crate::site::Site;

/// All examples.
pub(crate) fn examples(site: &Site<'_>) -> Markup {
    let page = Page::top(site, "Examples");
    page.whole(html! {
        header.title { h1 { "Examples" } }
        p { "Operations that somebody wrote, each a valid operation of this graph." }
        ul.links.example-list {
            @for (example, address) in site.examples.all.iter().zip(&site.addresses.examples) {
                li { span.kind { (example.kind.name()) } " " a href=(address) { (example.operation.name) } }
            }
        }
    })
}

/// One example.
pub(crate) fn example(site: &Site<'_>, index: usize) -> Markup {
    let Some(example) = site.examples.all.get(index) else { return html! {} };
    let page = Page::inner(site, example.operation.name.as_str());
    page.whole(html! {
        header.title { span.kind { (example.kind.name()) } h1 { (example.operation.name) } }
        p { "From " code { (example.operation.file) } ". It starts at "
            @for (place, id) in example.roots.iter().enumerate() { @if place > 0 { ", " } (page.coordinate(*id)) } "."
        }
        (page.linked(index))
    })
}
