//! Answers that a client has already (RFC 9110 §13): an entity tag for each that may be kept, and 304 for who has the same. Knows no GraphQL.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};

use braid_request_context::cache_control::CacheControl;
use xxhash_rust::xxh3::xxh3_128;

/// Adds the entity tag of a body to its headers, where it may be kept, and says whether the client has it.
///
/// The tag is a weak one, since it is that of the body before it is compressed.
pub(crate) fn is_known(
    method: &Method,
    status: StatusCode,
    request: &HeaderMap,
    body: &[u8],
    out: &mut HeaderMap,
) -> bool {
    if *method != Method::GET || status != StatusCode::OK || !may_be_kept(out) {
        return false;
    }
    let tag = format!("\"{:032x}\"", xxh3_128(body));
    let Ok(value) = HeaderValue::try_from(format!("W/{tag}")) else { return false };
    out.insert(ETAG, value);
    let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // No tag of ours has a comma.
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    let is_known = known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    if is_known {
        // It is about the body (RFC 9110 §15.4.5).
        out.remove(CONTENT_TYPE);
    }
    is_known
}

fn may_be_kept(headers: &HeaderMap) -> bool {
    headers.contains_key(CACHE_CONTROL) && !CacheControl::parse(headers.get_all(CACHE_CONTROL)).no_store
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use super::*;

    fn check(method: Method, control: &'static str, known: &[&str], expected: bool) {
        let mut request = HeaderMap::new();
        for known in known {
            request.append(IF_NONE_MATCH, HeaderValue::try_from(*known).unwrap());
        }
        let mut out = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(control))]);
        assert_eq!(is_known(&method, StatusCode::OK, &request, b"{}", &mut out), expected, "{control} {request:?}");
    }

    #[test]
    fn who_has_the_same_body_is_told() {
        let own = format!("\"{:032x}\"", xxh3_128(b"{}"));
        let weak = format!("W/{own}");
        let public = "max-age=60, public";
        check(Method::GET, public, &[], false);
        check(Method::GET, public, &["*"], true);
        check(Method::GET, public, &[&weak], true);
        check(Method::GET, public, &[&own], true);
        check(Method::GET, public, &["\"a\"", &format!("W/\"b\" , {weak}")], true);
        check(Method::GET, public, &["\"a\", W/\"b\""], false);
        check(Method::GET, "max-age=60, private", &[&weak], true);
        check(Method::GET, "no-store", &["*"], false);
        check(Method::POST, public, &["*"], false);
    }
}
