//! Ids of persisted operations in URLs: in the path, or in a parameter that the configuration names. Knows no operation.

use std::borrow::Cow;

use braid_persisted_operations::config::IdsConfig;
use http::Uri;
use percent_encoding::percent_decode_str;

/// Where ids can be in a URL.
#[derive(Debug, Default)]
pub(crate) struct UrlIds {
    /// What comes before and after the id in a path.
    path: Option<(String, String)>,
    parameter: Option<String>,
}

impl UrlIds {
    pub(crate) fn new(config: &IdsConfig) -> Self {
        let path = config.path.as_ref().and_then(|path| path.split_once("{id}"));
        let path = path.map(|(before, after)| (before.to_owned(), after.to_owned()));
        Self { path, parameter: config.query_parameter.clone() }
    }

    /// Whether a path is one with an id.
    pub(crate) fn is_path(&self, path: &str) -> bool {
        self.in_path(path).is_some()
    }

    /// The id that a URL has.
    pub(crate) fn of(&self, uri: &Uri) -> Option<String> {
        if let Some(id) = self.in_path(uri.path()) {
            return Some(percent_decode_str(id).decode_utf8_lossy().into_owned());
        }
        let parameter = self.parameter.as_ref()?;
        let mut parameters = url::form_urlencoded::parse(uri.query()?.as_bytes());
        let found = parameters.find(|(name, value)| name == parameter && !value.is_empty());
        found.map(|(_, value): (_, Cow<'_, str>)| value.into_owned())
    }

    fn in_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (before, after) = self.path.as_ref()?;
        let id = path.strip_prefix(before)?.strip_suffix(after)?;
        (!id.is_empty() && !id.contains('/')).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found() {
        let ids = UrlIds::new(&IdsConfig {
            path: Some("/graphql/{id}/run".to_owned()),
            query_parameter: Some("hash".to_owned()),
        });
        for (uri, expected) in [
            ("/graphql/abc/run", Some("abc")),
            ("/graphql/sha256%3Aabc/run?hash=x", Some("sha256:abc")),
            ("/graphql?a=b&hash=x%20y", Some("x y")),
            ("/graphql?hash=", None),
            ("/graphql//run", None),
            ("/graphql/a/b/run", None),
            ("/graphql", None),
        ] {
            assert_eq!(ids.of(&uri.parse().unwrap()).as_deref(), expected, "{uri}");
        }
        assert!(ids.is_path("/graphql/abc/run") && !ids.is_path("/graphql/abc"));
        assert_eq!(UrlIds::default().of(&"/graphql/abc/run?hash=x".parse().unwrap()), None);
    }
}
