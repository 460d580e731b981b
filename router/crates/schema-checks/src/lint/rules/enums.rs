//! Values of enums that are too alike.

use super::super::config::RuleConfig;
use super::super::view::{Kind, View};
use super::{Raw, each};

pub(in super::super) fn case_insensitive(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let parent = element.parent.filter(|_| element.kind == Kind::EnumValue)?;
        let names: Vec<&str> = view.children(parent).map(|(_, value)| value.name).collect();
        let at = names.iter().position(|name| *name == element.name)?;
        let twin = names[..at].iter().find(|other| other.eq_ignore_ascii_case(element.name))?;
        let message = format!("\"{}\" differs from \"{twin}\" only in case.", element.coordinate);
        Some((message, "Give one of them another name.".to_owned()))
    })
}
