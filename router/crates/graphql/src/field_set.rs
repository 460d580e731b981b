//! From the text of a field set (`FieldSet` of Federation, a selection set whose outer braces may be left out) to its selections.

use apollo_compiler::ast::{Definition, DirectiveList, Selection, Value};
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::executable;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};

/// The deepest nesting of a field set.
const MAX_RECURSION: usize = 200;

/// Why a text is no field set. Each message continues a sentence about the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldSetError {
    /// The text breaks GraphQL's grammar at this word or sign.
    #[error("\"{0}\" is not allowed there")]
    Unexpected(String),
    /// The text ends before a selection does.
    #[error("it is not complete")]
    Incomplete,
    /// The selections nest too deeply to be parsed.
    #[error("it nests deeper than {MAX_RECURSION} levels")]
    TooDeep,
    /// There is more than one selection set.
    #[error("it is not a single selection set")]
    NotOneSelection,
    /// There is no selection, or none within a fragment.
    #[error("it selects nothing")]
    Empty,
    /// A field has braces with nothing between them.
    #[error("the braces after \"{0}\" are empty")]
    EmptyBelow(Name),
    /// A fragment spread: fragments are defined in operations, not in schemas.
    #[error("the named fragment \"{0}\" can't be used here")]
    NamedFragment(Name),
    /// It does not fit the type; with the parser's report.
    #[error("{0}")]
    Unfit(String),
}

/// Parses a field set as a selection of `parent`; or says what is wrong with it. Arguments and leaves are not validated.
pub fn parse_field_set(
    schema: &Valid<Schema>,
    parent: Name,
    text: &str,
) -> Result<executable::FieldSet, FieldSetError> {
    // The parser of field sets panics at characters of no token, that of documents reports them.
    if !is_plain(text) {
        parse_syntax(text)?;
    }
    let parsed = Parser::new().recursion_limit(MAX_RECURSION).parse_field_set(schema, parent, braced(text), FILE);
    let parsed = parsed.map_err(|failure| FieldSetError::Unfit(failure.errors.to_string()))?;
    if parsed.selection_set.selections.is_empty() {
        return Err(FieldSetError::Empty);
    }
    Ok(parsed)
}

/// The selections of a field set, whatever the schema; or the first thing that is wrong with how it is written.
fn parse_syntax(text: &str) -> Result<Vec<Selection>, FieldSetError> {
    let braced = braced(text);
    let mut parser = Parser::new().recursion_limit(MAX_RECURSION);
    let document = match parser.parse_ast(&braced, FILE) {
        Ok(document) => document,
        Err(_) if parser.recursion_reached() > MAX_RECURSION => return Err(FieldSetError::TooDeep),
        Err(failure) => {
            let at = failure.errors.iter().filter_map(|error| error.error.location()).map(|span| span.offset()).min();
            return Err(unexpected(text, &braced, at.unwrap_or(braced.len())));
        }
    };
    let [Definition::OperationDefinition(operation)] = document.definitions.as_slice() else {
        return Err(FieldSetError::NotOneSelection);
    };
    Ok(operation.selection_set.clone())
}

/// The word or sign at which the parser stopped.
fn unexpected(text: &str, braced: &str, at: usize) -> FieldSetError {
    let rest = braced.get(at..).unwrap_or_default().trim_start();
    let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let end = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    // The closing brace may be the one that was added. If the text itself closes more than it opens, that is the mistake.
    let count = |brace: char| text.matches(brace).count();
    let is_added = rest == "}" && !text.trim().starts_with('{') && count('}') <= count('{');
    match rest.get(..end) {
        Some(found) if !found.is_empty() && !is_added => FieldSetError::Unexpected(found.to_owned()),
        _ => FieldSetError::Incomplete,
    }
}

/// Whether it has names, braces and space only, as nearly all field sets.
fn is_plain(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "_{}, \n\r\t".contains(character))
}

const FILE: &str = "field_set.graphql";

fn braced(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.starts_with('{') { trimmed.to_owned() } else { format!("{{{trimmed}\n}}") }
}

/// The selections of a field set as they are written, whatever the schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSet {
    /// In the order in which they are written.
    pub items: Vec<Item>,
}

/// One selection of a field set.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A field.
    Field {
        /// Its name.
        name: Name,
        /// What it is called in the result.
        alias: Option<Name>,
        /// Its arguments.
        args: Vec<(Name, Node<Value>)>,
        /// The directives applied to it.
        directives: Vec<Name>,
        /// What is selected of it; empty if it is a leaf.
        selection: FieldSet,
    },
    /// An inline fragment.
    Fragment {
        /// Its type condition.
        condition: Option<Name>,
        /// The directives applied to it.
        directives: Vec<Name>,
        /// What is selected in it.
        selection: FieldSet,
    },
}

/// How deep a field set may nest.
const MAX_DEPTH: usize = 64;

impl FieldSet {
    /// Parses the text of a `fields` argument, with or without outer braces.
    pub fn parse(text: &str) -> Result<FieldSet, FieldSetError> {
        if let Some(plain) = parse_plain(text) {
            return Ok(plain);
        }
        convert(&parse_syntax(text)?)
    }

    /// The same with the items of each selection in the order of their texts: `b { d c } a` and `a b { c d }` become equal.
    #[must_use]
    pub fn in_order(&self) -> FieldSet {
        let mut items: Vec<Item> = self.items.iter().map(Item::in_order).collect();
        items.sort_by_cached_key(|item| FieldSet { items: vec![item.clone()] }.to_string());
        FieldSet { items }
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Item {
    fn in_order(&self) -> Item {
        let mut ordered = self.clone();
        let (Item::Field { selection, .. } | Item::Fragment { selection, .. }) = &mut ordered;
        *selection = selection.in_order();
        ordered
    }
}

/// Names and braces only: nearly all field sets, read without the full parser.
fn parse_plain(text: &str) -> Option<FieldSet> {
    if !is_plain(text) {
        return None;
    }
    let mut stack = vec![FieldSet::default()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '{' => {
                if stack.len() > MAX_DEPTH {
                    return None;
                }
                // A brace must follow a field without a selection.
                let Some(Item::Field { selection, .. }) = stack.last()?.items.last() else {
                    return None;
                };
                if !selection.is_empty() {
                    return None;
                }
                stack.push(FieldSet::default());
                rest = &rest[1..];
            }
            '}' => {
                let inner = stack.pop()?;
                let Some(Item::Field { selection, .. }) = stack.last_mut()?.items.last_mut() else {
                    return None;
                };
                if inner.is_empty() {
                    return None;
                }
                *selection = inner;
                rest = &rest[1..];
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let name = Name::new(&rest[..end]).ok()?;
                stack.last_mut()?.items.push(Item::Field {
                    name,
                    alias: None,
                    args: Vec::new(),
                    directives: Vec::new(),
                    selection: FieldSet::default(),
                });
                rest = &rest[end..];
            }
            c if c.is_ascii_digit() => return None,
            _ => rest = &rest[1..],
        }
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(set), true) if !set.is_empty() => Some(set),
        _ => None,
    }
}

fn convert(selections: &[Selection]) -> Result<FieldSet, FieldSetError> {
    let mut items = Vec::with_capacity(selections.len());
    for selection in selections {
        items.push(match selection {
            Selection::Field(field) => Item::Field {
                name: field.name.clone(),
                alias: field.alias.clone(),
                args: field.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
                directives: names(&field.directives),
                selection: match &field.selection_set {
                    Some(inner) if inner.is_empty() => {
                        return Err(FieldSetError::EmptyBelow(field.name.clone()));
                    }
                    Some(inner) => convert(inner)?,
                    None => FieldSet::default(),
                },
            },
            Selection::InlineFragment(fragment) => Item::Fragment {
                condition: fragment.type_condition.clone(),
                directives: names(&fragment.directives),
                selection: convert(&fragment.selection_set)?,
            },
            Selection::FragmentSpread(spread) => {
                return Err(FieldSetError::NamedFragment(spread.fragment_name.clone()));
            }
        });
    }
    match items.is_empty() {
        true => Err(FieldSetError::Empty),
        false => Ok(FieldSet { items }),
    }
}

fn names(directives: &DirectiveList) -> Vec<Name> {
    directives.0.iter().map(|d| d.name.clone()).collect()
}

impl std::fmt::Display for FieldSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, item) in self.items.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            match item {
                Item::Field { name, alias, args, selection, .. } => {
                    if let Some(alias) = alias {
                        write!(f, "{alias}: ")?;
                    }
                    write!(f, "{name}")?;
                    if !args.is_empty() {
                        f.write_str("(")?;
                        for (i, (name, value)) in args.iter().enumerate() {
                            let comma = if i > 0 { ", " } else { "" };
                            write!(f, "{comma}{name}: {}", value.serialize().no_indent())?;
                        }
                        f.write_str(")")?;
                    }
                    if !selection.is_empty() {
                        write!(f, " {{ {selection} }}")?;
                    }
                }
                Item::Fragment { condition, selection, .. } => {
                    f.write_str("...")?;
                    if let Some(condition) = condition {
                        write!(f, " on {condition}")?;
                    }
                    write!(f, " {{ {selection} }}")?;
                }
            }
        }
        Ok(())
    }
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
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("id }", "\"}\" is not allowed there"),
            ("id & name", "\"&\" is not allowed there"),
            ("owner { name", "it is not complete"),
            ("{ owner { name", "it is not complete"),
            ("name(x: ", "it is not complete"),
            ("{ a } { b }", "it is not a single selection set"),
            ("", "it selects nothing"),
            ("owner {}", "the braces after \"owner\" are empty"),
            ("...F", "the named fragment \"F\" can't be used here"),
        ] {
            assert_eq!(FieldSet::parse(text).unwrap_err().to_string(), says, "{text:?}");
        }
        assert_eq!(FieldSet::parse(&"a {".repeat(10_000)), Err(FieldSetError::TooDeep));
    }

    #[test]
    fn braces_and_order_do_not_matter() {
        let normal = |text: &str| FieldSet::parse(text).unwrap().in_order().to_string();
        assert_eq!(normal("{ b{d c} a }"), normal("a  b { c, d }"));
        assert_eq!(normal("a(x: 1) b"), "a(x: 1) b");
        assert_eq!(normal("{ ... on B { x } a }"), normal("a ...on B{x}"));
        assert_eq!(normal("a(x: \") }\") b"), "a(x: \") }\") b");
        assert_ne!(normal("a { b }"), normal("a b"));
        for text in ["", "{}", "a {}", "a }", "...F", "a { ", "{ a } { b }"] {
            assert!(FieldSet::parse(text).is_err(), "{text:?}");
        }
        assert!(FieldSet::parse(&"a {".repeat(10_000)).is_err());
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
