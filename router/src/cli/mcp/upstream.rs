//! The endpoint that the bridge leads to: sends one message, returns those that it is answered with. Knows no standard input.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, chain};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use serde_json::Value;

use super::message::{Message, error, messages};
use crate::cli::terminal::Failure;

/// The endpoint.
#[derive(Debug)]
pub(super) struct Upstream {
    url: String,
    endpoint: Endpoint,
    headers: HeaderMap,
    agreed: Mutex<Agreed>,
}

/// What was agreed on with the server when the client began.
#[derive(Debug, Default)]
struct Agreed {
    version: Option<HeaderValue>,
    session: Option<HeaderValue>,
}

const MAX_BYTES: usize = 16 << 20;
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

impl Upstream {
    pub(super) fn new(
        url: &str,
        mut headers: HeaderMap,
        authorities: Option<PathBuf>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let authorities = authorities.map(|file| file.display().to_string());
        let tls = TlsClientConfig { authorities, ..TlsClientConfig::default() };
        let endpoint = Endpoint::new(url, &tls, MAX_BYTES, timeout)
            .map_err(|error| Failure::Usage(format!("--url: {}", chain(&error))))?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        Ok(Self { url: url.to_owned(), endpoint, headers, agreed: Mutex::default() })
    }

    /// Sends a message of the client, and returns what it is answered with. A request is always answered.
    pub(super) async fn send(&self, message: &Message<'_>, line: Bytes) -> Vec<Vec<u8>> {
        let sent = self.endpoint.send(Method::POST, self.request_headers(message), line).await;
        let response = match sent {
            Ok(response) => response,
            Err(problem) => return self.failed(message, &chain(&problem)),
        };
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let answers = messages(is_stream, response.body());
        if response.status().is_success() {
            if message.method.as_deref() == Some("initialize") {
                return answers.into_iter().map(|answer| self.begun(answer, response.headers())).collect();
            }
            return match message.id {
                Some(_) if answers.is_empty() => self.failed(message, "the answer is empty"),
                _ => answers,
            };
        }
        let is_answer = |answer: &[u8]| {
            message.id.is_some_and(|id| {
                Message::read(answer).is_ok_and(|answer| answer.id.is_some_and(|found| found.get() == id.get()))
            })
        };
        match answers.first().filter(|answer| is_answer(answer)) {
            Some(answer) => vec![answer.clone()],
            None => self.failed(message, &refusal(&response)),
        }
    }

    /// Ends the session, if the server began one.
    pub(super) async fn end(&self) {
        let session = self.agreed.lock().unwrap_or_else(PoisonError::into_inner).session.clone();
        let Some(session) = session else { return };
        let mut headers = self.headers.clone();
        headers.insert(SESSION, session);
        // The server ends it some time anyway.
        let _ = self.endpoint.send(Method::DELETE, headers, Bytes::new()).await;
    }

    fn request_headers(&self, message: &Message<'_>) -> HeaderMap {
        let mut headers = self.headers.clone();
        let agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        let own = message.version().and_then(|version| HeaderValue::from_str(version).ok());
        if own.is_some() {
            // Newer versions say what is called where proxies can read it.
            let method = message.method.as_deref().and_then(|method| HeaderValue::from_str(method).ok());
            headers.extend(method.map(|method| (METHOD, method)));
            headers.extend(message.name().and_then(|name| HeaderValue::from_str(name).ok()).map(|name| (NAME, name)));
        }
        headers.extend(own.or_else(|| agreed.version.clone()).map(|version| (PROTOCOL_VERSION, version)));
        headers.extend(agreed.session.clone().map(|session| (SESSION, session)));
        headers
    }

    /// Remembers what the server said when the client began. The bridge itself tells the client when tools change.
    fn begun(&self, answer: Vec<u8>, headers: &HeaderMap) -> Vec<u8> {
        let Ok(mut value) = serde_json::from_slice::<Value>(&answer) else { return answer };
        let version = value["result"]["protocolVersion"].as_str();
        let version = version.and_then(|version| HeaderValue::from_str(version).ok());
        *self.agreed.lock().unwrap_or_else(PoisonError::into_inner) =
            Agreed { version, session: headers.get(SESSION).cloned() };
        match value["result"]["capabilities"].get_mut("tools").and_then(Value::as_object_mut) {
            Some(tools) => {
                tools.insert("listChanged".to_owned(), true.into());
                value.to_string().into_bytes()
            }
            None => answer,
        }
    }

    fn failed(&self, message: &Message<'_>, problem: &str) -> Vec<Vec<u8>> {
        let problem = format!("{}: {problem}", self.url);
        crate::cli::terminal::complain(&format!("braid: {problem}\n"));
        message.id.map(|id| error(Some(id), &problem)).into_iter().collect()
    }
}

/// Why a server has not answered, in words.
fn refusal(response: &Response<Bytes>) -> String {
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let said = body["errors"][0]["message"].as_str().or_else(|| body["error"]["message"].as_str());
    let text = String::from_utf8_lossy(response.body());
    let said = said.map_or_else(|| text.chars().take(200).collect::<String>(), str::to_owned);
    let hint = match response.status() {
        StatusCode::UNAUTHORIZED => {
            let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
            format!(" Give a token by BRAID_MCP_TOKEN. {}", challenge.unwrap_or_default())
        }
        StatusCode::NOT_FOUND => " Is mcp.enabled set, and is this the path of mcp.path?".to_owned(),
        _ => String::new(),
    };
    format!("the server answered {}: {said}{hint}", response.status()).trim_end().to_owned()
}
