//! Prefixes and suffixes of names: those that say nothing, those that a team forbids, and those that are asked for.

use super::super::config::RuleConfig;
use super::super::view::{Element, Kind, View};
use super::{Raw, each};

pub(in super::super) fn type_prefix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    prefixed(view, Kind::is_type, "Type")
}

pub(in super::super) fn type_suffix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    suffixed(view, Kind::is_type, "Type")
}

pub(in super::super) fn object_prefix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    prefixed(view, |kind| kind == Kind::Object, "Object")
}

pub(in super::super) fn object_suffix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    suffixed(view, |kind| kind == Kind::Object, "Object")
}

pub(in super::super) fn interface_prefix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    prefixed(view, |kind| kind == Kind::Interface, "Interface")
}

pub(in super::super) fn interface_suffix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    suffixed(view, |kind| kind == Kind::Interface, "Interface")
}

pub(in super::super) fn enum_prefix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    prefixed(view, |kind| kind == Kind::Enum, "Enum")
}

pub(in super::super) fn enum_suffix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    suffixed(view, |kind| kind == Kind::Enum, "Enum")
}

pub(in super::super) fn input_suffix(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let wrong = element.kind == Kind::Input && !element.name.ends_with("Input");
        wrong.then(|| {
            let message = format!("The input object \"{}\" does not end in Input.", element.name);
            (message, format!("Call it \"{}Input\".", element.name))
        })
    })
}

pub(in super::super) fn enum_input(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let (input, output) = positions(view, element);
        let wrong = element.kind == Kind::Enum && input && !output && !element.name.ends_with("Input");
        wrong.then(|| {
            let message = format!("Clients only send the enum \"{}\", and it does not end in Input.", element.name);
            (message, format!("Call it \"{}Input\".", element.name))
        })
    })
}

pub(in super::super) fn enum_output(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let wrong = element.kind == Kind::Enum && element.name.ends_with("Input") && positions(view, element).1;
        wrong.then(|| {
            let message = format!("The enum \"{}\" is returned though it ends in Input.", element.name);
            (message, "Call it without Input, or return another enum.".to_owned())
        })
    })
}

pub(in super::super) fn forbidden_prefix(view: &View<'_>, config: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let prefix = config.prefixes.iter().find(|prefix| element.name.starts_with(prefix.as_str()))?;
        if !looks_at(config, element) {
            return None;
        }
        Some((
            format!("\"{}\" begins with the forbidden \"{prefix}\".", element.coordinate),
            "Choose a name without it.".to_owned(),
        ))
    })
}

pub(in super::super) fn forbidden_suffix(view: &View<'_>, config: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let suffix = config.suffixes.iter().find(|suffix| element.name.ends_with(suffix.as_str()))?;
        if !looks_at(config, element) {
            return None;
        }
        Some((
            format!("\"{}\" ends in the forbidden \"{suffix}\".", element.coordinate),
            "Choose a name without it.".to_owned(),
        ))
    })
}

/// Without the option, all kinds; never a name that the options allow.
fn looks_at(config: &RuleConfig, element: &Element<'_>) -> bool {
    let kind = element.kind.name();
    (config.kinds.is_empty() || config.kinds.iter().any(|wanted| wanted == kind))
        && !config.names.iter().any(|name| name == element.name || *name == element.coordinate)
}

fn prefixed(view: &View<'_>, kinds: impl Fn(Kind) -> bool, word: &str) -> Vec<Raw> {
    affixed(view, kinds, word, |name| name.strip_prefix(word), "begins with")
}

fn suffixed(view: &View<'_>, kinds: impl Fn(Kind) -> bool, word: &str) -> Vec<Raw> {
    affixed(view, kinds, word, |name| name.strip_suffix(word), "ends in")
}

fn affixed<'n>(
    view: &'n View<'_>,
    kinds: impl Fn(Kind) -> bool,
    word: &str,
    strip: impl Fn(&'n str) -> Option<&'n str>,
    verb: &str,
) -> Vec<Raw> {
    view.iter()
        .filter(|(_, element)| kinds(element.kind) && !element.extension)
        .filter_map(|(index, element)| {
            let rest = strip(element.name).filter(|rest| !rest.is_empty())?;
            Some(Raw {
                element: index,
                message: format!("\"{}\" {verb} \"{word}\", which says nothing.", element.name),
                help: format!("Call it \"{rest}\"."),
            })
        })
        .collect()
}

/// Whether a type is used in input, and in output.
fn positions(view: &View<'_>, element: &Element<'_>) -> (bool, bool) {
    let of = |output: bool| {
        view.elements.iter().any(|other| {
            let matches = if output { other.kind == Kind::Field } else { other.kind != Kind::Field };
            matches && other.ty.is_some_and(|ty| ty.inner_named_type() == element.name)
        })
    };
    (of(false), of(true))
}
