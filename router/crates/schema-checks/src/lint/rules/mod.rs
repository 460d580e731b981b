//! The rules. Each takes the view of all files and reports where it is broken; none knows another.

pub(super) mod affixes;
pub(super) mod deprecation;
pub(super) mod documentation;
pub(super) mod enums;
pub(super) mod naming;
pub(super) mod nullability;
pub(super) mod order;
pub(super) mod reach;
pub(super) mod relay;
pub(super) mod tags;

use super::view::{Element, View};

/// Where a rule is broken.
pub(super) struct Raw {
    pub(super) element: usize,
    pub(super) message: String,
    pub(super) help: String,
}

/// All elements for which `judge` has something to say: what is wrong, and what to do.
fn each(view: &View<'_>, judge: impl Fn(&Element<'_>) -> Option<(String, String)>) -> Vec<Raw> {
    view.iter().filter_map(|(element, it)| judge(it).map(|(message, help)| Raw { element, message, help })).collect()
}
