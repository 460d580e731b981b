//! The text that says where a contextual argument takes its value from (`@fromContext(field:)`): `$context selection`. Knows neither
//! which types set the context nor what the selection leads to.

use crate::field_set::{FieldSet, FieldSetError};

/// A context, and what to take from the object that sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSelection<'t> {
    /// The name of the context, without its dollar sign.
    pub context: &'t str,
    /// The selection as it is written; not yet known to be a field set.
    pub selection: &'t str,
}

impl<'t> ContextSelection<'t> {
    /// Splits the text. `None` if it does not start with a dollar sign and a name.
    pub fn parse(text: &'t str) -> Option<Self> {
        let rest = text.trim().strip_prefix('$')?;
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (context, selection) = rest.split_at(end);
        (!context.is_empty()).then_some(ContextSelection { context, selection })
    }

    /// The fields that are selected.
    pub fn fields(&self) -> Result<FieldSet, FieldSetError> {
        FieldSet::parse(self.selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_and_selection_are_split() {
        for (text, expected) in [
            ("$user { id }", Some(("user", " { id }"))),
            (" $user{id} ", Some(("user", "{id}"))),
            ("$user ... on A { x }", Some(("user", " ... on A { x }"))),
            ("$a_1", Some(("a_1", ""))),
            ("user { id }", None),
            ("$ { id }", None),
            ("$é { id }", None),
            ("", None),
        ] {
            let parsed = ContextSelection::parse(text);
            assert_eq!(parsed.map(|parsed| (parsed.context, parsed.selection)), expected, "{text:?}");
        }
        let parsed = ContextSelection::parse("$user { team { id } }").unwrap();
        assert_eq!(parsed.fields().unwrap().to_string(), "team { id }");
        assert_eq!(ContextSelection::parse("$user").unwrap().fields(), Err(FieldSetError::Empty));
    }
}
