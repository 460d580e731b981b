//! What hooks may call: the functions of the WIT over what the current call is about. Here are those of `log`, of the client's request and of
//! headers, which all stages have. Knows no stage.

mod messages;
mod values;

use braid_request_context::identity::Identity;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use wasmtime::Result;

use crate::runtime::bindings::log::{self, Level};
use crate::runtime::bindings::{headers, request, types};
use crate::runtime::exchange::Message;
use crate::runtime::refusal;
use crate::runtime::state::State;
use values::{read, written};

/// What a function gives that can say no: an error for the hook, which is no failure yet.
type Answer<T> = Result<std::result::Result<T, String>>;

impl types::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: Level, line: String) -> Result<()> {
        self.hand_over(line.len())?;
        State::write(self, level, &line);
        Ok(())
    }
}

impl request::Host for State {
    fn method(&mut self) -> Result<String> {
        Ok(self.exchange.client.method().to_owned())
    }

    fn path(&mut self) -> Result<String> {
        Ok(self.exchange.client.path().to_owned())
    }

    fn client_address(&mut self) -> Result<Option<String>> {
        Ok(self.exchange.client.address().map(|address| address.to_string()))
    }

    fn graph(&mut self) -> Result<Option<String>> {
        Ok(self.exchange.client.graph().map(str::to_owned))
    }

    fn header(&mut self, name: String) -> Result<Option<String>> {
        Ok(value(self.exchange.client_headers(), &name))
    }

    fn claims(&mut self) -> Result<Option<String>> {
        let principal = self.exchange.identity().and_then(Identity::principal);
        principal.map(|principal| written(&principal.claims)).transpose()
    }

    fn claim(&mut self, name: String) -> Result<Option<String>> {
        let principal = self.exchange.identity().and_then(Identity::principal);
        let claim = principal.and_then(|principal| principal.claims.get(&name));
        claim.map(written).transpose()
    }

    fn set_claims(&mut self, claims: Option<String>) -> Answer<()> {
        self.hand_over(claims.as_ref().map_or(0, String::len))?;
        if !matches!(self.exchange.message, Message::Request(_) | Message::Operation(_)) {
            return Ok(Err("claims can be set at on-request and on-operation only".to_owned()));
        }
        let identity = match claims.as_deref().map(serde_json::from_str::<Map<String, Value>>) {
            None => Identity::Anonymous,
            Some(Ok(claims)) => self.exchange.identity().unwrap_or(&Identity::Anonymous).with_claims(claims, "wasm"),
            Some(Err(error)) => return Ok(Err(format!("claims are no JSON object: {error}"))),
        };
        self.exchange.identity = Some(identity);
        Ok(Ok(()))
    }

    fn entry(&mut self, name: String) -> Result<Option<String>> {
        self.exchange.entry(&name).as_ref().map(written).transpose()
    }

    fn set_entry(&mut self, name: String, value: Option<String>) -> Answer<()> {
        self.hand_over(name.len() + value.as_ref().map_or(0, String::len))?;
        let value = match value.as_deref().map(read).transpose() {
            Ok(value) => value,
            Err(problem) => return Ok(Err(problem)),
        };
        self.exchange.entries.push((name, value));
        Ok(Ok(()))
    }

    fn body(&mut self) -> Result<Vec<u8>> {
        Ok(match &self.exchange.message {
            Message::Request(body) => body.get().to_vec(),
            _ => Vec::new(),
        })
    }

    fn set_body(&mut self, body: Vec<u8>) -> Answer<()> {
        self.hand_over(body.len())?;
        let Message::Request(message) = &mut self.exchange.message else {
            return Ok(Err("the body can be set at on-request only".to_owned()));
        };
        message.set(body);
        Ok(Ok(()))
    }
}

impl headers::Host for State {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        Ok(value(self.exchange.headers.get(), &name))
    }

    fn entries(&mut self) -> Result<Vec<(String, String)>> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        Ok(self.exchange.headers.get().iter().filter_map(text).collect())
    }

    fn set(&mut self, name: String, value: String) -> Answer<()> {
        self.hand_over(name.len() + value.len())?;
        Ok(refusal::header(&name, &value).and_then(|(name, value)| {
            self.exchange.headers.change().try_insert(name, value).map(drop).map_err(|_| TOO_MANY.to_owned())
        }))
    }

    fn append(&mut self, name: String, value: String) -> Answer<()> {
        self.hand_over(name.len() + value.len())?;
        Ok(refusal::header(&name, &value).and_then(|(name, value)| {
            self.exchange.headers.change().try_append(name, value).map(drop).map_err(|_| TOO_MANY.to_owned())
        }))
    }

    fn remove(&mut self, name: String) -> Result<()> {
        self.exchange.headers.change().remove(name.as_str());
        Ok(())
    }
}

const TOO_MANY: &str = "there are too many headers";

/// The values of a header that are text.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut all = values.next()?.to_owned();
    for value in values {
        all.push_str(", ");
        all.push_str(value);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_header_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("a", "1".parse().unwrap());
        headers.append("a", HeaderValue::from_bytes(b"\xff").unwrap());
        headers.append("a", "2".parse().unwrap());
        assert_eq!((value(&headers, "A").as_deref(), value(&headers, "a b")), (Some("1, 2"), None));
    }
}
