//! Field sets in a form in which equal ones are equal texts. Knows no schema.

use braid_graphql::field_set::FieldSet;

/// The field set with single spaces and the fields of each selection in order. What is no field set is compared as it was written.
pub(super) fn normal(text: &str) -> String {
    FieldSet::parse(text).map_or_else(|_| text.trim().to_owned(), |set| set.in_order().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_field_sets_are_equal_texts() {
        assert_eq!(normal("b{d c} a"), normal("a  b { c, d }"));
        assert_eq!(normal("{ a }"), normal(" a"));
        assert_ne!(normal("{ a }"), normal("{ b }"));
        assert_ne!(normal("{ ... on A { x } }"), normal("{ ... on A { y } }"));
        assert_eq!(normal(" a { "), "a {");
    }
}
