//! What `@deprecated` should say.

use super::super::config::RuleConfig;
use super::super::view::{Element, View};
use super::{Raw, each};

pub(in super::super) fn reason(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let text = deprecation(element)?;
        text.trim().is_empty().then(|| {
            let message = format!("\"{}\" is deprecated without a reason.", element.coordinate);
            (message, "Say what to use instead: @deprecated(reason: \"Use …\").".to_owned())
        })
    })
}

pub(in super::super) fn date(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let text = deprecation(element)?;
        (!has_date(&text)).then(|| {
            let message = format!("The deprecation of \"{}\" names no date.", element.coordinate);
            (message, "Say when it will be removed, as in \"… until 2030-01-31\".".to_owned())
        })
    })
}

/// The reason as written, empty when there is none.
fn deprecation(element: &Element<'_>) -> Option<String> {
    let directive = element.directives?.get("deprecated")?;
    let reason = directive.specified_argument_by_name("reason").and_then(|value| value.as_str());
    Some(reason.unwrap_or_default().to_owned())
}

fn has_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|window| {
        window
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
    })
}
