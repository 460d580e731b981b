//! What the bridge has to know of a message: whether it wants an answer, and what it says about the protocol. Knows no connection.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A message, as far as the bridge looks at it.
#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    pub(super) method: Option<String>,
    /// As it is written, so that the answer has the same.
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(default)]
    params: Value,
}

impl<'a> Message<'a> {
    pub(super) fn read(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }

    /// The version of the protocol that the message itself says, as newer clients do.
    pub(super) fn version(&self) -> Option<&str> {
        self.params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
    }

    /// The name of what is called.
    pub(super) fn name(&self) -> Option<&str> {
        match self.method.as_deref()? {
            "tools/call" | "prompts/get" => self.params["name"].as_str(),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => self.params["uri"].as_str(),
            _ => None,
        }
    }

    /// The request that a message gives up.
    pub(super) fn gives_up(&self) -> Option<String> {
        (self.method.as_deref() == Some("notifications/cancelled")).then(|| self.params["requestId"].to_string())
    }
}

/// An error as the answer to a request.
pub(super) fn error(id: Option<&RawValue>, message: &str) -> Vec<u8> {
    let id = id.map_or("null", RawValue::get);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{}}}", json!({ "code": -32000, "message": message }))
        .into_bytes()
}

/// The messages of a body: one, or those of a stream of events.
pub(super) fn messages(is_stream: bool, body: &[u8]) -> Vec<Vec<u8>> {
    if !is_stream {
        return if body.trim_ascii().is_empty() { Vec::new() } else { vec![in_one_line(body)] };
    }
    let mut messages = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for line in body.split(|byte| *byte == b'\n').chain([&b""[..]]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(value) = line.strip_prefix(b"data:") {
            data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            data.push(b'\n');
        } else if line.is_empty() && !data.trim_ascii().is_empty() {
            messages.push(in_one_line(&data));
            data.clear();
        }
    }
    messages
}

/// JSON without line breaks, of which there are none in its strings.
fn in_one_line(json: &[u8]) -> Vec<u8> {
    json.trim_ascii().iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_out_of_bodies() {
        let check = |is_stream, body: &str, expected: &[&str]| {
            let found: Vec<String> =
                messages(is_stream, body.as_bytes()).into_iter().map(|one| String::from_utf8(one).unwrap()).collect();
            assert_eq!(found, expected, "{body}");
        };
        check(false, "{\n\"a\": 1\n}\n", &["{ \"a\": 1 }"]);
        check(false, "  ", &[]);
        check(
            true,
            "id: 1\ndata:\n\n: ping\n\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: 2",
            &["{\"a\": 1}", "2"],
        );
    }

    #[test]
    fn a_message_says_what_the_bridge_needs() {
        let call = br#"{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"A","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let message = Message::read(call).unwrap();
        assert_eq!((message.name(), message.version()), (Some("A"), Some("2026-07-28")));
        assert_eq!(error(message.id, "no"), br#"{"jsonrpc":"2.0","id":1.0,"error":{"code":-32000,"message":"no"}}"#);
        let given_up = br#"{"method":"notifications/cancelled","params":{"requestId":"x"}}"#;
        assert_eq!(Message::read(given_up).unwrap().gives_up().as_deref(), Some("\"x\""));
    }
}
