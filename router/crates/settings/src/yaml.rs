//! Parses YAML into typed values. Knows no file.

use std::borrow::Cow;

use serde::Deserialize;

/// Why a text is not the YAML that is expected: the location, an excerpt, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}{}", advice(meant.as_deref()))]
pub struct YamlError {
    /// What is wrong, with the line and an excerpt.
    pub problem: String,
    /// For an unknown key or value: the known one that was probably meant.
    pub meant: Option<String>,
}

fn advice(meant: Option<&str>) -> String {
    meant.map(|meant| format!("\nDid you mean \"{meant}\"?")).unwrap_or_default()
}

/// Parses YAML.
pub fn from_yaml<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, YamlError> {
    serde_saphyr::from_str(text).map_err(|error| YamlError {
        problem: error.render_with_formatter(&Plain),
        meant: suggestion(&error).map(str::to_owned),
    })
}

/// Whether there is nothing in a YAML text but blanks and comments: that is no empty map, but means one.
pub fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Replaces messages of the library that are written for programmers.
struct Plain;

impl serde_saphyr::MessageFormatter for Plain {
    fn format_message<'a>(&self, error: &'a serde_saphyr::Error) -> Cow<'a, str> {
        match error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                Cow::Owned(format!("\"{key}\" is given twice; remove or rename one of them"))
            }
            serde_saphyr::Error::WithSnippet { error, .. } => self.format_message(error),
            other => serde_saphyr::DefaultMessageFormatter.format_message(other),
        }
    }
}

/// For an unknown key or value, the most similar known one, unless none is similar.
fn suggestion(error: &serde_saphyr::Error) -> Option<&'static str> {
    let (given, known) = match error {
        serde_saphyr::Error::WithSnippet { error, .. } => return suggestion(error),
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => (field, expected),
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => (variant, expected),
        _ => return None,
    };
    let given = given.to_lowercase();
    let nearest = known.iter().map(|name| (distance(&given, &name.to_lowercase()), *name)).min();
    nearest.filter(|(distance, _)| *distance <= given.chars().count() * 2 / 5 + 1).map(|(_, name)| name)
}

/// The number of edits between two texts (Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Settings {
        listen: Option<String>,
        level: Option<Level>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        Quiet,
        Loud,
    }

    fn check(yaml: &str, meant: Option<&str>, shown: &str) {
        let error = from_yaml::<Settings>(yaml).unwrap_err();
        assert_eq!(error.meant.as_deref(), meant);
        assert!(error.to_string().contains(shown), "{error}");
    }

    #[test]
    fn errors_have_the_location_and_what_was_meant() {
        check("lissten: x\n", Some("listen"), "Did you mean \"listen\"?");
        check("\nlevel: lout\n", Some("loud"), "line 2");
        check("zzz: x\n", None, "unknown field `zzz`");
        check("listen: a\nlisten: b\n", None, "\"listen\" is given twice");
    }
}
