//! Whether errors may tell clients names of the schema, and how they are concealed. Knows nothing of what went wrong.

use ahash::AHashSet;
use apollo_compiler::Schema;

/// Whether errors may name what the schema has and the client did not send. Hidden where the schema may not be introspected: errors
/// would tell it bit by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SchemaNames {
    /// Errors repeat the names that the client sent, and no others.
    #[default]
    Hidden,
    /// Errors name types, fields and values, and suggest those that may be meant.
    Shown,
}

/// Stands for a name that is concealed.
const CONCEALED: char = '…';

/// Names that every schema has, or that are words of GraphQL.
const WELL_KNOWN: [&str; 11] = [
    "Int",
    "Float",
    "String",
    "ID",
    "Boolean",
    "Query",
    "Mutation",
    "Subscription",
    "query",
    "mutation",
    "subscription",
];

/// The names in a text, wherever they are.
pub(crate) fn names_in(text: &str) -> AHashSet<&str> {
    text.split(|character: char| !is_of_name(character)).filter(|word| !word.is_empty()).collect()
}

/// A message of the validation without the names that are not among those sent. Names are what it quotes, and what the schema has as
/// types.
pub(crate) fn conceal(message: &str, sent: &AHashSet<&str>, schema: &Schema) -> String {
    let is_told = |word: &str| {
        let starts_a_name = word.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
        !starts_a_name || word.starts_with("__") || WELL_KNOWN.contains(&word) || sent.contains(word)
    };
    let mut concealed = String::with_capacity(message.len());
    let (mut rest, mut is_quoted) = (message, false);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character: char| !is_of_name(character)).unwrap_or(rest.len());
        if end == 0 {
            is_quoted ^= matches!(first, '"' | '`');
            concealed.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let word = &rest[..end];
        match is_told(word) || !(is_quoted || schema.types.contains_key(word)) {
            true => concealed.push_str(word),
            false => concealed.push(CONCEALED),
        }
        rest = &rest[end..];
    }
    concealed
}

/// Whether a type is one of those that every schema has.
pub(crate) fn is_well_known(ty: &str) -> bool {
    WELL_KNOWN.contains(&ty)
}

fn is_of_name(character: char) -> bool {
    character == '_' || character.is_ascii_alphanumeric()
}
