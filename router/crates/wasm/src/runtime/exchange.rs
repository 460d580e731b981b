//! What a call is about: what the hook may see of a request, and what it has changed. A change counts only when the call has ended well. Knows
//! no component.

use std::net::IpAddr;
use std::sync::Arc;

use braid_graphql::OperationType;
use braid_plugin::{ClientOperation, Entries, GraphQLResponse};
use braid_request_context::RequestContext;
use braid_request_context::identity::Identity;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;

use crate::config::OnError;

/// What one call is about.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(crate) client: Client,
    pub(crate) headers: Draft<HeaderMap>,
    /// Whoever asks from now on, if the hook has said so.
    pub(crate) identity: Option<Identity>,
    /// The entries that the hook has set, in this order; `None` removes one.
    pub(crate) entries: Vec<(String, Option<Value>)>,
    pub(crate) message: Message,
}

/// The client's request.
#[derive(Default)]
pub(crate) enum Client {
    /// There is no call.
    #[default]
    Nobody,
    /// Its context can still be changed. Its headers are those of the exchange.
    Own(OwnClient),
    /// Its context is shared.
    Shared(Arc<RequestContext>),
}

/// What is known of a client, as a copy that costs next to nothing.
pub(crate) struct OwnClient {
    method: Method,
    uri: Uri,
    address: Option<IpAddr>,
    graph: Option<Arc<str>>,
    identity: Identity,
    entries: Option<Entries>,
}

/// What the stage is about, beside headers.
#[derive(Default)]
pub(crate) enum Message {
    #[default]
    Nothing,
    Request(Body),
    Operation(Box<Draft<ClientOperation>>),
    Execution {
        operation: Arc<ClientOperation>,
        name: Option<String>,
        kind: OperationType,
    },
    SubgraphRequest {
        subgraph: String,
        url: String,
        kind: OperationType,
        number: u64,
        body: Bytes,
        /// Those that the hook has added.
        extensions: Vec<(String, Value)>,
    },
    SubgraphResponse {
        subgraph: String,
        number: u64,
        status: u16,
        body: Body,
    },
    Executed {
        name: Option<String>,
        status: StatusCode,
        response: Box<Draft<GraphQLResponse>>,
    },
    Response {
        status: StatusCode,
        /// `None` where it is sent as it comes.
        body: Option<Body>,
    },
}

/// A body, and the one that the hook puts in its place.
pub(crate) struct Body {
    was: Bytes,
    set: Option<Bytes>,
}

/// A value that the hook works on. Where requests go on after a failure, the value of before is kept for that.
pub(crate) struct Draft<T> {
    value: T,
    before: Option<T>,
    on_error: OnError,
}

impl<T: Default> Default for Draft<T> {
    fn default() -> Self {
        Self { value: T::default(), before: None, on_error: OnError::Refuse }
    }
}

impl<T: Clone> Draft<T> {
    pub(crate) fn new(value: T, on_error: OnError) -> Self {
        Self { value, before: None, on_error }
    }

    pub(crate) fn get(&self) -> &T {
        &self.value
    }

    pub(crate) fn change(&mut self) -> &mut T {
        if self.on_error == OnError::Continue && self.before.is_none() {
            self.before = Some(self.value.clone());
        }
        &mut self.value
    }

    /// The value after a call that ended well, or the one of before.
    pub(crate) fn end(self, is_well: bool) -> T {
        match self.before {
            Some(before) if !is_well => before,
            _ => self.value,
        }
    }
}

impl Body {
    pub(crate) fn new(body: &Bytes) -> Self {
        Self { was: body.clone(), set: None }
    }

    pub(crate) fn get(&self) -> &Bytes {
        self.set.as_ref().unwrap_or(&self.was)
    }

    pub(crate) fn set(&mut self, body: Vec<u8>) {
        self.set = Some(body.into());
    }

    /// The body that was set.
    pub(crate) fn replacement(self) -> Option<Bytes> {
        self.set
    }
}

impl Client {
    /// That of a context that can be changed.
    pub(crate) fn of(context: &RequestContext) -> Self {
        Self::Own(OwnClient {
            method: context.method.clone(),
            uri: context.uri.clone(),
            address: context.client,
            graph: context.graph.clone(),
            identity: context.identity.clone(),
            entries: Entries::of(context),
        })
    }

    pub(crate) fn method(&self) -> &str {
        match self {
            Self::Nobody => "",
            Self::Own(client) => client.method.as_str(),
            Self::Shared(context) => context.method.as_str(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Nobody => "",
            Self::Own(client) => client.uri.path(),
            Self::Shared(context) => context.uri.path(),
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Nobody => None,
            Self::Own(client) => client.address,
            Self::Shared(context) => context.client,
        }
    }

    pub(crate) fn graph(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::Own(client) => client.graph.as_deref(),
            Self::Shared(context) => context.graph.as_deref(),
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Nobody => None,
            Self::Own(client) => Some(&client.identity),
            Self::Shared(context) => Some(&context.identity),
        }
    }

    fn entries(&self) -> Option<Entries> {
        match self {
            Self::Nobody => None,
            Self::Own(client) => client.entries.clone(),
            Self::Shared(context) => Entries::of(context),
        }
    }
}

impl Exchange {
    /// The headers of the client.
    pub(crate) fn client_headers(&self) -> &HeaderMap {
        match &self.client {
            Client::Shared(context) => &context.headers,
            Client::Own(_) | Client::Nobody => self.headers.get(),
        }
    }

    /// Whoever asks, as the hook left it.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref().or_else(|| self.client.identity())
    }

    /// An entry, as the hook left it.
    pub(crate) fn entry(&self, name: &str) -> Option<Value> {
        match self.entries.iter().rev().find(|(set, _)| set == name) {
            Some((_, value)) => value.clone(),
            None => self.client.entries()?.get(name),
        }
    }

    /// Leaves the entries that were set for later stages.
    pub(crate) fn leave_entries(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let Some(entries) = self.client.entries() else { return };
        for (name, value) in self.entries.drain(..) {
            match value {
                Some(value) => entries.set(name, value),
                None => entries.remove(&name),
            }
        }
    }
}
