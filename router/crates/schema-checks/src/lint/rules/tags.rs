//! The names that `@tag` may use.

use super::super::config::RuleConfig;
use super::super::view::View;
use super::{Raw, each};

pub(in super::super) fn unknown(view: &View<'_>, config: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        if config.names.is_empty() {
            return None;
        }
        let tags = element.directives?.iter().filter(|directive| directive.name == "tag");
        let mut names = tags.filter_map(|tag| tag.specified_argument_by_name("name")?.as_str());
        let unknown = names.find(|name| !config.names.iter().any(|known| known == name))?;
        let message = format!("\"{}\" has the unknown tag \"{unknown}\".", element.coordinate);
        Some((message, format!("The configuration knows {}.", config.names.join(", "))))
    })
}
