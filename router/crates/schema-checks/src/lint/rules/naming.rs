//! The case of names, and words that do not belong into them.

use super::super::config::RuleConfig;
use super::super::view::{Element, Kind, View};
use super::{Raw, each};

pub(in super::super) fn fields(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    cased(view, |kind| kind == Kind::Field, is_camel, camel, "camelCase")
}

pub(in super::super) fn arguments(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    let kinds = |kind| matches!(kind, Kind::Argument | Kind::DirectiveArgument | Kind::InputField);
    cased(view, kinds, is_camel, camel, "camelCase")
}

pub(in super::super) fn types(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    cased(view, Kind::is_type, is_pascal, pascal, "PascalCase")
}

pub(in super::super) fn enum_values(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    cased(view, |kind| kind == Kind::EnumValue, is_screaming, screaming, "SCREAMING_SNAKE_CASE")
}

pub(in super::super) fn directives(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    cased(view, |kind| kind == Kind::Directive, is_camel, camel, "camelCase")
}

pub(in super::super) fn verbs(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let parent = view.elements.get(element.parent?)?;
        if element.kind != Kind::Field || !view.is_root(parent.name) {
            return None;
        }
        let verbs: &[&str] = match parent.name {
            "Mutation" => &["put", "post", "patch"],
            _ => &["get", "list"],
        };
        let verb = verbs.iter().find(|verb| begins_with_word(element.name, verb))?;
        let rest = lower_first(&element.name[verb.len()..]);
        let help = match parent.name {
            "Mutation" => "Name what the mutation does to the graph, as in createUser or updateUser.".to_owned(),
            _ => format!("Name it by what it returns: \"{rest}\"."),
        };
        Some((format!("\"{}\" begins with \"{verb}\", as paths of a REST API do.", element.coordinate), help))
    })
}

pub(in super::super) fn repeated_type(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let parent = view.elements.get(element.parent?)?;
        let repeated = element.kind == Kind::Field
            && !view.is_root(parent.name)
            && begins_with_word(element.name, &lower_first(parent.name));
        let rest = lower_first(element.name.get(parent.name.len()..)?);
        repeated.then(|| {
            let message = format!("\"{}\" repeats the name of its type.", element.coordinate);
            (message, format!("Call it \"{rest}\"."))
        })
    })
}

fn cased(
    view: &View<'_>,
    kinds: impl Fn(Kind) -> bool,
    is: fn(&str) -> bool,
    to: fn(&str) -> String,
    case: &str,
) -> Vec<Raw> {
    each(view, |element: &Element<'_>| {
        let wrong = kinds(element.kind) && !is(element.name);
        wrong.then(|| {
            let message = format!("\"{}\" is not in {case}.", element.coordinate);
            (message, format!("Call it \"{}\".", to(element.name)))
        })
    })
}

/// Whether `name` begins with the word and goes on with another.
fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'))
}

fn is_camel(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('_')
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('_')
}

fn is_screaming(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_lowercase())
}

fn camel(name: &str) -> String {
    lower_first(&pascal(name))
}

fn pascal(name: &str) -> String {
    words(name).iter().map(|word| upper_first(word)).collect()
}

fn screaming(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

/// The words of a name in whatever case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for c in name.chars() {
        if c == '_' || (c.is_ascii_uppercase() && previous_lower) {
            words.push(String::new());
        }
        if c != '_'
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        previous_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn upper_first(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

fn lower_first(word: &str) -> String {
    let mut chars = word.trim_start_matches('_').chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
