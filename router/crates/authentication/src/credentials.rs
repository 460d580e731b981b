//! Where a request's credentials are: a header with a prefix, a cookie, or what a WebSocket begins with. Finds them; does not judge them.

use http::header::{COOKIE, HeaderMap, HeaderName};
use serde_json::{Map, Value};

use crate::config::{ApiKeysConfig, TokenSource};
use crate::error::AuthenticationError;

/// A place where credentials can be.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    location: Location,
}

/// What is found in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Token,
    ApiKey,
}

#[derive(Debug)]
enum Location {
    Header { name: HeaderName, prefix: String, ignore_other_prefixes: bool },
    Cookie(String),
    ConnectionInit { name: String, prefix: String },
}

/// What a client sends that may have credentials in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) headers: &'a HeaderMap,
    /// The payload of `connection_init`.
    pub(crate) init: Option<&'a Map<String, Value>>,
}

/// What a place has.
enum Content<'a> {
    Nothing,
    Credentials(&'a str),
    /// A header with another prefix.
    OtherPrefix,
}

/// The first credentials in these places.
pub(crate) fn find<'a>(places: &[Place], given: Given<'a>) -> Result<Option<(Kind, &'a str)>, AuthenticationError> {
    let mut other = false;
    for place in places {
        match place.location.content(given)? {
            Content::Nothing => {}
            Content::Credentials(credentials) => return Ok(Some((place.kind, credentials))),
            Content::OtherPrefix => other = true,
        }
    }
    // Another place may be the same header with this prefix, so that this shows only at the end.
    if other { Err(AuthenticationError::UnknownScheme) } else { Ok(None) }
}

impl Place {
    /// A place of tokens.
    pub(crate) fn of_tokens(source: &TokenSource) -> Result<Self, String> {
        let location = match source {
            TokenSource::Header { name, prefix, ignore_other_prefixes } => Location::Header {
                name: header(name)?,
                prefix: prefix.trim().to_owned(),
                ignore_other_prefixes: *ignore_other_prefixes,
            },
            TokenSource::Cookie { name } if is_cookie_name(name) => Location::Cookie(name.clone()),
            TokenSource::Cookie { name } => return Err(format!("\"{name}\" is not the name of a cookie")),
            TokenSource::ConnectionInit { name, prefix } => {
                Location::ConnectionInit { name: name.clone(), prefix: prefix.trim().to_owned() }
            }
        };
        Ok(Self { kind: Kind::Token, location })
    }

    /// The places of API keys.
    pub(crate) fn of_api_keys(config: &ApiKeysConfig) -> Result<[Self; 2], String> {
        let (name, prefix) = (header(&config.header)?, config.prefix.trim().to_owned());
        let member = Location::ConnectionInit { name: name.to_string(), prefix: prefix.clone() };
        let header = Location::Header { name, prefix, ignore_other_prefixes: false };
        Ok([header, member].map(|location| Self { kind: Kind::ApiKey, location }))
    }
}

impl Location {
    fn content<'a>(&self, given: Given<'a>) -> Result<Content<'a>, AuthenticationError> {
        match self {
            Self::Header { name, prefix, ignore_other_prefixes } => {
                let mut values = given.headers.get_all(name).iter();
                let Some(value) = values.next() else { return Ok(Content::Nothing) };
                if values.next().is_some() {
                    return Err(AuthenticationError::Ambiguous);
                }
                let text = value.to_str().map_err(|_| AuthenticationError::Malformed)?.trim();
                Ok(match without_prefix(text, prefix) {
                    Some(credentials) => Content::Credentials(credentials),
                    None if *ignore_other_prefixes => Content::Nothing,
                    None => Content::OtherPrefix,
                })
            }
            Self::Cookie(name) => cookie(given.headers, name),
            Self::ConnectionInit { name, prefix } => match given.init {
                Some(payload) => member(payload, name, prefix),
                None => Ok(Content::Nothing),
            },
        }
    }
}

/// A member of the payload, or of its `headers`. Clients write names as they like, so that one can be there twice.
fn member<'a>(payload: &'a Map<String, Value>, name: &str, prefix: &str) -> Result<Content<'a>, AuthenticationError> {
    let headers = payload.get("headers").and_then(Value::as_object);
    let members = payload.iter().chain(headers.into_iter().flatten());
    let mut values = members.filter(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null());
    let Some((_, value)) = values.next() else { return Ok(Content::Nothing) };
    if values.next().is_some() {
        return Err(AuthenticationError::Ambiguous);
    }
    let text = value.as_str().ok_or(AuthenticationError::Malformed)?.trim();
    Ok(without_prefix(text, prefix).map_or(Content::OtherPrefix, Content::Credentials))
}

/// Schemes are compared without regard to case (RFC 9110 §11.1).
fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(text);
    }
    let (scheme, rest) = text.split_at_checked(prefix.len())?;
    let is_prefix = scheme.eq_ignore_ascii_case(prefix) && (rest.is_empty() || rest.starts_with(' '));
    is_prefix.then_some(rest.trim_start())
}

/// A cookie that is there twice may have been set by another site of the domain.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Content<'a>, AuthenticationError> {
    let mut found = Content::Nothing;
    for header in headers.get_all(COOKIE) {
        // A cookie that is not ours may have any bytes.
        for pair in header.as_bytes().split(|byte| *byte == b';') {
            let Some(value) = pair.trim_ascii().strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
            else {
                continue;
            };
            if !matches!(found, Content::Nothing) {
                return Err(AuthenticationError::Ambiguous);
            }
            let text = std::str::from_utf8(value).map_err(|_| AuthenticationError::Malformed)?;
            let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
            found = Content::Credentials(unquoted);
        }
    }
    Ok(found)
}

fn header(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("\"{name}\" is not the name of a header"))
}

/// RFC 6265 §4.1.1.
fn is_cookie_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn places(api_key_prefix: &str) -> Vec<Place> {
        let tokens = |source| Place::of_tokens(&source).unwrap();
        let keys = ApiKeysConfig { header: "authorization".to_owned(), prefix: api_key_prefix.to_owned(), file: None };
        let header = |name: &str, prefix: &str, ignore_other_prefixes| {
            tokens(TokenSource::Header { name: name.to_owned(), prefix: prefix.to_owned(), ignore_other_prefixes })
        };
        let mut places = vec![
            header("authorization", "Bearer", false),
            header("x-token", "", false),
            header("x-other", "Token", true),
            tokens(TokenSource::Cookie { name: "session".to_owned() }),
        ];
        places.extend(Place::of_api_keys(&keys).unwrap());
        places
    }

    fn check(headers: &[(&'static str, &'static str)], expected: Result<Option<(Kind, &str)>, AuthenticationError>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let given = Given { headers: &map, init: None };
        assert_eq!(find(&places("ApiKey"), given), expected, "{headers:?}");
    }

    fn check_init(payload: &Value, expected: Result<Option<&str>, AuthenticationError>) {
        let source = TokenSource::ConnectionInit { name: "Authorization".to_owned(), prefix: "Bearer".to_owned() };
        let places = [Place::of_tokens(&source).unwrap()];
        let headers = HeaderMap::new();
        let found = find(&places, Given { headers: &headers, init: payload.as_object() });
        assert_eq!(found, expected.map(|text| text.map(|text| (Kind::Token, text))), "{payload}");
    }

    #[test]
    fn a_socket_begins_with_an_api_key() {
        let payload = serde_json::json!({ "X-Api-Key": "k" });
        let given = Given { headers: &HeaderMap::new(), init: payload.as_object() };
        let places = Place::of_api_keys(&ApiKeysConfig::default()).unwrap();
        assert_eq!(find(&places, given), Ok(Some((Kind::ApiKey, "k"))));
    }

    #[test]
    fn a_socket_begins_with_credentials() {
        use AuthenticationError::{Ambiguous, Malformed, UnknownScheme};
        use serde_json::json;
        check_init(&json!(null), Ok(None));
        check_init(&json!({ "a": 1, "headers": 1 }), Ok(None));
        check_init(&json!({ "Authorization": null }), Ok(None));
        check_init(&json!({ "authorization": "Bearer a" }), Ok(Some("a")));
        check_init(&json!({ "headers": { "Authorization": "bearer  a " } }), Ok(Some("a")));
        check_init(&json!({ "Authorization": "a" }), Err(UnknownScheme));
        check_init(&json!({ "Authorization": ["Bearer a"] }), Err(Malformed));
        check_init(&json!({ "Authorization": "Bearer a", "authorization": "Bearer b" }), Err(Ambiguous));
        check_init(&json!({ "Authorization": "Bearer a", "headers": { "authorization": "Bearer b" } }), Err(Ambiguous));
    }

    #[test]
    fn credentials_are_found_in_order() {
        use Kind::{ApiKey, Token};
        check(&[], Ok(None));
        check(&[("authorization", "Bearer a.b.c")], Ok(Some((Token, "a.b.c"))));
        check(&[("authorization", "bEARER   a ")], Ok(Some((Token, "a"))));
        check(&[("authorization", "Bearer"), ("x-token", "b")], Ok(Some((Token, ""))));
        check(&[("x-token", "Bearer b"), ("cookie", "session=c")], Ok(Some((Token, "Bearer b"))));
        check(&[("authorization", "apikey k")], Ok(Some((ApiKey, "k"))));
        check(&[("x-other", "Basic eDp5")], Ok(None));
        check(&[("cookie", "a=b; session=c"), ("cookie", "d=e")], Ok(Some((Token, "c"))));
        check(&[("cookie", "xsession=a; session=\"c\"")], Ok(Some((Token, "c"))));
        check(&[("cookie", "sessions=a")], Ok(None));
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        use AuthenticationError::{Ambiguous, UnknownScheme};
        check(&[("authorization", "Basic eDp5")], Err(UnknownScheme));
        check(&[("authorization", "Bearerx a")], Err(UnknownScheme));
        check(&[("authorization", "a.b.c")], Err(UnknownScheme));
        check(&[("authorization", "Bearer a"), ("authorization", "Bearer b")], Err(Ambiguous));
        check(&[("cookie", "session=a; session=b")], Err(Ambiguous));
        check(&[("cookie", "session=a"), ("cookie", "session=b")], Err(Ambiguous));
    }
}
