//! From the text of a field set (`FieldSet` of Federation, a selection set whose outer braces may be left out) to its selections.

use apollo_compiler::executable::FieldSet;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

/// The deepest nesting of a field set.
const MAX_RECURSION: usize = 200;

/// Parses a field set as a selection of `parent`; or says what is wrong with it. Arguments and leaves are not validated.
pub fn parse_field_set(schema: &Valid<Schema>, parent: Name, text: &str) -> Result<FieldSet, String> {
    let trimmed = text.trim();
    let braced = if trimmed.starts_with('{') { trimmed.to_owned() } else { format!("{{{trimmed}\n}}") };
    // The parser of field sets panics at characters of no token, that of documents reports them.
    if !text.chars().all(is_plain) {
        let document = Parser::new().recursion_limit(MAX_RECURSION).parse_ast(braced.as_str(), FILE);
        let document = document.map_err(|failure| failure.errors.to_string())?;
        if document.definitions.len() != 1 {
            return Err("it is more than one selection set".to_owned());
        }
    }
    let parsed = Parser::new().recursion_limit(MAX_RECURSION).parse_field_set(schema, parent, braced, FILE);
    let parsed = parsed.map_err(|failure| failure.errors.to_string())?;
    if parsed.selection_set.selections.is_empty() {
        return Err("it selects nothing".to_owned());
    }
    Ok(parsed)
}

const FILE: &str = "field_set.graphql";

/// What nearly all field sets are made of.
fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_{}, \n\r\t".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<usize>) {
        let schema = "type Query { id: ID name(x: Int): String query: Query }";
        let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
        let parsed = parse_field_set(&schema, apollo_compiler::name!("Query"), text);
        assert_eq!(parsed.map(|set| set.selection_set.selections.len()).ok(), expected, "{text:?}");
    }

    #[test]
    fn field_sets_are_read() {
        check("id", Some(1));
        check("  { id , name }\n", Some(2));
        check("query { query { id } } id", Some(2));
        check("id # why\n name(x: 1)", Some(2));
        check("... on Query { id }", Some(1));
    }

    #[test]
    fn what_is_no_field_set_is_refused() {
        for text in
            ["", " ", ",", "{", "}", "{}", "id }", "{ id } id", "{ id } { id }", "{ id } }", "id {", "nothing", "#"]
        {
            check(text, None);
        }
        for text in [
            "\u{5}id",
            "id \u{5}",
            "{ id } \u{5}",
            "\u{feff}}",
            "name(x: \"",
            "\"",
            "...",
            "... on",
            "id } \u{5} {",
            "type A { id: ID }",
            "fragment F on Query { id }",
        ] {
            check(text, None);
        }
        check(&"query {".repeat(10_000), None);
    }
}
