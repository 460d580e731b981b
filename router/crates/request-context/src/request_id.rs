//! The id of a request, by which it is found in the logs of the router and of subgraphs. Knows no log.

use std::sync::Arc;

use braid_telemetry::config::RequestIdConfig;
use braid_telemetry::trace::random;
use http::header::InvalidHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The longest id of a client that is taken over.
const MAX_GIVEN: usize = 128;

/// Where the ids of requests come from and go to.
#[derive(Debug)]
pub struct RequestIds {
    header: HeaderName,
    from_client: bool,
    to_clients: bool,
    to_subgraphs: bool,
}

/// The id of a request.
#[derive(Debug, Clone)]
pub struct RequestId {
    value: Value,
    /// Where it goes; nowhere, if nobody has said it.
    ids: Option<Arc<RequestIds>>,
}

#[derive(Debug, Clone)]
enum Value {
    Own(u64),
    Given(HeaderValue),
}

/// An id as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestIdText<'a> {
    /// One that the router made: as 16 hexadecimal digits.
    Own(u64),
    /// One that the request came with.
    Given(&'a str),
}

impl RequestIds {
    /// As configured.
    pub fn new(config: &RequestIdConfig) -> Result<Self, InvalidHeaderName> {
        let RequestIdConfig { header, from_client, to_clients, to_subgraphs } = config;
        let (from_client, to_clients, to_subgraphs) = (*from_client, *to_clients, *to_subgraphs);
        Ok(Self { header: header.parse()?, from_client, to_clients, to_subgraphs })
    }

    /// Says where the id of a request that came with these headers goes, and takes over the client's if that is wanted.
    pub fn apply(self: &Arc<Self>, id: &mut RequestId, headers: &HeaderMap) {
        if let Some(given) = headers.get(&self.header).filter(|value| self.from_client && is_id(value)) {
            id.value = Value::Given(given.clone());
        }
        id.ids = Some(self.clone());
    }
}

/// Whether somebody's id can be taken over: it is short, and can be written anywhere.
fn is_id(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=MAX_GIVEN).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

impl RequestId {
    /// A new one, which goes nowhere.
    pub(crate) fn own() -> Self {
        Self { value: Value::Own(random()), ids: None }
    }

    /// The id, to be written.
    pub fn text(&self) -> RequestIdText<'_> {
        match &self.value {
            Value::Own(number) => RequestIdText::Own(*number),
            Value::Given(value) => RequestIdText::Given(value.to_str().unwrap_or_default()),
        }
    }

    /// The id that a request with these headers came with, if that is not this one.
    pub fn other<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let header = &self.ids.as_ref()?.header;
        let given = headers.get(header)?.to_str().ok()?;
        (self.text() != RequestIdText::Given(given)).then_some(given)
    }

    /// Says in a response what the id of its request is, if clients are told and nothing else is said there.
    pub fn write_response(&self, headers: &mut HeaderMap) {
        if let Some(ids) = self.ids.as_ref().filter(|ids| ids.to_clients) {
            headers.entry(&ids.header).or_insert_with(|| self.value());
        }
    }

    /// The same in a request to a subgraph. What header rules say goes first.
    pub fn write_request(&self, headers: &mut HeaderMap) {
        if let Some(ids) = self.ids.as_ref().filter(|ids| ids.to_subgraphs) {
            headers.entry(&ids.header).or_insert_with(|| self.value());
        }
    }

    fn value(&self) -> HeaderValue {
        match &self.value {
            Value::Given(value) => value.clone(),
            // Digits are a value.
            Value::Own(number) => {
                HeaderValue::try_from(format!("{number:016x}")).unwrap_or_else(|_| HeaderValue::from_static(""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(change: impl FnOnce(&mut RequestIdConfig)) -> Arc<RequestIds> {
        let mut config = RequestIdConfig { to_subgraphs: true, ..RequestIdConfig::default() };
        change(&mut config);
        Arc::new(RequestIds::new(&config).unwrap())
    }

    fn id_of(ids: &Arc<RequestIds>, headers: &HeaderMap) -> RequestId {
        let mut id = RequestId::own();
        ids.apply(&mut id, headers);
        id
    }

    fn headers(id: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static("x-request-id"), id.parse().unwrap())])
    }

    fn sent(id: &RequestId, mut headers: HeaderMap) -> Option<String> {
        id.write_request(&mut headers);
        headers.get("x-request-id").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_id_is_the_routers_own_unless_clients_are_believed() {
        let own = id_of(&ids(|_| {}), &headers("theirs"));
        assert!(matches!(own.text(), RequestIdText::Own(_)));
        assert_eq!(own.other(&headers("theirs")), Some("theirs"));
        let text = sent(&own, HeaderMap::new()).unwrap();
        assert!(text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        let believing = ids(|config| config.from_client = true);
        let given = id_of(&believing, &headers("theirs"));
        assert_eq!((given.text(), given.other(&headers("theirs"))), (RequestIdText::Given("theirs"), None));
        assert_eq!(sent(&given, HeaderMap::new()).as_deref(), Some("theirs"));
        for odd in ["", "two words", &"x".repeat(129)] {
            assert!(matches!(id_of(&believing, &headers(odd)).text(), RequestIdText::Own(_)), "{odd}");
        }
        assert!(matches!(id_of(&believing, &HeaderMap::new()).text(), RequestIdText::Own(_)));
    }

    #[test]
    fn it_goes_where_it_may_and_replaces_nothing() {
        let id = id_of(&ids(|_| {}), &HeaderMap::new());
        assert_eq!(sent(&id, headers("by-a-rule")).as_deref(), Some("by-a-rule"));
        let closed = ids(|config| (config.to_clients, config.to_subgraphs) = (false, false));
        let closed = id_of(&closed, &HeaderMap::new());
        let mut response = HeaderMap::new();
        closed.write_response(&mut response);
        assert_eq!((sent(&closed, HeaderMap::new()), response.len()), (None, 0));
        id.write_response(&mut response);
        assert_eq!(response["x-request-id"].to_str().ok(), sent(&id, HeaderMap::new()).as_deref());
        let nowhere = RequestId::own();
        assert_eq!((sent(&nowhere, HeaderMap::new()), nowhere.other(&headers("theirs"))), (None, None));
        assert!(RequestIds::new(&RequestIdConfig { header: "a b".to_owned(), ..Default::default() }).is_err());
    }
}
