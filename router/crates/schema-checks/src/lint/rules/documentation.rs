//! What a schema file should hold: descriptions, and no operations.

use super::super::config::RuleConfig;
use super::super::view::{Element, Kind, View};
use super::{Raw, each};

pub(in super::super) fn descriptions(view: &View<'_>, config: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let kind = element.kind.name();
        let wanted = config.kinds.is_empty() || config.kinds.iter().any(|wanted| wanted == kind);
        let missing = wanted && !element.described && !element.extension && element.kind != Kind::Operation;
        // One description among all definitions of a type is enough.
        if !missing || described_elsewhere(view, element) {
            return None;
        }
        let message = format!("\"{}\" has no description.", element.coordinate);
        Some((message, "Describe it: \"\"\"…\"\"\".".to_owned()))
    })
}

pub(in super::super) fn operations(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        (element.kind == Kind::Operation).then(|| {
            let message = "The schema file has an operation or fragment.".to_owned();
            (message, "Move it to the files of the client.".to_owned())
        })
    })
}

fn described_elsewhere(view: &View<'_>, element: &Element<'_>) -> bool {
    let places = if element.kind.is_type() { view.types.get(element.name) } else { None };
    places.is_some_and(|places| places.iter().any(|at| view.elements[*at].described))
}
