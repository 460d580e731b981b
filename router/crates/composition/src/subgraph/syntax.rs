//! Says of SDL that can't be parsed where it goes wrong and what was probably meant. Looks at the text around the place
//! only; knows no schema.

use braid_graphql::compiler::ast::Document;
use braid_graphql::compiler::parser::{LineColumn, Parser};

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
    // One slip makes the parser stumble again and again: the first report is the true one.
    let place = |range: std::ops::Range<LineColumn>| (range.start.line, range.start.column);
    let places = failed.errors.iter().map(|error| (error.line_column_range().map(place), error));
    let first = places.min_by_key(|(place, _)| place.unwrap_or((usize::MAX, 0)));
    let (place, message) = first.map(|(place, error)| (place, error.error.to_string())).unwrap_or_default();
    let start = place.map_or(sdl.len(), |(line, column)| offset(sdl, line, column));
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
        let slip = slip(sdl, start)
            .unwrap_or_else(|| Slip::new(format!("{}.", in_words(&message)), "correct the schema at this place"));
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

/// What was probably meant where the parser stopped, if the text around the place tells.
fn slip(sdl: &str, start: usize) -> Option<Slip> {
    let before = sdl.get(..start)?.trim_end_matches([' ', '\t', '\r', '\n', ',']);
    let previous = last_token(before);
    let found = found(sdl, start);
    let after = sdl.get(start + found.len()..)?.trim_start();
    let line = before.get(before.rfind('\n').map_or(0, |i| i + 1)..).unwrap_or_default();
    if line.contains("reason:") && (line.to_owned() + found + after.lines().next()?).matches('"').count() > 2 {
        return Some(Slip::new(
            "a string ends here, too early it seems.",
            "write a quote inside a string as \\\" (some server libraries print it without the backslash)",
        ));
    }
    let open = open_bracket(before);
    match found {
        "" => open.map(unclosed),
        closing @ ("}" | ")" | "]") if open.is_some_and(|(bracket, _)| !closes(closing, bracket)) => open.map(unclosed),
        "'" => Some(Slip::new("strings stand in double quotes.", "write \"…\" instead of '…'")),
        "/" => Some(Slip::new("comments start with #.", "write # instead of //")),
        ";" => Some(Slip::new("GraphQL has no semicolons.", "remove it")),
        "?" => Some(Slip::new("nothing marks what may be null.", "remove it: all may be null that has no ! behind it")),
        "}" if previous == "{" => {
            Some(Slip::new("there is nothing between the braces.", "add something, or remove the braces"))
        }
        "}" | ")" if previous == ":" => Some(Slip::new("a type is missing after the colon.", "add the type")),
        "}" | ")" | "]" if open.is_none() => {
            Some(Slip::new("it closes nothing.", "remove it, or look for what was closed before"))
        }
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
            format!("a \"{bracket}\" before it is not closed."),
            format!("close the \"{bracket}\" that stands at the second place"),
        )
    }
}

fn closes(closing: &str, opening: char) -> bool {
    matches!((opening, closing), ('{', "}") | ('(', ")") | ('[', "]"))
}

/// The parser's own words, with brackets for the names that it has for them.
pub(crate) fn in_words(message: &str) -> String {
    let message = message.split_once("syntax error: ").map_or(message, |(_, rest)| rest);
    let message = message.split(", got ").next().unwrap_or(message).trim_end_matches('.');
    let brackets =
        [("R_CURLY", "\"}\""), ("L_CURLY", "\"{\""), ("R_PAREN", "\")\""), ("L_PAREN", "\"(\""), ("R_BRACK", "\"]\"")];
    brackets.iter().fold(message.to_owned(), |text, (name, sign)| text.replace(name, sign))
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The word or sign at a place.
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

/// The byte at a line and column, both counted from 1, the column in bytes.
fn offset(sdl: &str, line: usize, column: usize) -> usize {
    let start: usize = sdl.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    start + column.saturating_sub(1)
}

/// The place of a range within one line.
fn locate(input: &SubgraphSdl, range: std::ops::Range<usize>) -> Location {
    let before = input.sdl.get(..range.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
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
