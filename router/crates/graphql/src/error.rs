//! The wire form of a GraphQL error. Knows nothing of what went wrong.

use serde::{Deserialize, Serialize};

/// An entry of `errors` in a response (<https://spec.graphql.org/draft/#sec-Errors>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphQLError {
    /// For people.
    pub message: String,
    /// Places in the client's document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The response position that the error belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<PathSegment>,
    /// For programs: `code` and more.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

/// A place in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Location {
    /// The place of a byte of `text`; of its end, if there is no such byte.
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// The most bytes of a message.
const MAX_MESSAGE: usize = 2000;

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.shrink_to_fit();
        message.push('…');
    }
    message
}

/// A step from the root of a response to a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathSegment {
    /// An item of a list.
    Index(usize),
    /// A key of an object.
    Key(String),
}

impl GraphQLError {
    /// An error with a code in its extensions. A message that quotes more than a person reads is cut.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let mut extensions = serde_json::Map::new();
        extensions.insert("code".to_owned(), code.into());
        Self { message: cut(message.into()), locations: Vec::new(), path: Vec::new(), extensions }
    }

    /// The code, when the extensions have one.
    pub fn code(&self) -> Option<&str> {
        self.extensions.get("code")?.as_str()
    }

    /// The same error with a number in its extensions.
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: u64) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// The same error at a place in the client's document.
    #[must_use]
    pub fn at(mut self, location: Option<Location>) -> Self {
        self.locations.extend(location);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_between_characters() {
        let error = GraphQLError::new("C", "é".repeat(MAX_MESSAGE));
        assert_eq!(error.message, format!("{}…", "é".repeat(MAX_MESSAGE / 2)));
        assert_eq!(GraphQLError::new("C", "short").message, "short");
    }
}
