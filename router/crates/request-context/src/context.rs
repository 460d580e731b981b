//! The context of a request. Knows no rule about headers by itself.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use braid_expressions::Inputs;
use braid_supergraph::SubgraphId;
use braid_telemetry::trace::TraceContext;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Method, Uri, header};
use serde_json::{Map, Value};

use crate::derived_headers::inputs;
use crate::headers::HeaderPlans;
use crate::identity::Identity;
use crate::request_id::RequestId;
use crate::uploads::Uploads;

/// One request of a client, from its head to its line in the access log. Stages fill it while the head is looked at; it is shared,
/// unchanged, once the operation runs.
#[derive(Debug)]
pub struct RequestContext {
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The id by which it is found in logs.
    pub id: RequestId,
    /// The other end of the connection, where it is known: the client or a proxy.
    pub peer: Option<SocketAddr>,
    /// The address of the client, where it is known: that of the connection, unless a trusted proxy says whom it asks for.
    pub client: Option<IpAddr>,
    /// Who asks.
    pub identity: Identity,
    /// When the head of the request had come.
    pub started: Instant,
    /// When the request is given up.
    pub deadline: Instant,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
    /// Which override labels are on, a bit for each by its number in the version that answers.
    pub override_labels: u64,
    /// The graph that it is for, where there are several.
    pub graph: Option<Arc<str>>,
    /// A slot for each type that a stage leaves for later ones, those of middleware before the router included.
    pub extensions: Extensions,
    plans: Arc<HeaderPlans>,
    /// What each distinct set of request rules gives, once a subgraph is asked to which it applies.
    forwarded: Box<[OnceLock<HeaderMap>]>,
}

impl RequestContext {
    /// The context of a request with this head that may take so much time, under the header rules of the version that answers it.
    pub fn new(head: Parts, peer: Option<SocketAddr>, time: Duration, plans: Arc<HeaderPlans>) -> Self {
        let started = Instant::now();
        Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            id: RequestId::own(),
            peer,
            client: peer.map(|peer| peer.ip().to_canonical()),
            identity: Identity::Anonymous,
            started,
            deadline: started + time,
            trace: None,
            override_labels: 0,
            graph: None,
            extensions: head.extensions,
            forwarded: (0..plans.request_plans()).map(|_| OnceLock::new()).collect(),
            plans,
        }
    }

    /// The context of the same request for the version with these header rules, for one that outlives the version it began with.
    /// Override labels are to be decided anew.
    #[must_use]
    pub fn renewed(&self, plans: Arc<HeaderPlans>) -> Self {
        Self { override_labels: 0, ..self.under(plans) }
    }

    /// The context, for somebody who changes it: a copy, if others have it too. What was made of it for subgraphs is made anew.
    pub fn to_change(this: &mut Arc<Self>) -> &mut Self {
        let own = Arc::make_mut(this);
        own.forwarded.iter_mut().for_each(|headers| drop(headers.take()));
        own
    }

    /// What expressions can use of it.
    pub fn inputs(&self) -> Inputs<'_> {
        inputs(&self.headers, &self.identity, self.client)
    }

    fn under(&self, plans: Arc<HeaderPlans>) -> Self {
        Self {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers: self.headers.clone(),
            id: self.id.clone(),
            peer: self.peer,
            client: self.client,
            identity: self.identity.clone(),
            started: self.started,
            deadline: self.deadline,
            trace: self.trace.clone(),
            override_labels: self.override_labels,
            graph: self.graph.clone(),
            extensions: self.extensions.clone(),
            forwarded: (0..plans.request_plans()).map(|_| OnceLock::new()).collect(),
            plans,
        }
    }
}

impl Clone for RequestContext {
    fn clone(&self) -> Self {
        self.under(self.plans.clone())
    }
}

/// What of a client's request is the business of subgraphs. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct SubgraphContext {
    request: Arc<RequestContext>,
    /// The span that requests to subgraphs belong to, where it is not that of the client's request.
    within: Option<Arc<TraceContext>>,
    /// What is other than the rules say, for one request to a subgraph.
    changes: Option<Arc<SubgraphChanges>>,
    fetch: u64,
}

/// What plugins changed about one request to a subgraph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubgraphChanges {
    /// All headers that it forwards, instead of those that the rules give.
    pub headers: HeaderMap,
    /// What its body has in `extensions`.
    pub extensions: Map<String, Value>,
}

impl SubgraphContext {
    /// The part of `request` that travels.
    pub fn new(request: Arc<RequestContext>) -> Self {
        Self { request, within: None, changes: None, fetch: 0 }
    }

    /// The same within a span: that of an event of a subscription.
    #[must_use]
    pub fn within(self, span: TraceContext) -> Self {
        Self { within: Some(Arc::new(span)), ..self }
    }

    /// The same for one request to a subgraph, which has a number of its own, and is other than the rules say if there are changes.
    #[must_use]
    pub fn for_fetch(self, number: u64, changes: Option<SubgraphChanges>) -> Self {
        Self { fetch: number, changes: changes.map(Arc::new), ..self }
    }

    /// The number of the request to a subgraph that this is for; 0 if nobody gave it one.
    pub fn fetch(&self) -> u64 {
        self.fetch
    }

    /// The client's request.
    pub fn request(&self) -> &Arc<RequestContext> {
        &self.request
    }

    /// What the body of the request has in `extensions`, beside claims of the client.
    pub fn extensions(&self) -> Option<&Map<String, Value>> {
        self.changes.as_ref().map(|changes| &changes.extensions).filter(|extensions| !extensions.is_empty())
    }

    /// Who asks.
    pub fn identity(&self) -> &Identity {
        &self.request.identity
    }

    /// The files that came with the request, if any.
    pub fn uploads(&self) -> Option<&Arc<Uploads>> {
        self.request.extensions.get()
    }

    /// The trace that the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.within.as_deref().or(self.request.trace.as_ref())
    }

    /// The headers that a subgraph gets: by the rules, which run once per request, or as plugins changed them. `None` when there are neither.
    pub fn headers(&self, subgraph: SubgraphId) -> Option<&HeaderMap> {
        if let Some(changes) = &self.changes {
            return Some(&changes.headers);
        }
        let (number, plan) = self.request.plans.request_plan(subgraph)?;
        let headers = self.request.forwarded.get(number)?.get_or_init(|| {
            let mut headers = HeaderMap::new();
            let RequestContext { headers: from, identity, client, .. } = &*self.request;
            plan.apply(from, identity, *client, &mut headers);
            headers
        });
        Some(headers)
    }

    /// The id of the client's request.
    pub fn request_id(&self) -> &RequestId {
        &self.request.id
    }

    /// The headers that the client sent.
    pub fn client_headers(&self) -> &HeaderMap {
        &self.request.headers
    }

    /// Whether a subgraph gets this header from some client.
    pub fn may_forward(&self, subgraph: SubgraphId, name: &HeaderName) -> bool {
        if self.changes.as_ref().is_some_and(|changes| changes.headers.contains_key(name)) {
            return true;
        }
        self.request.plans.request_plan(subgraph).is_some_and(|(_, plan)| plan.may_forward(name))
    }

    /// Whether the headers that a subgraph gets tell who asks: credentials of the client, or headers that are made of its claims. Of what
    /// plugins add nobody knows, so that it does.
    pub fn forwards_credentials(&self, subgraph: SubgraphId) -> bool {
        if self.changes.is_some() {
            return true;
        }
        let Some((_, plan)) = self.request.plans.request_plan(subgraph) else { return false };
        let Some(headers) = self.headers(subgraph) else { return false };
        let from_client = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
        let mut from_client = from_client.iter().filter(|name| self.request.headers.contains_key(*name));
        from_client.any(|name| headers.contains_key(name))
            || plan.derived().iter().any(|name| headers.contains_key(name))
    }

    /// Whether somebody looks at the headers of this subgraph's responses.
    pub fn reads_response_headers(&self, subgraph: SubgraphId) -> bool {
        self.request.plans.reads(subgraph)
    }
}
