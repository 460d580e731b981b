//! The form of a document by which texts are compared: what white space, commas, comments and the order of its definitions differ in
//! is the same document.

use braid_graphql::compiler::ast::{Definition, Document};
use braid_graphql::compiler::parser::Parser;

/// Bounds on a text, beyond which it is no document: the parser refuses deep nesting, not the stack.
const MAX_RECURSION: usize = 200;
const MAX_TOKENS: usize = 50_000;

/// A document as it is compared, and what is known of its operations.
pub(crate) struct Normalized {
    pub(crate) text: String,
    /// Their names.
    pub(crate) operations: Vec<Option<String>>,
    /// `query`, `mutation` or `subscription`, by the first operation.
    pub(crate) kind: Option<&'static str>,
}

/// The text in the form by which texts are compared; `None` if it does not parse.
pub fn normalized(text: &str) -> Option<String> {
    Some(normalize(text)?.text)
}

pub(crate) fn normalize(text: &str) -> Option<Normalized> {
    let mut parser = Parser::new().recursion_limit(MAX_RECURSION).token_limit(MAX_TOKENS);
    let document: Document = parser.parse_ast(text, "operation.graphql").ok()?;
    let mut definitions: Vec<String> = Vec::with_capacity(document.definitions.len());
    let (mut operations, mut kind) = (Vec::new(), None);
    for definition in &document.definitions {
        if let Definition::OperationDefinition(operation) = definition {
            operations.push(operation.name.as_ref().map(ToString::to_string));
            kind = kind.or(Some(operation.operation_type.name()));
        }
        definitions.push(definition.serialize().no_indent().to_string());
    }
    definitions.sort_unstable();
    Some(Normalized { text: definitions.join(" "), operations, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        let same = [
            "query A($x: Int) { a(x: $x, y: \"b c\") { ...F } } fragment F on T { b c }",
            "query A($x:Int){a(x:$x y:\"b c\"){...F}}fragment F on T{b,c}",
            "# comment\nfragment F on T { b c }\n\nquery A(\n  $x: Int\n) {\n  a(x: $x, y: \"b c\") { ... F } # more\n}\n",
        ];
        for text in same {
            assert_eq!(normalized(text), normalized(same[0]), "{text}");
        }
        assert_eq!(normalized("{ a }"), normalized("query { a }"));
    }

    #[test]
    fn what_means_something_else_differs() {
        let text = "query A { a(x: \"b c\") { b c } }";
        for other in [
            "query A { a(x: \"b  c\") { b c } }",
            "query A { a(x: \"b c\") { c b } }",
            "query A { x: a(x: \"b c\") { b c } }",
            "query B { a(x: \"b c\") { b c } }",
            "query A { a(x: \"b c\") { b c } } query B { a }",
            "mutation A { a(x: \"b c\") { b c } }",
            "query A @live { a(x: \"b c\") { b c } }",
            "query A { a(x: \"b c # d\") { b c } }",
        ] {
            assert_ne!(normalized(text), normalized(other), "{other}");
        }
        for wrong in ["", "{", "query A {", &"{a".repeat(1000), &"{ a ".repeat(100_000)] {
            assert_eq!(normalized(wrong), None);
        }
    }

    #[test]
    fn operations_are_named() {
        let names = |text: &str| normalize(text).unwrap().operations;
        assert_eq!(names("query B { a } fragment F on T { a } query A { b }"), [Some("B".into()), Some("A".into())]);
        assert_eq!(names("{ a }"), [None]);
    }
}
