//! `${env.NAME}`, `${env.NAME:-default}` and `${file.path}` in configuration text. Knows nothing of what is configured.
//!
//! Values are inserted as text before the YAML is parsed, so that `${env.PORT}` can be a number. A value never changes the
//! structure: inside quotes it is escaped, and outside quotes it is refused if YAML could read it as more than a word.
//! Where `NAME` is not set, `${env.NAME}` is the content of the file that `NAME_FILE` names, as containers get their secrets.
//! `$$` stands for a dollar sign; comments are left alone.

use std::path::Path;

/// Where values come from. Tests have their own.
pub trait Values {
    /// The environment variable of this name.
    fn env(&self, name: &str) -> Option<String>;
    /// The content of a file.
    fn file(&self, path: &str) -> std::io::Result<String>;
}

/// The process's environment, and files relative to a folder.
#[derive(Debug)]
pub struct Process<'a>(pub &'a Path);

impl Values for Process<'_> {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> std::io::Result<String> {
        std::fs::read_to_string(self.0.join(path))
    }
}

/// A `${…}` that can't be replaced.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ExpandError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: ExpandProblem,
}

/// What is wrong with a `${…}`.
#[derive(Debug, thiserror::Error)]
pub enum ExpandProblem {
    /// It has no end.
    #[error("\"${{\" has no closing \"}}\"")]
    Unclosed,
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set; set it, or give a default: ${{env.{0}:-value}}")]
    NotSet(String),
    /// The variable and the one that names its file are both set.
    #[error("{0} and {0}_FILE are both set; only one of them can be meant")]
    Twice(String),
    /// The file can't be read.
    #[error("the file {path} can't be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: std::io::Error,
    },
    /// It refers to something else.
    #[error("\"${{{0}}}\" is neither ${{env.NAME}} nor ${{file.path}}; write $$ for a dollar sign")]
    Unknown(String),
    /// The value has a meaning in YAML.
    #[error("the value of ${{{0}}} has characters with a meaning in YAML; put it in double quotes: \"${{{0}}}\"")]
    Unquoted(String),
}

/// The text with all `${…}` replaced.
pub fn expand(text: &str, values: &dyn Values) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        expand_line(line, values, &mut out).map_err(|problem| ExpandError { line: index + 1, problem })?;
    }
    Ok(out)
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

fn expand_line(line: &str, values: &dyn Values, out: &mut String) -> Result<(), ExpandProblem> {
    let mut quote = Quote::None;
    let mut rest = line;
    let mut previous = ' ';
    while let Some(c) = rest.chars().next() {
        match c {
            '#' if quote == Quote::None && previous.is_whitespace() => {
                out.push_str(rest);
                return Ok(());
            }
            '$' if rest.starts_with("$$") => {
                out.push('$');
                rest = &rest[2..];
                continue;
            }
            '$' if rest.starts_with("${") => {
                let end = rest.find('}').ok_or(ExpandProblem::Unclosed)?;
                out.push_str(&quoted(&value(&rest[2..end], values)?, quote, &rest[2..end])?);
                rest = &rest[end + 1..];
                continue;
            }
            '\\' if quote == Quote::Double => {
                out.push(c);
                rest = &rest[1..];
                if let Some(escaped) = rest.chars().next() {
                    out.push(escaped);
                    rest = &rest[escaped.len_utf8()..];
                }
                continue;
            }
            '"' => quote = toggled(quote, Quote::Double),
            '\'' => quote = toggled(quote, Quote::Single),
            _ => {}
        }
        out.push(c);
        previous = c;
        rest = &rest[c.len_utf8()..];
    }
    Ok(())
}

/// The state after a quotation mark.
fn toggled(quote: Quote, by: Quote) -> Quote {
    match quote {
        Quote::None => by,
        same if same == by => Quote::None,
        other => other,
    }
}

fn value(expression: &str, values: &dyn Values) -> Result<String, ExpandProblem> {
    if let Some(variable) = expression.strip_prefix("env.") {
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        return match (values.env(name), values.env(&format!("{name}_FILE")), default) {
            (Some(_), Some(_), _) => Err(ExpandProblem::Twice(name.to_owned())),
            (Some(value), None, _) => Ok(value),
            (None, Some(path), _) => content(&path, values),
            (None, None, Some(default)) => Ok(default.to_owned()),
            (None, None, None) => Err(ExpandProblem::NotSet(name.to_owned())),
        };
    }
    match expression.strip_prefix("file.") {
        Some(path) => content(path, values),
        None => Err(ExpandProblem::Unknown(expression.to_owned())),
    }
}

/// Without the line breaks at the end, which editors and `echo` write.
fn content(path: &str, values: &dyn Values) -> Result<String, ExpandProblem> {
    let content = values.file(path).map_err(|reason| ExpandProblem::File { path: path.to_owned(), reason })?;
    Ok(content.trim_end_matches(['\n', '\r']).to_owned())
}

fn quoted(value: &str, quote: Quote, expression: &str) -> Result<String, ExpandProblem> {
    match quote {
        Quote::Double => {
            // JSON escapes are YAML escapes.
            let json = serde_json::Value::from(value).to_string();
            Ok(json.get(1..json.len() - 1).unwrap_or_default().to_owned())
        }
        Quote::Single if !value.contains('\n') => Ok(value.replace('\'', "''")),
        Quote::None if is_word(value) => Ok(value.to_owned()),
        _ => Err(ExpandProblem::Unquoted(expression.to_owned())),
    }
}

/// Whether YAML reads the text as a plain scalar in every context.
fn is_word(value: &str) -> bool {
    let safe = |c: char| c.is_alphanumeric() || "_./@+=-:~".contains(c);
    value.chars().all(safe) && !value.ends_with(':') && !value.starts_with(['-', '@', '=', '~', ':'])
        || value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given;

    impl Values for Given {
        fn env(&self, name: &str) -> Option<String> {
            match name {
                "PORT" => Some("4000".to_owned()),
                "BOTH" | "BOTH_FILE" => Some("x".to_owned()),
                "TOKEN_FILE" => Some("token".to_owned()),
                "LOST_FILE" => Some("nope".to_owned()),
                "SECRET" => Some("a: \"b\" #c".to_owned()),
                _ => None,
            }
        }

        fn file(&self, path: &str) -> std::io::Result<String> {
            if path == "token" { Ok("t0k\n".to_owned()) } else { Err(std::io::ErrorKind::NotFound.into()) }
        }
    }

    fn check(text: &str, expected: Result<&str, &str>) {
        match (expand(text, &Given), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn values_are_inserted() {
        check("listen: 0.0.0.0:${env.PORT}\n", Ok("listen: 0.0.0.0:4000\n"));
        check("a: ${env.NONE:-x}", Ok("a: x"));
        check("a: \"${env.SECRET}\"", Ok("a: \"a: \\\"b\\\" #c\""));
        check("a: '${env.SECRET}'", Ok("a: 'a: \"b\" #c'"));
        check("a: ${env.TOKEN}", Ok("a: t0k"));
        check("a: ${env.TOKEN:-x}", Ok("a: t0k"));
        check("a: ${file.token}", Ok("a: t0k"));
        check("a: $$5 # ${env.NONE}", Ok("a: $5 # ${env.NONE}"));
    }

    #[test]
    fn problems_name_the_line() {
        check("a: 1\nb: ${env.NONE}", Err("line 2: the environment variable NONE is not set"));
        check("a: ${env.SECRET}", Err("put it in double quotes"));
        check("a: ${file.nope}", Err("nope can't be read"));
        check("a: ${env.LOST:-x}", Err("nope can't be read"));
        check("a: ${env.BOTH}", Err("both set"));
        check("a: ${oops}", Err("neither"));
        check("a: ${env.X", Err("no closing"));
    }
}
