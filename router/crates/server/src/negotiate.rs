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

/// The media type of an answer that is a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamMedia {
    /// `text/event-stream`.
    Sse,
    /// `multipart/mixed`, with a part for each event.
    Multipart,
}

/// How an answer in parts is sent (`@defer`, `@stream`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartsMedia {
    /// `text/event-stream`, each event a part.
    Sse,
    /// `multipart/mixed; incrementalSpec=v0.2`
    Multipart,
    /// `multipart/mixed; deferSpec=20220824`
    OlderMultipart,
}

/// The media type of a body that is sent bit by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMedia {
    /// Events.
    Events(StreamMedia),
    /// The parts of one answer.
    Parts(PartsMedia),
}

/// What a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// For an answer that is whole.
    pub(crate) whole: Option<Media>,
    /// For an answer that is a stream.
    pub(crate) stream: Option<StreamMedia>,
    /// For an answer in parts.
    pub(crate) parts: Option<PartsMedia>,
    /// Whether it likes a stream better, also for an answer that is whole.
    pub(crate) prefers_stream: bool,
}

impl Accepted {
    const JSON: Self = Self { whole: Some(Media::Json), stream: None, parts: None, prefers_stream: false };

    /// The media type of an answer that is whole, for a client that likes a stream better or takes nothing else.
    pub(crate) fn only_streams(self) -> Option<ResponseMedia> {
        match (self.whole, self.stream, self.parts) {
            (_, Some(stream), _) if self.prefers_stream => Some(ResponseMedia::Events(stream)),
            (None, None, Some(parts)) => Some(ResponseMedia::Parts(parts)),
            _ => None,
        }
    }

    /// Whether it takes nothing that there is.
    pub(crate) fn is_nothing(self) -> bool {
        self.whole.is_none() && self.stream.is_none() && self.parts.is_none()
    }
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

/// The media types that the client likes best of those there are.
pub(crate) fn accepted(headers: &HeaderMap) -> Accepted {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    match values.peek().map(|value| value.as_bytes()) {
        None | Some(b"application/json" | b"*/*" | b"") => return Accepted::JSON,
        _ => {}
    }
    let ranges =
        || headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let json = quality(ranges(), "application/json");
    let response = quality(ranges(), RESPONSE_JSON);
    let named = || ranges().any(|range| essence(range).eq_ignore_ascii_case(RESPONSE_JSON));
    let whole = match (json > 0, response > 0) {
        (false, false) => None,
        // The newer type only for those who know it.
        (true, true) if response > json || (response == json && named()) => Some(Media::GraphQLResponse),
        (true, _) => Some(Media::Json),
        (false, true) => Some(Media::GraphQLResponse),
    };
    let (sse, multipart) = ranges().map(stream_quality).fold((0, 0), |best, of| (best.0.max(of.0), best.1.max(of.1)));
    let stream = match (sse, multipart) {
        (0, 0) => None,
        _ if sse >= multipart => Some(StreamMedia::Sse),
        _ => Some(StreamMedia::Multipart),
    };
    // Of two that it likes as well, the one that comes first.
    let best = |best: Option<(PartsMedia, u16)>, of: (PartsMedia, u16)| match best {
        Some(best) if best.1 >= of.1 => Some(best),
        _ => Some(of),
    };
    let parts = ranges().filter_map(parts_media).fold(None, best).map(|(media, _)| media);
    Accepted { whole, stream, parts, prefers_stream: sse.max(multipart) > json.max(response) }
}

/// The quality that a range gives to server-sent events and to parts. Streams are for those who name them: `*/*` is of old clients too.
fn stream_quality(range: &str) -> (u16, u16) {
    let essence = essence(range);
    if essence.eq_ignore_ascii_case("text/event-stream") {
        return (weight(range), 0);
    }
    if !essence.eq_ignore_ascii_case("multipart/mixed") {
        return (0, 0);
    }
    let is_subscription = |(name, value): (&str, &str)| name.eq_ignore_ascii_case("subscriptionSpec") && value == "1.0";
    // Parts may be of another specification, which says so.
    let is_other = |(name, _): (&str, &str)| name.to_ascii_lowercase().ends_with("spec");
    let fits = parameters(range).any(is_subscription) || !parameters(range).any(is_other);
    (0, if fits { weight(range) } else { 0 })
}

/// The medium of parts that a range names, and its quality.
fn parts_media(range: &str) -> Option<(PartsMedia, u16)> {
    let essence = essence(range);
    let media = if essence.eq_ignore_ascii_case("text/event-stream") {
        PartsMedia::Sse
    } else if essence.eq_ignore_ascii_case("multipart/mixed") {
        let spec = parameters(range).find(|(name, _)| name.to_ascii_lowercase().ends_with("spec"));
        match spec {
            None => PartsMedia::Multipart,
            Some((name, "v0.2")) if name.eq_ignore_ascii_case("incrementalSpec") => PartsMedia::Multipart,
            Some((name, "20220824")) if name.eq_ignore_ascii_case("deferSpec") => PartsMedia::OlderMultipart,
            Some(_) => return None,
        }
    } else {
        return None;
    };
    Some((media, weight(range))).filter(|(_, weight)| *weight > 0)
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
    /// `multipart/form-data`, for files.
    Multipart,
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
        Ok(text) if essence(text).eq_ignore_ascii_case("multipart/form-data") => BodyType::Multipart,
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
        assert_eq!(accepted(&headers).whole, expected, "{accept}");
    }

    fn check_stream(accept: &'static str, expected: Option<StreamMedia>, prefers_stream: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let found = accepted(&headers);
        assert_eq!((found.stream, found.prefers_stream), (expected, prefers_stream), "{accept}");
    }

    #[test]
    fn streams() {
        use StreamMedia::{Multipart, Sse};
        assert_eq!(accepted(&HeaderMap::new()).stream, None);
        check_stream("*/*", None, false);
        check_stream("text/*", None, false);
        check_stream("text/event-stream", Some(Sse), true);
        check_stream("Text/Event-Stream, application/json", Some(Sse), false);
        check_stream("text/event-stream, application/json;q=0.5", Some(Sse), true);
        check_stream("text/event-stream;q=0, application/json", None, false);
        check_stream(
            "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json",
            Some(Multipart),
            false,
        );
        check_stream("multipart/mixed; subscriptionSpec=\"1.0\"", Some(Multipart), true);
        check_stream("multipart/mixed; subscriptionSpec=2.0, application/json", None, false);
        check_stream("multipart/mixed; deferSpec=20220824, application/json", None, false);
        check_stream("application/json, text/event-stream, multipart/mixed", Some(Sse), false);
        check_stream("text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0", Some(Multipart), true);
    }

    fn check_parts(accept: &'static str, expected: Option<PartsMedia>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        assert_eq!(accepted(&headers).parts, expected, "{accept}");
    }

    #[test]
    fn parts() {
        use PartsMedia::{Multipart, OlderMultipart, Sse};
        assert_eq!(accepted(&HeaderMap::new()).parts, None);
        check_parts("application/json, */*", None);
        check_parts("multipart/mixed;incrementalSpec=v0.2, application/json;q=0.9", Some(Multipart));
        check_parts("multipart/mixed; deferSpec=20220824, application/json", Some(OlderMultipart));
        check_parts("multipart/mixed; deferSpec=\"20220824\"", Some(OlderMultipart));
        check_parts("multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2", Some(OlderMultipart));
        check_parts("multipart/mixed;deferSpec=20220824;q=0.5, multipart/mixed;incrementalSpec=v0.2", Some(Multipart));
        check_parts("multipart/mixed; incrementalSpec=v9", None);
        check_parts("multipart/mixed; subscriptionSpec=1.0, application/json", None);
        check_parts("multipart/mixed;incrementalSpec=v0.2;q=0, application/json", None);
        check_parts("application/json, text/event-stream, multipart/mixed", Some(Sse));
        check_parts("multipart/mixed, application/json", Some(Multipart));
    }

    #[test]
    fn answers() {
        assert_eq!(accepted(&HeaderMap::new()), Accepted::JSON);
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
        assert_eq!(of("Multipart/Form-Data; boundary=a"), BodyType::Multipart);
    }
}
