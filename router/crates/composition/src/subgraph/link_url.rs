//! The URL of a `@link`: which specification it names, in which version. Knows no directive.

use crate::diagnostic::excerpt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// `https://host/path/name/vX.Y` → (`https://host/path/name`, X.Y); or what is wrong, and what to write instead where that is known.
pub(super) fn read_url(text: &str) -> Result<(String, Version), (String, Option<String>)> {
    // Without a scheme it is a custom name: no host to skip.
    let after_scheme = match text.split_once("://") {
        Some((_, rest)) => rest.to_string(),
        None => format!("/{text}"),
    };
    let without_query = text.split(['?', '#']).next().unwrap_or(text);
    let path = after_scheme.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.len() > 2 && segments.last() == Some(&"") {
        let replacement = without_query.trim_end_matches('/').to_string();
        return Err((
            format!("The URL \"{}\" of this @link ends without a version.", excerpt(text)),
            Some(replacement),
        ));
    }
    if segments.len() == 2 && segments.last() == Some(&"") {
        segments.pop();
    }
    let segments = segments.get(1..).unwrap_or_default();
    let (Some(last), trimmed) = (segments.last(), without_query.trim_end_matches('/')) else {
        return Err((format!("The URL \"{}\" of this @link has neither a name nor a version.", excerpt(text)), None));
    };
    let Some(version) = read_version(last) else {
        let replacement = partial_version(last)
            .and_then(|version| Some(format!("{}/{version}", trimmed.strip_suffix(last)?.trim_end_matches('/'))));
        return Err((
            format!("The URL of this @link ends in \"{}\", where a version such as v1.0 should be.", excerpt(last)),
            replacement,
        ));
    };
    let identity = trimmed.strip_suffix(last).unwrap_or(trimmed).trim_end_matches('/');
    if segments.len() < 2 && text.contains("://") {
        return Err((
            format!("The URL \"{}\" of this @link does not name a specification before the version.", excerpt(text)),
            None,
        ));
    }
    Ok((identity.to_string(), version))
}

/// `v2` → `v2.0`.
fn partial_version(text: &str) -> Option<String> {
    let digits = text.strip_prefix('v')?;
    (!digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())).then(|| format!("v{digits}.0"))
}

fn read_version(text: &str) -> Option<Version> {
    let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
    let number = |s: &str| s.chars().all(|c| c.is_ascii_digit()).then(|| s.parse().ok()).flatten();
    Some(Version { major: number(major)?, minor: number(minor)? })
}
