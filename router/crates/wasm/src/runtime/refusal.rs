//! What a hook refuses a request with, as the plugin's refusal. Knows no call.

use braid_plugin::{Refused, StatusCode, given};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::runtime::bindings::types::Refusal;

/// The code of a request that is refused because a hook failed.
pub(crate) const FAILED: &str = "WASM_HOOK_FAILED";

/// The code of an error that a hook gives none.
const REFUSED: &str = "WASM_HOOK_REFUSED";

/// A hook that failed.
pub(crate) fn failed() -> Refused {
    let message = "Code that takes part in requests failed; try again in a moment.";
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, FAILED, message)
}

/// A status that a client can be sent.
pub(crate) fn status(code: u16) -> Result<StatusCode, String> {
    given::status(code).ok_or_else(|| format!("{code} is not a status from 200 to 599"))
}

/// A header that can be sent.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    Ok((given::header_name(name)?, given::header_value(name, value)?))
}

/// A refusal of a hook. The error says why it can't be used.
pub(crate) fn refused(refusal: Refusal) -> Result<Refused, String> {
    let Refusal { status: code, code: error, message, headers, body } = refusal;
    let status = status(code)?;
    let mut refused = match body {
        Some(body) => Refused::with_body(status, Bytes::from(body))
            .map_err(|error| format!("its body is no GraphQL response: {error}"))?,
        None => Refused::new(status, if error.is_empty() { REFUSED } else { &error }, message),
    };
    let mut given = HeaderMap::new();
    for (name, value) in &headers {
        let (name, value) = header(name, value)?;
        given.try_append(name, value).map_err(|_| "it has too many headers".to_owned())?;
    }
    given.remove(header::CONTENT_TYPE);
    refused.headers = given;
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str, body: Option<&str>) -> Refusal {
        let headers = vec![("x-why".to_owned(), "no".to_owned()), ("content-type".to_owned(), "a/b".to_owned())];
        Refusal { status, code: code.to_owned(), message: "No.".to_owned(), headers, body: body.map(str::to_owned) }
    }

    #[test]
    fn refusals_are_read() {
        let found = refused(refusal(403, "", None)).unwrap();
        assert_eq!((found.status.as_u16(), found.headers.len()), (403, 1));
        assert_eq!(found.body(), r#"{"errors":[{"message":"No.","extensions":{"code":"WASM_HOOK_REFUSED"}}]}"#);
        assert_eq!(refused(refusal(403, "MINE", None)).unwrap().errors[0].extensions["code"], "MINE");
        let whole = refused(refusal(200, "", Some(r#"{"data":{"a":1}}"#))).unwrap();
        assert_eq!(whole.body(), r#"{"data":{"a":1}}"#);
        assert!(refused(refusal(99, "", None)).unwrap_err().contains("200 to 599"));
        assert!(refused(refusal(200, "", Some("[1]"))).unwrap_err().contains("no GraphQL response"));
        assert!(header("a b", "c").unwrap_err().contains("not a header name"));
        assert!(header("a", "\n").unwrap_err().contains("can't be sent"));
    }
}
