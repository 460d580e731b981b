//! Explains SDL that can't be parsed: where it goes wrong and what was probably meant. Looks only at the text around that position;
//! knows no schema.

use braid_graphql::compiler::ast::Document;
use braid_graphql::compiler::diagnostic::ToCliReport;
use braid_graphql::compiler::parser::Parser;
use braid_graphql::error::Location as Place;

use super::sdl::SubgraphSdl;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, Location, excerpt};
use braid_graphql::suggest::did_you_mean;

/// SDL beyond this is refused before it is parsed.
pub(crate) const MAX_SDL_BYTES: usize = 8 * 1024 * 1024;
/// Lists, input objects and selections may nest this deep.
const MAX_NESTING: usize = 128;

/// What a definition can start with.
const DEFINITIONS: [&str; 9] =
    ["type", "interface", "input", "enum", "union", "scalar", "directive", "extend", "schema"];

pub(super) fn parse(input: &SubgraphSdl) -> Result<Document, Vec<Diagnostic>> {
    let error = |code, message: String| Diagnostic::new(code, format!("[{}] {message}", input.name));
    let sdl = input.sdl.as_str();
    if sdl.len() > MAX_SDL_BYTES {
        let message = format!("The schema has {} bytes, and the limit is {MAX_SDL_BYTES}.", sdl.len());
        return Err(vec![
            error(Code::SUBGRAPH_TOO_LARGE, message)
                .help("check that this is the subgraph's schema; if it really is, split the subgraph"),
        ]);
    }
    if sdl.trim().is_empty() {
        return Err(vec![
            error(Code::INVALID_GRAPHQL, "The schema is empty.".into())
                .help("check the file or URL that the schema comes from"),
        ]);
    }
    let mut parser = Parser::new().recursion_limit(MAX_NESTING);
    let failed = match parser.parse_ast(sdl, input.file()) {
        Ok(document) => return Ok(document),
        Err(failed) => failed,
    };
    // One slip makes the parser report many errors: only the first is about the slip itself.
    let starts = failed.errors.iter().filter_map(|error| error.error.location()).map(|span| span.offset());
    let start = starts.min().unwrap_or(sdl.len());
    let at = locate(input, start..start + found(sdl, start).len());
    Err(vec![if parser.recursion_reached() > MAX_NESTING {
        error(Code::NESTING_TOO_DEEP, format!("Brackets nest deeper than the limit of {MAX_NESTING} here."))
            .at([at])
            .help("write it with fewer levels")
    } else if sdl.trim_start().starts_with('<') {
        error(Code::INVALID_GRAPHQL, "This is HTML or XML, not a GraphQL schema.".into())
            .at([at])
            .help("check the file or URL that the schema comes from")
    } else {
        let slip = slip(sdl, start).unwrap_or_else(|| unexpected(sdl, start));
        let found = match found(sdl, start) {
            "" => "the end".to_owned(),
            found => format!("\"{}\"", excerpt(found)),
        };
        let opened = slip.opened.map(|(bracket, open)| locate(input, open..open + bracket.len_utf8()));
        let edit = slip.insert.map(|(at, text)| Edit { subgraph: input.name.clone(), start: at, end: at, text });
        error(Code::INVALID_GRAPHQL, format!("Syntax error at {found}: {}", slip.message))
            .at([at])
            .at(opened)
            .help(slip.help.clone())
            .fix(slip.help, edit)
    }])
}

/// A mistake that the text shows.
struct Slip {
    message: String,
    help: String,
    /// What would repair it, and where.
    insert: Option<(usize, String)>,
    /// The bracket that is not closed.
    opened: Option<(char, usize)>,
}

impl Slip {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Slip { message: message.into(), help: help.into(), insert: None, opened: None }
    }
}

/// What was probably meant where the parser stopped, if the text around it shows that.
fn slip(sdl: &str, start: usize) -> Option<Slip> {
    let before = sdl.get(..start)?.trim_end_matches([' ', '\t', '\r', '\n', ',']);
    let previous = last_token(before);
    let found = found(sdl, start);
    let after = sdl.get(start + found.len()..)?.trim_start();
    let line = before.get(before.rfind('\n').map_or(0, |i| i + 1)..).unwrap_or_default();
    if line.contains("reason:") && (line.to_owned() + found + after.lines().next()?).matches('"').count() > 2 {
        return Some(Slip::new(
            "a string seems to end too early here.",
            "write a quote inside a string as \\\" (some server libraries print it without the backslash)",
        ));
    }
    let open = open_bracket(before);
    match found {
        "" => open.map(unclosed),
        closing @ ("}" | ")" | "]") if open.is_some_and(|(bracket, _)| !closes(closing, bracket)) => open.map(unclosed),
        "'" => Some(Slip::new("strings are written in double quotes.", "write \"…\" instead of '…'")),
        "/" => Some(Slip::new("comments start with #.", "write # instead of //")),
        ";" => Some(Slip::new("GraphQL has no semicolons.", "remove it")),
        "?" => Some(Slip::new(
            "GraphQL has no mark for nullable types.",
            "remove it: a type without a ! can be null already",
        )),
        "}" if previous == "{" => {
            Some(Slip::new("there is nothing between the braces.", "add something, or remove the braces"))
        }
        "}" | ")" if previous == ":" => Some(Slip::new("a type is missing after the colon.", "add the type")),
        "}" | ")" | "]" if open.is_none() => Some(Slip::new(
            "it has no opening bracket.",
            "remove it, or look for a bracket that is closed too early above",
        )),
        "=" if is_word(previous) && open.is_some_and(|(bracket, _)| bracket == '{') => Some(Slip::new(
            "a field of an object has no default.",
            "remove the default: only arguments and the fields of inputs can have one",
        )),
        "|" if open.is_some_and(|(bracket, _)| bracket == '{') => Some(Slip::new(
            "a field has one type.",
            "define a union of the types (union AOrB = A | B) and use its name",
        )),
        ":" if open.is_none() => {
            Some(Slip::new("interfaces follow the word `implements`.", "write `implements` instead of the colon"))
        }
        word if is_word(word) && open.is_none() && !DEFINITIONS.contains(&word) => Some(Slip::new(
            format!("no definition starts like this.{}", did_you_mean(word, DEFINITIONS)),
            format!("start a definition with one of {}", DEFINITIONS.join(", ")),
        )),
        word if is_word(word) && is_word(previous) && open.is_some() => Some(match after.starts_with(':') {
            true => Slip::new(
                format!("\"{}\" before it has no type.", excerpt(previous)),
                format!("add a colon and the type: {}: String", excerpt(previous)),
            ),
            false => Slip {
                insert: Some((before.len(), ":".into())),
                ..Slip::new(
                    format!("a colon is missing between \"{}\" and its type.", excerpt(previous)),
                    format!("write {}: {}", excerpt(previous), excerpt(word)),
                )
            },
        }),
        _ => None,
    }
}

fn unclosed((bracket, at): (char, usize)) -> Slip {
    Slip {
        opened: Some((bracket, at)),
        ..Slip::new(
            format!("the \"{bracket}\" before it is never closed."),
            format!("close the \"{bracket}\" at the second location"),
        )
    }
}

fn closes(closing: &str, opening: char) -> bool {
    matches!((opening, closing), ('{', "}") | ('(', ")") | ('[', "]"))
}

/// What can be said when the text does not tell what was meant.
fn unexpected(sdl: &str, start: usize) -> Slip {
    let previous = last_token(sdl.get(..start).unwrap_or_default().trim_end());
    match (found(sdl, start), previous) {
        ("", previous) => Slip::new(
            format!("something must follow \"{}\".", excerpt(previous)),
            "complete the last definition, or remove it",
        ),
        (_, "") => {
            Slip::new("a schema can't start with this.", format!("start with one of {}", DEFINITIONS.join(", ")))
        }
        (found, previous) => Slip::new(
            format!("it can't follow \"{}\".", excerpt(previous)),
            format!("correct or remove \"{}\"", excerpt(found)),
        ),
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The word or sign at an offset.
fn found(sdl: &str, start: usize) -> &str {
    let rest = sdl.get(start..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let end = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    rest.get(..end).unwrap_or_default()
}

/// The last word or sign of a text.
fn last_token(text: &str) -> &str {
    let word = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let start = match word < text.len() {
        true => word,
        false => text.len() - text.chars().next_back().map_or(0, char::len_utf8),
    };
    text.get(start..).unwrap_or_default()
}

/// The innermost bracket that a text leaves open.
fn open_bracket(text: &str) -> Option<(char, usize)> {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let length = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' if rest.starts_with("\"\"\"") => 3 + rest.get(3..)?.find("\"\"\"").map_or(rest.len() - 3, |i| i + 3),
            '"' => string_length(rest),
            _ => c.len_utf8(),
        };
        match c {
            '{' | '(' | '[' => open.push((c, at)),
            '}' | ')' | ']' => drop(open.pop()),
            _ => {}
        }
        rest = rest.get(length..)?;
    }
    open.pop()
}

/// The bytes of the string that a text starts with. It ends with its line at the latest.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return i + 1,
            '\n' => return i,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// The location of a range within one line.
fn locate(input: &SubgraphSdl, range: std::ops::Range<usize>) -> Location {
    let Place { line, column } = Place::of_offset(&input.sdl, range.start);
    let length = input.sdl.get(range.clone()).unwrap_or_default().chars().count();
    Location {
        subgraph: input.name.clone(),
        file: input.file().to_string(),
        line,
        column,
        end_line: line,
        end_column: column + length,
        offset: range.start,
        end_offset: range.end.min(input.sdl.len()),
    }
}
