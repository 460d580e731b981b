//! Edits of a subgraph's SDL for diagnostics that come with a fix. Knows no rule.

use braid_graphql::compiler::ast::Type;

use crate::diagnostic::Edit;
use crate::subgraph::model::{Applied, Field, Span, Subgraph, TypeDef};
use crate::subgraph::spec::Known;

/// Removes a directive application.
pub(crate) fn remove_application(subgraph: &Subgraph, applied: &Applied) -> Option<Edit> {
    let span = applied.span?;
    let sdl = subgraph.sdl();
    let before = sdl.get(..span.offset())?;
    // Removes the space before it too.
    let start = before.trim_end_matches([' ', '\t']).len();
    let start = start_of_bare_extension(before, sdl.get(span.end_offset()..)?).unwrap_or(start);
    Some(subgraph.edit(start, span.end_offset(), ""))
}

/// Where `extend schema` starts, when nothing of it is left without the application between `before` and `after`.
fn start_of_bare_extension(before: &str, after: &str) -> Option<usize> {
    let extend = before.trim_end().strip_suffix("schema")?.trim_end().strip_suffix("extend")?;
    let goes_on = after.trim_start().starts_with(['@', '{']);
    (!goes_on).then_some(extend.len())
}

/// `extend type T` → `type T`.
pub(crate) fn drop_extend(subgraph: &Subgraph, ty: &TypeDef) -> Option<Edit> {
    let span = ty.span?;
    let before = subgraph.sdl().get(..span.offset())?;
    let start = before.rfind("extend")?;
    let between = before.get(start + "extend".len()..)?;
    let end = start + "extend".len() + (between.len() - between.trim_start().len());
    // Only keywords may come between.
    between.split_whitespace().count().eq(&1).then(|| subgraph.edit(start, end, ""))
}

/// Adds a directive at the end of a field's definition.
pub(crate) fn append_to_field(subgraph: &Subgraph, field: &Field, known: Known) -> Option<Edit> {
    let end = type_end(subgraph, field.span, &field.ty)?;
    Some(subgraph.edit(end, end, format!(" {}", subgraph.at_name(known))))
}

/// Replaces the type that follows a field's or argument's name.
pub(crate) fn replace_type(subgraph: &Subgraph, name: Span, from: &Type, to: &Type) -> Option<Edit> {
    let end = type_end(subgraph, name, from)?;
    let text = from.to_string();
    let start = end.checked_sub(text.len())?;
    (subgraph.sdl().get(start..end)? == text).then(|| subgraph.edit(start, end, to.to_string()))
}

/// Adds an argument to a field.
pub(crate) fn add_argument(subgraph: &Subgraph, field: &Field, argument: &str) -> Option<Edit> {
    let span = field.span?;
    let rest = subgraph.sdl().get(span.end_offset()..)?;
    let at = span.end_offset();
    match rest.trim_start().starts_with('(') {
        true => {
            let at = at + rest.find('(')? + 1;
            Some(subgraph.edit(at, at, format!("{argument}, ")))
        }
        false => Some(subgraph.edit(at, at, format!("({argument})"))),
    }
}

/// `@key(fields: "id")` → `@key(fields: "id", resolvable: false)`.
pub(crate) fn set_resolvable_false(subgraph: &Subgraph, key: &Applied) -> Option<Edit> {
    if let Some(span) = key.arg("resolvable").and_then(|v| v.location()) {
        return Some(subgraph.edit(span.offset(), span.end_offset(), "false"));
    }
    let end = key.arg("fields")?.location()?.end_offset();
    Some(subgraph.edit(end, end, ", resolvable: false"))
}

/// Where the type after a name ends: the first occurrence of the type's text after the name's arguments.
fn type_end(subgraph: &Subgraph, name: Span, ty: &Type) -> Option<usize> {
    let after = name?.end_offset();
    let rest = subgraph.sdl().get(after..)?;
    let mut depth = 0usize;
    let mut colon = None;
    for (i, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                colon = Some(i + 1);
                break;
            }
            _ => {}
        }
    }
    let start = colon?;
    let text = ty.to_string();
    let found = rest.get(start..)?.find(&text)?;
    Some(after + start + found + text.len())
}

/// Removes ` = value`.
pub(crate) fn remove_default(subgraph: &Subgraph, value: Span) -> Option<Edit> {
    let span = value?;
    let before = subgraph.sdl().get(..span.offset())?;
    let equals = before.rfind('=')?;
    let start = before.get(..equals)?.trim_end().len();
    Some(subgraph.edit(start, span.end_offset(), ""))
}

/// Adds a field before the type's first one.
pub(crate) fn add_field(subgraph: &Subgraph, ty: &TypeDef, field: &str) -> Option<Edit> {
    let first = ty.fields.values().filter_map(|f| f.span).min_by_key(|s| s.offset())?;
    let sdl = subgraph.sdl();
    // Before a description, if there is one: right after the opening brace.
    let brace = sdl.get(..first.offset())?.rfind('{')? + 1;
    Some(subgraph.edit(brace, brace, format!("\n  {field}\n")))
}

/// Adds an application after a type's name and interfaces, before its body.
pub(crate) fn append_to_type(subgraph: &Subgraph, ty: &TypeDef, application: &str) -> Option<Edit> {
    let end = ty.span?.end_offset();
    let rest = subgraph.sdl().get(end..)?;
    let brace = rest.find('{')?;
    let at = end + rest.get(..brace)?.trim_end().len();
    Some(subgraph.edit(at, at, format!(" {application}")))
}

/// Removes a field with its arguments, type and directives; the next field or the closing brace follows.
pub(crate) fn remove_field(subgraph: &Subgraph, field: &Field) -> Option<Edit> {
    let start = field.span?.offset();
    let end = type_end(subgraph, field.span, &field.ty)?;
    let end = field.applied.iter().filter_map(|a| a.span).map(|s| s.end_offset()).fold(end, usize::max);
    Some(subgraph.edit(start, end, ""))
}
