//! Alphabetical order, for teams that want it.

use super::super::config::RuleConfig;
use super::super::view::{Kind, View};
use super::Raw;

pub(in super::super) fn fields(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    ordered(view, |kind| matches!(kind, Kind::Field | Kind::InputField))
}

pub(in super::super) fn enum_values(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    ordered(view, |kind| kind == Kind::EnumValue)
}

fn ordered(view: &View<'_>, kinds: impl Fn(Kind) -> bool) -> Vec<Raw> {
    let mut found = Vec::new();
    for (parent, _) in view.iter().filter(|(_, element)| element.kind.is_type()) {
        let mut previous = "";
        for (element, it) in view.children(parent).filter(|(_, child)| kinds(child.kind)) {
            if it.name < previous {
                let message = format!("\"{}\" comes after \"{previous}\".", it.coordinate);
                found.push(Raw { element, message, help: "Put it into alphabetical order.".to_owned() });
            }
            previous = it.name;
        }
    }
    found
}
