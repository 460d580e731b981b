//! Content negotiation: which media type an answer has, and whether a body is JSON
//! (<https://graphql.github.io/graphql-over-http/draft/>). Knows no GraphQL.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

/// The media type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`: a well-formed request is answered 200 whatever came of it.
    Json,
    /// `application/graphql-response+json`: the status tells.
    GraphQLResponse,
}

const RESPONSE_JSON: &str = "application/graphql-response+json";

impl Media {
    pub(crate) fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json; charset=utf-8"),
            Self::GraphQLResponse => HeaderValue::from_static("application/graphql-response+json; charset=utf-8"),
        }
    }

    /// The status of a well-formed request that was not executed.
    pub(crate) fn refused(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphQLResponse => StatusCode::BAD_REQUEST,
        }
    }
}

/// The media type that the client likes best of those there are; `None` when it takes neither.
pub(crate) fn accepted(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    match values.peek().map(|value| value.as_bytes()) {
        None | Some(b"application/json" | b"*/*" | b"") => return Some(Media::Json),
        _ => {}
    }
    let ranges =
        || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let json = quality(ranges(), "application/json");
    let response = quality(ranges(), RESPONSE_JSON);
    let named = ranges().any(|range| essence(range).eq_ignore_ascii_case(RESPONSE_JSON));
    match (json > 0, response > 0) {
        (false, false) => None,
        // The newer type only for those who know it.
        (true, true) if response > json || (response == json && named) => Some(Media::GraphQLResponse),
        (true, _) => Some(Media::Json),
        (false, true) => Some(Media::GraphQLResponse),
    }
}

/// The quality, in thousandths, that the most specific range gives a type (RFC 9110 §12.5.1).
fn quality<'a>(ranges: impl Iterator<Item = &'a str>, media: &str) -> u16 {
    let mut best = (0, 0);
    for range in ranges {
        let specificity = match essence(range) {
            exact if exact.eq_ignore_ascii_case(media) => 3,
            "application/*" => 2,
            "*/*" => 1,
            _ => continue,
        };
        if !charset_is_utf8(range) {
            continue;
        }
        if specificity >= best.0 {
            best = (specificity, weight(range));
        }
    }
    best.1
}

fn essence(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

fn parameters(range: &str) -> impl Iterator<Item = (&str, &str)> {
    range.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"')))
    })
}

fn charset_is_utf8(range: &str) -> bool {
    let utf8 = |value: &str| ["utf-8", "utf8"].iter().any(|name| value.eq_ignore_ascii_case(name));
    parameters(range).all(|(name, value)| !name.eq_ignore_ascii_case("charset") || utf8(value))
}

fn weight(range: &str) -> u16 {
    let given = parameters(range).find(|(name, _)| name.eq_ignore_ascii_case("q"));
    let quality = given.map_or(1.0, |(_, value)| value.parse::<f32>().unwrap_or(0.0));
    (quality.clamp(0.0, 1.0) * 1000.0) as u16
}

/// Whether the client is a browser that was pointed at an address.
pub(crate) fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let accepts_html = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    matches!(*method, Method::GET | Method::HEAD) && headers.get_all(ACCEPT).iter().any(accepts_html)
}

/// What a request says of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyType {
    /// Nothing.
    Unknown,
    /// JSON in UTF-8.
    Json,
    /// Something else.
    Other,
}

pub(crate) fn body_type(headers: &HeaderMap) -> BodyType {
    let Some(value) = headers.get(CONTENT_TYPE) else { return BodyType::Unknown };
    if value.as_bytes() == b"application/json" {
        return BodyType::Json;
    }
    match value.to_str() {
        Ok(text) if is_json(essence(text)) && charset_is_utf8(text) => BodyType::Json,
        _ => BodyType::Other,
    }
}

fn is_json(essence: &str) -> bool {
    essence.eq_ignore_ascii_case("application/json") || essence.eq_ignore_ascii_case("application/graphql+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &'static str, expected: Option<Media>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        assert_eq!(accepted(&headers), expected, "{accept}");
    }

    #[test]
    fn answers() {
        assert_eq!(accepted(&HeaderMap::new()), Some(Media::Json));
        check("*/*", Some(Media::Json));
        check("application/json", Some(Media::Json));
        check("application/*;q=0.5", Some(Media::Json));
        check("application/json; charset=utf-8", Some(Media::Json));
        check("application/graphql-response+json", Some(Media::GraphQLResponse));
        check("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphQLResponse));
        check("application/json, application/graphql-response+json", Some(Media::GraphQLResponse));
        check("application/graphql-response+json;q=0.5, application/json", Some(Media::Json));
        check("application/graphql-response+json;q=0, */*", Some(Media::Json));
        check("text/html, */*;q=0.1", Some(Media::Json));
        check("text/html", None);
        check("application/json;q=0", None);
        check("application/json; charset=utf-16", None);
    }

    #[test]
    fn bodies() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            body_type(&headers)
        };
        assert_eq!(body_type(&HeaderMap::new()), BodyType::Unknown);
        assert_eq!(of("Application/JSON; charset=\"UTF-8\""), BodyType::Json);
        assert_eq!(of("application/json; charset=latin1"), BodyType::Other);
        assert_eq!(of("text/plain"), BodyType::Other);
    }
}
