//! Field sets: the selections inside `@key`, `@requires`, `@provides` and `@fromContext`. Knows no rule about them.

use braid_graphql::compiler::ast::{self, Value};
use braid_graphql::compiler::{Name, Node};
use braid_graphql::field_set::{is_plain, parse_syntax};

/// A parsed selection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSet {
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Field {
        name: Name,
        alias: Option<Name>,
        args: Vec<(Name, Node<Value>)>,
        directives: Vec<Name>,
        selection: FieldSet,
    },
    Fragment {
        condition: Option<Name>,
        directives: Vec<Name>,
        selection: FieldSet,
    },
}

/// How deep a field set may nest.
const MAX_DEPTH: usize = 64;

impl FieldSet {
    /// Parses the text of a `fields` argument, with or without outer braces.
    pub(crate) fn parse(text: &str) -> Result<FieldSet, String> {
        if let Some(plain) = parse_plain(text) {
            return Ok(plain);
        }
        convert(&parse_syntax(text, MAX_DEPTH * 2)?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
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

fn convert(selections: &[ast::Selection]) -> Result<FieldSet, String> {
    let mut items = Vec::with_capacity(selections.len());
    for selection in selections {
        items.push(match selection {
            ast::Selection::Field(field) => Item::Field {
                name: field.name.clone(),
                alias: field.alias.clone(),
                args: field.arguments.iter().map(|a| (a.name.clone(), a.value.clone())).collect(),
                directives: names(&field.directives),
                selection: match &field.selection_set {
                    Some(inner) if inner.is_empty() => {
                        return Err(format!("the selection of \"{}\" is empty", field.name));
                    }
                    Some(inner) => convert(inner)?,
                    None => FieldSet::default(),
                },
            },
            ast::Selection::InlineFragment(fragment) => Item::Fragment {
                condition: fragment.type_condition.clone(),
                directives: names(&fragment.directives),
                selection: convert(&fragment.selection_set)?,
            },
            ast::Selection::FragmentSpread(spread) => {
                return Err(format!("named fragment \"{}\" can't be used here", spread.fragment_name));
            }
        });
    }
    match items.is_empty() {
        true => Err("the selection is empty".into()),
        false => Ok(FieldSet { items }),
    }
}

fn names(directives: &ast::DirectiveList) -> Vec<Name> {
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
