//! From the text of a field set (`FieldSet` of Federation, a selection set whose outer braces may be left out) to its selections.

use apollo_compiler::ast::{Definition, Selection};
use apollo_compiler::executable::FieldSet;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

/// The deepest nesting of a field set.
const MAX_RECURSION: usize = 200;

/// Parses a field set as a selection of `parent`; or says what is wrong with it. Arguments and leaves are not validated.
pub fn parse_field_set(schema: &Valid<Schema>, parent: Name, text: &str) -> Result<FieldSet, String> {
    // The parser of field sets panics at characters of no token, that of documents reports them.
    if !is_plain(text) {
        parse_syntax(text, MAX_RECURSION)?;
    }
    let parsed = Parser::new().recursion_limit(MAX_RECURSION).parse_field_set(schema, parent, braced(text), FILE);
    let parsed = parsed.map_err(|failure| failure.errors.to_string())?;
    if parsed.selection_set.selections.is_empty() {
        return Err("it selects nothing".to_owned());
    }
    Ok(parsed)
}

/// The selections of a field set, whatever the schema; or the first thing that is wrong with how it is written.
pub fn parse_syntax(text: &str, max_recursion: usize) -> Result<Vec<Selection>, String> {
    let document = Parser::new().recursion_limit(max_recursion).parse_ast(braced(text), FILE).map_err(|failure| {
        failure.errors.iter().next().map_or_else(|| "it can't be parsed".to_owned(), |first| first.error.to_string())
    })?;
    let [Definition::OperationDefinition(operation)] = document.definitions.as_slice() else {
        return Err("it is not a single selection set".to_owned());
    };
    Ok(operation.selection_set.clone())
}

/// Whether it has names, braces and space only, as nearly all field sets.
pub fn is_plain(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "_{}, \n\r\t".contains(character))
}

const FILE: &str = "field_set.graphql";

fn braced(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.starts_with('{') { trimmed.to_owned() } else { format!("{{{trimmed}\n}}") }
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
