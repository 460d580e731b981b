//! `${env.NAME}`, `${env.NAME:-default}` and `${file.path}` in configuration text. Knows nothing of what is configured.
//!
//! Values are put in as text before the YAML is read, so that `${env.PORT}` can be a number. A value never changes the
//! structure: inside quotes it is escaped, and outside of them one that YAML could read as more than a word is refused.
//! `$$` stands for a dollar sign; comments are left alone.

use std::path::Path;

/// Where values come from; a test has its own.
pub trait Values {
    /// The environment variable of this name.
    fn env(&self, name: &str) -> Option<String>;
    /// The content of a file.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// The process's environment, and files relative to a folder.
#[derive(Debug)]
pub struct Process<'a>(pub &'a Path);

impl Values for Process<'_> {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// A `${…}` that could not be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ExpandError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// The text with all `${…}` replaced.
pub fn expand(text: &str, values: &impl Values) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        expand_line(line, values, &mut out).map_err(|message| ExpandError { line: index + 1, message })?;
    }
    Ok(out)
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

fn expand_line(line: &str, values: &impl Values, out: &mut String) -> Result<(), String> {
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
                let end = rest.find('}').ok_or("\"${\" is never closed by \"}\"")?;
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

fn toggled(quote: Quote, by: Quote) -> Quote {
    match quote {
        Quote::None => by,
        same if same == by => Quote::None,
        other => other,
    }
}

fn value(expression: &str, values: &impl Values) -> Result<String, String> {
    if let Some(variable) = expression.strip_prefix("env.") {
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        return values.env(name).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
            format!(
                "the environment variable {name} is not set; set it, or give a default as in ${{env.{name}:-value}}"
            )
        });
    }
    if let Some(path) = expression.strip_prefix("file.") {
        let content = values.file(path).map_err(|error| format!("the file {path} can't be read: {error}"))?;
        return Ok(content.trim_end_matches(['\n', '\r']).to_owned());
    }
    Err(format!("\"${{{expression}}}\" is neither ${{env.NAME}} nor ${{file.path}}; write $$ for a dollar sign"))
}

fn quoted(value: &str, quote: Quote, expression: &str) -> Result<String, String> {
    match quote {
        Quote::Double => {
            let json = serde_json::to_string(value).map_err(|error| error.to_string())?;
            Ok(json[1..json.len() - 1].to_owned())
        }
        Quote::Single if !value.contains('\n') => Ok(value.replace('\'', "''")),
        Quote::None if is_word(value) => Ok(value.to_owned()),
        _ => Err(format!(
            "the value of ${{{expression}}} has characters that mean something in YAML; put it in double quotes: \"${{{expression}}}\""
        )),
    }
}

/// Whether YAML reads the text as one plain scalar wherever it stands.
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
                "SECRET" => Some("a: \"b\" #c".to_owned()),
                _ => None,
            }
        }

        fn file(&self, path: &str) -> Result<String, String> {
            if path == "token" { Ok("t0k\n".to_owned()) } else { Err("no such file".to_owned()) }
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
    fn values_are_put_in() {
        check("listen: 0.0.0.0:${env.PORT}\n", Ok("listen: 0.0.0.0:4000\n"));
        check("a: ${env.NONE:-x}", Ok("a: x"));
        check("a: \"${env.SECRET}\"", Ok("a: \"a: \\\"b\\\" #c\""));
        check("a: '${env.SECRET}'", Ok("a: 'a: \"b\" #c'"));
        check("a: ${file.token}", Ok("a: t0k"));
        check("a: $$5 # ${env.NONE}", Ok("a: $5 # ${env.NONE}"));
    }

    #[test]
    fn problems_name_the_line() {
        check("a: 1\nb: ${env.NONE}", Err("line 2: the environment variable NONE is not set"));
        check("a: ${env.SECRET}", Err("put it in double quotes"));
        check("a: ${file.nope}", Err("nope can't be read"));
        check("a: ${oops}", Err("neither"));
        check("a: ${env.X", Err("never closed"));
    }
}
