//! The messages of the protocol: what is sent, and what comes back. Knows no stage and no connection.

use braid_plugin::{Refused, given};
use bytes::Bytes;
use http::header::HeaderMap;
use http::{StatusCode, header};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The version of the protocol.
pub(crate) const VERSION: u32 = 1;

/// What is sent. What is not selected is not there.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message<'a> {
    pub(crate) version: u32,
    pub(crate) stage: &'static str,
    pub(crate) control: &'static str,
    pub(crate) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<IndexMap<&'a str, Vec<&'a str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<SentEntries>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sdl: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subgraph_request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status_code: Option<u16>,
}

/// The entries of a context.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SentEntries {
    #[serde(default)]
    pub(crate) entries: Map<String, Value>,
}

/// What comes back. What is not there stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    version: Option<u32>,
    stage: Option<String>,
    control: Option<Control>,
    headers: Option<IndexMap<String, Values>>,
    pub(crate) body: Option<Box<RawValue>>,
    pub(crate) context: Option<SentEntries>,
    status_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Control {
    Continue,
    Break(u16),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// The headers that can be sent: those whose value is text.
pub(crate) fn headers(headers: &HeaderMap) -> IndexMap<&str, Vec<&str>> {
    let mut out: IndexMap<&str, Vec<&str>> = IndexMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        if let Ok(text) = value.to_str() {
            out.entry(name.as_str()).or_default().push(text);
        }
    }
    out
}

impl Reply {
    /// Reads an answer to a message of this stage. The error says what is wrong with it.
    pub(crate) fn parse(json: &[u8], stage: &str) -> Result<Self, String> {
        let reply: Self = serde_json::from_slice(json).map_err(|error| format!("its answer can't be read: {error}"))?;
        if let Some(version) = reply.version.filter(|version| *version != VERSION) {
            return Err(format!("its answer has the version {version} and not {VERSION}"));
        }
        match &reply.stage {
            Some(other) if other != stage => Err(format!("its answer is for the stage {other}")),
            _ => Ok(reply),
        }
    }

    /// The headers that it gives, with those of before that could not be sent to it; `None` if it gives none.
    pub(crate) fn headers(&self, before: &HeaderMap) -> Result<Option<HeaderMap>, String> {
        let Some(given) = &self.headers else { return Ok(None) };
        let mut out = HeaderMap::with_capacity(given.len());
        for (name, values) in given {
            let parsed = given::header_name(name)?;
            let values = match values {
                Values::One(value) => std::slice::from_ref(value),
                Values::Several(values) => values,
            };
            for value in values {
                out.append(parsed.clone(), given::header_value(name, value)?);
            }
        }
        let unsent = before.iter().filter(|(_, value)| value.to_str().is_err());
        unsent.for_each(|(name, value)| {
            out.append(name.clone(), value.clone());
        });
        Ok(Some(out))
    }

    /// The status that it gives.
    pub(crate) fn status(&self) -> Result<Option<StatusCode>, String> {
        self.status_code.map(status).transpose()
    }

    /// The refusal, if it is one.
    pub(crate) fn refusal(&self) -> Result<Option<Refused>, String> {
        let Some(Control::Break(code)) = self.control else { return Ok(None) };
        let status = status(code)?;
        let mut refused = match self.body.as_deref().map(RawValue::get) {
            None | Some("null") => Refused::new(status, REFUSED, "The request was refused."),
            Some(json) if json.starts_with('{') => with_body(status, Bytes::copy_from_slice(json.as_bytes()))?,
            Some(json) => match text(json)? {
                text if text.trim_start().starts_with('{') => with_body(status, Bytes::from(text))?,
                text => Refused::new(status, REFUSED, text),
            },
        };
        refused.headers = self.headers(&HeaderMap::new())?.unwrap_or_default();
        refused.headers.remove(header::CONTENT_TYPE);
        Ok(Some(refused))
    }
}

/// The code of an error that the coprocessor gives none.
const REFUSED: &str = "COPROCESSOR_REFUSED";

/// What a JSON string says.
pub(crate) fn text(json: &str) -> Result<String, String> {
    serde_json::from_str(json).map_err(|_| "its answer has a body that is neither an object nor a string".to_owned())
}

fn status(code: u16) -> Result<StatusCode, String> {
    given::status(code).ok_or_else(|| format!("its answer has {code} where a status from 200 to 599 is expected"))
}

fn with_body(status: StatusCode, body: Bytes) -> Result<Refused, String> {
    Refused::with_body(status, body)
        .map_err(|error| format!("its answer has a body that is no GraphQL response: {error}"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(json: &str, expected: Result<Option<(u16, &str)>, &str>) {
        let found = Reply::parse(json.as_bytes(), "RouterRequest").and_then(|reply| reply.refusal());
        match (found, expected) {
            (Ok(None), Ok(None)) => {}
            (Ok(Some(refused)), Ok(Some((status, body)))) => {
                assert_eq!((refused.status.as_u16(), &refused.body()[..]), (status, body.as_bytes()), "{json}");
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => panic!("{json}: {found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn refusals_are_read() {
        check("{}", Ok(None));
        check(r#"{"version":1,"stage":"RouterRequest","control":"continue"}"#, Ok(None));
        let own = r#"{"errors":[{"message":"The request was refused.","extensions":{"code":"COPROCESSOR_REFUSED"}}]}"#;
        check(r#"{"control":{"break":401}}"#, Ok(Some((401, own))));
        let text = r#"{"errors":[{"message":"No.","extensions":{"code":"COPROCESSOR_REFUSED"}}]}"#;
        check(r#"{"control":{"break":403},"body":"No."}"#, Ok(Some((403, text))));
        check(r#"{"control":{"break":200},"body":{"data":{"a":1}}}"#, Ok(Some((200, r#"{"data":{"a":1}}"#))));
        check(r#"{"control":{"break":200},"body":"{\"data\":null}"}"#, Ok(Some((200, r#"{"data":null}"#))));
        check(r#"{"control":{"break":99}}"#, Err("a status from 200 to 599"));
        check(r#"{"control":{"break":401},"body":{"errors":[{"text":"a"}]}}"#, Err("no GraphQL response"));
        check(r#"{"control":{"break":401},"body":[1]}"#, Err("neither an object nor a string"));
        check(r#"{"control":"stop"}"#, Err("can't be read"));
        check(r#"{"version":2}"#, Err("the version 2"));
        check(r#"{"stage":"RouterResponse"}"#, Err("for the stage RouterResponse"));
        check("[", Err("can't be read"));
    }

    #[test]
    fn headers_are_replaced_and_what_is_no_text_stays() {
        let mut before = HeaderMap::new();
        before.insert("a", HeaderValue::from_static("1"));
        before.append("b", HeaderValue::from_static("2"));
        before.append("b", HeaderValue::from_static("3"));
        before.insert("x", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(serde_json::to_string(&headers(&before)).unwrap(), r#"{"a":["1"],"b":["2","3"]}"#);
        let read = |json: &str| Reply::parse(json.as_bytes(), "").unwrap().headers(&before);
        assert_eq!(read("{}"), Ok(None));
        let after = read(r#"{"headers":{"b":["3"],"c":"4"}}"#).unwrap().unwrap();
        let names: Vec<_> = after.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(names, [("b", &b"3"[..]), ("c", b"4"), ("x", b"\xff")]);
        assert!(read(r#"{"headers":{"a b":["3"]}}"#).unwrap_err().contains("not a header name"));
        assert!(read(r#"{"headers":{"a":["\n"]}}"#).unwrap_err().contains("can't be sent"));
    }
}
