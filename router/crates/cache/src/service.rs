//! The cache as a service between the executor and the subgraphs: the way of a request through it. Knows no plan.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use braid_cache_store::{Group, Invalidation, Key, Store, now};
use braid_executor::kept::{Keep, Kept, Known};
use braid_executor::{
    OpenResponse, SubgraphError, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_graphql::OperationType;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::{CacheReport, Cacheability, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};

use crate::asked::Asker;
use crate::bodies;
use crate::config::CacheConfig;
use crate::extensions::GivenTags;
use crate::flights::{Flight, Flights};
use crate::keeper::{ClaimedKeys, Desk, Keeper};
use crate::lifetime::{NotKept, Said, Sent};
use crate::lookup::{Claims, Describes, Lookup, place_by};
use crate::refresh::{self, Refreshes};
use crate::rules::{CacheError, Rules, ViewerRules, header_names};
use crate::viewer::{Viewer, shows_credentials};

/// What comes of a request.
type Outcome = Result<SubgraphResponse<SubgraphHeaders>, SubgraphError>;

/// Subgraphs, with a cache before them.
#[derive(Debug)]
pub struct Cached<S> {
    /// The subgraphs.
    pub subgraphs: Arc<S>,
    cache: Option<Arc<Cache>>,
}

#[derive(Debug)]
struct Cache {
    desk: Desk,
    /// By subgraph; `None` if nothing of it is kept.
    rules: Vec<Option<Arc<Rules>>>,
    vary: Vec<HeaderName>,
    viewer: ViewerRules,
    flights: Flights,
    refreshes: Refreshes,
    metrics: Arc<Metrics>,
    describes: Describes,
    /// Subgraphs of which the log has said that their `Vary` is not part of the keys.
    told_of_vary: Vec<AtomicBool>,
}

/// How long a router waits for another one that asks for the same: pauses between looks.
const LOOKS: [Duration; 6] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
];

impl<S> Cached<S> {
    /// `subgraphs` of `supergraph`, without a cache if that is off. What `previous` keeps is kept on. `forwards_claims` says of which
    /// subgraphs, by name, requests have claims in their bodies.
    pub fn new(
        subgraphs: S,
        config: &CacheConfig,
        supergraph: &Arc<Supergraph>,
        forwards_claims: impl Fn(&str) -> bool,
        describes: Describes,
        metrics: &Arc<Metrics>,
        previous: Option<&Self>,
    ) -> Result<Self, CacheError> {
        let subgraphs = Arc::new(subgraphs);
        if !config.enabled {
            return Ok(Self { subgraphs, cache: None });
        }
        let rules = |subgraph: &braid_supergraph::Subgraph| {
            let rules = Rules::new(config, subgraph, supergraph, forwards_claims(&subgraph.name))?;
            Ok(rules.map(Arc::new))
        };
        let older = previous.and_then(|previous| previous.cache.as_ref());
        let schema = &supergraph.schema;
        let desk = Desk {
            store: Store::new(&config.store, metrics, older.map(|older| &older.desk.store))?,
            verdicts: older.map(|older| older.desk.verdicts.clone()).unwrap_or_default(),
            query: schema.query.map_or("", |query| &schema.ty(query).name).into(),
            supergraph: supergraph.clone(),
            longest: config.store.max_age.0,
        };
        let cache = Cache {
            desk,
            rules: supergraph.subgraphs.iter().map(rules).collect::<Result<_, CacheError>>()?,
            vary: header_names("cache.vary", &config.vary)?,
            viewer: ViewerRules::new(config)?,
            flights: older.map(|older| older.flights.clone()).unwrap_or_default(),
            refreshes: older.map(|older| older.refreshes.clone()).unwrap_or_default(),
            metrics: metrics.clone(),
            describes,
            told_of_vary: supergraph.subgraphs.iter().map(|_| AtomicBool::new(false)).collect(),
        };
        Ok(Self { subgraphs, cache: Some(Arc::new(cache)) })
    }

    /// Where things are kept, if they are.
    pub fn store(&self) -> Option<&Arc<Store>> {
        self.cache.as_ref().map(|cache| &cache.desk.store)
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> SubgraphService for Cached<S> {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        let Some(cache) = &self.cache else { return self.subgraphs.call(request, context).await };
        let rules = cache.rules.get(request.subgraph.index()).and_then(Option::as_ref);
        match (rules, request.kind) {
            // Boxed, so that requests are no larger where nothing is kept.
            (Some(rules), OperationType::Query) if context.uploads().is_none() => {
                Box::pin(self.query(cache, rules, request, context)).await
            }
            (Some(rules), OperationType::Mutation) if rules.trust_tags => {
                Box::pin(self.mutation(cache, request, context)).await
            }
            _ => self.subgraphs.call(request, context).await,
        }
    }

    /// What is delivered while it arrives is neither kept nor looked for: nobody ever has it whole.
    async fn open(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<OpenResponse<SubgraphHeaders>, SubgraphError> {
        self.subgraphs.open(request, context).await
    }

    async fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphEvents, SubgraphError> {
        self.subgraphs.subscribe(request, context).await
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        self.subgraphs.seen_of(subgraph, context)
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        self.subgraphs.is_same(subgraph, &other.subgraphs, in_other)
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.subgraphs.state(subgraph)
    }
}

/// One request on its way through the cache.
struct Exchange<'a> {
    cache: &'a Arc<Cache>,
    rules: &'a Arc<Rules>,
    context: &'a SubgraphContext,
    with_credentials: bool,
    viewer: Option<Viewer>,
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> Cached<S> {
    async fn query(
        &self,
        cache: &Arc<Cache>,
        rules: &Arc<Rules>,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Outcome {
        let with_credentials = shows_credentials(rules, request.subgraph, context);
        let viewer = Viewer::new(&cache.viewer, &*self.subgraphs, request.subgraph, context, with_credentials);
        let exchange = Exchange { cache, rules, context, with_credentials, viewer };
        let Some(mut lookup) = exchange.lookup(&request) else {
            return self.subgraphs.call(request, context).await;
        };
        lookup.in_memory();
        let claims = if lookup.missing > 0 { exchange.look_further(&mut lookup).await } else { Claims::default() };
        if lookup.lists.iter().flat_map(|list| &list.slots).any(|slot| slot.is_stale()) {
            self.refresh(&exchange, &lookup);
        }
        let report = Arc::new(lookup.report());
        if lookup.missing == 0 {
            let cacheability = lookup.cacheability(cache.describes);
            return Ok(known(lookup.body(), None, cacheability, report));
        }
        let has_known = lookup.lists.iter().flat_map(|list| &list.slots).any(|slot| slot.known().is_some());
        let sent = match has_known {
            true => bodies::part(&request, |list, number| lookup.lists[list].slots[number].known().is_none()),
            false => request.clone(),
        };
        let flight = lookup.missing_keys().map(|keys| cache.flights.begin(keys.into_iter()));
        let claims = exchange.claimed(&lookup, claims);
        let outcome = self.subgraphs.call(sent.clone(), context).await;
        let is_failure = outcome.as_ref().map_or(true, |response| response.status >= 500);
        if is_failure && lookup.has_fallback() {
            lookup.fall_back();
            let failure = match outcome {
                Err(error) => error,
                Ok(response) => SubgraphError {
                    kind: braid_executor::SubgraphErrorKind::Transport,
                    message: format!("HTTP status {}", response.status),
                    retryable: false,
                },
            };
            let failure = (lookup.missing > 0).then_some(failure);
            let cacheability = lookup.cacheability(cache.describes).filter(|_| failure.is_none());
            return Ok(known(lookup.body(), failure.map(|failure| (failure, lookup.is_known())), cacheability, report));
        }
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) if has_known => {
                return Ok(known(lookup.body(), Some((error, lookup.is_known())), None, report));
            }
            Err(error) => return Err(error),
        };
        let keeper = exchange.keeper(&lookup, sent, response.status, &response.meta, flight, claims);
        let fetched = keeper.as_ref().and_then(|keeper| keeper.cacheability(&response.body, cache.describes));
        response.meta.cacheability = match (fetched, lookup.cacheability(cache.describes)) {
            (Some(fetched), Some(known)) => Some(Arc::new(fetched.and(&known))),
            (fetched, None) => fetched.map(Arc::new),
            (None, Some(_)) => None,
        };
        response.meta.cache = Some(report);
        let known = has_known.then(|| Known { body: lookup.body(), is_known: lookup.is_known() });
        let keep = keeper.map(|keeper| Arc::new(keeper) as Arc<dyn Keep>);
        response.kept = Some(Box::new(Kept { known, failure: None, keep }));
        Ok(response)
    }

    /// Asks again for what is served stale, unless somebody does.
    fn refresh(&self, exchange: &Exchange<'_>, lookup: &Lookup<'_>) {
        let cache = exchange.cache;
        let flight = cache.flights.begin(lookup.stale_keys());
        if flight.is_empty() {
            return;
        }
        let is_own = |list: usize, number: usize| {
            let list = &lookup.lists[list];
            let key = list.place.map(|place| list.asked.key(place.group, number));
            list.slots[number].is_stale() && key.is_some_and(|key| flight.has(key))
        };
        let sent = bodies::part(lookup.request, is_own);
        let (subgraphs, context) = (self.subgraphs.clone(), exchange.context.clone());
        let (cache, rules) = (cache.clone(), exchange.rules.clone());
        let (with_credentials, viewer) = (exchange.with_credentials, exchange.viewer.clone());
        let groups: Vec<Group> = lookup.lists.iter().map(|list| list.asked.group).collect();
        let document = lookup.request.values.document.clone();
        cache.refreshes.clone().spawn(async move {
            let position = cache.desk.store.position();
            // The client's deadline is not that of the refresh.
            let request = SubgraphRequest { deadline: None, ..sent.clone() };
            let Ok(response) = subgraphs.call(request, &context).await else { return };
            let exchange = Exchange { cache: &cache, rules: &rules, context: &context, with_credentials, viewer };
            let empty = HeaderMap::new();
            let headers = response.meta.headers().unwrap_or(&empty);
            let Ok(said) = exchange.said(sent.subgraph, response.status, headers) else { return };
            let keeper = Keeper {
                desk: cache.desk.clone(),
                rules: rules.clone(),
                document,
                sent,
                groups,
                said,
                viewer: exchange.viewer,
                position,
                claims: None,
                _flight: Some(flight),
            };
            refresh::keep(&keeper, &response.body);
        });
    }

    /// A mutation, which throws out what its response says.
    async fn mutation(&self, cache: &Arc<Cache>, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        let response = self.subgraphs.call(request, context).await?;
        let tags = GivenTags::of_body(&response.body).unwrap_or_default();
        let invalidations: Vec<Invalidation> =
            tags.of_all.iter().map(|tag| Invalidation::Tag { subgraph: None, tag: tag.to_string() }).collect();
        if !invalidations.is_empty() {
            let store = cache.desk.store.clone();
            // It goes on when the client hangs up.
            let done = tokio::spawn(async move { store.invalidate(&invalidations).await });
            if let Ok(Err(error)) = done.await {
                tracing::warn!(%error, "What a mutation made untrue may still be served by other routers");
            }
        }
        Ok(response)
    }
}

impl Exchange<'_> {
    fn lookup<'r>(&'r self, request: &'r SubgraphRequest) -> Option<Lookup<'r>> {
        let desk = &self.cache.desk;
        let asker = Asker {
            rules: self.rules,
            metrics: &self.cache.metrics,
            schema: &desk.supergraph.schema,
            query: &desk.query,
            vary: &self.cache.vary,
            context: self.context,
        };
        let lists = asker.lists(request)?;
        // After a mutation, and when an event tells of a change, what was kept may be from before.
        let may_read = request.operation == OperationType::Query;
        Some(Lookup::new(request, self.rules, &desk.store, lists, |list| {
            if !may_read {
                return None;
            }
            let viewer = || Some(self.viewer.as_ref()?.group(list.group));
            let is_somebody = self.with_credentials || self.viewer.is_some();
            place_by(desk.verdicts.get(list.group), list.group, is_somebody, viewer)
        }))
    }

    /// Looks in Redis for what is not in memory, and waits for others who ask for the same.
    async fn look_further(&self, lookup: &mut Lookup<'_>) -> Claims {
        let waits = lookup.missing_keys().and_then(|keys| self.cache.flights.all(keys.into_iter()));
        if let Some(landings) = waits {
            let all = async {
                for landing in landings {
                    landing.cancelled().await;
                }
            };
            let until = lookup.request.deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            // Too late is seen by whoever asks next.
            let _ = tokio::time::timeout_at(until.into(), all).await;
            lookup.in_memory();
            if lookup.missing == 0 {
                return Claims::default();
            }
        }
        let mut claims = lookup.in_redis(true).await;
        for pause in LOOKS {
            if lookup.missing == 0 || !claims.are_elsewhere {
                break;
            }
            tokio::time::sleep(pause).await;
            claims = lookup.in_redis(false).await;
        }
        claims
    }

    fn claimed(&self, lookup: &Lookup<'_>, claims: Claims) -> Option<ClaimedKeys> {
        let key = |(list, number): &(usize, usize)| {
            let list = &lookup.lists[*list];
            Some(list.asked.key(list.place?.group, *number).to_key())
        };
        let keys: Vec<Key> = claims.own.iter().filter_map(key).collect();
        let store = self.cache.desk.store.clone();
        (!keys.is_empty()).then(|| ClaimedKeys { store, keys, are_kept: AtomicBool::new(false) })
    }

    fn said(&self, subgraph: SubgraphId, status: u16, headers: &HeaderMap) -> Result<Said, NotKept> {
        let sent =
            Sent { subgraph, context: self.context, with_credentials: self.with_credentials, vary: &self.cache.vary };
        let said = Said::new(status, headers, &sent, self.rules, now());
        if said == Err(NotKept::Vary) {
            self.tell_of_vary(subgraph, headers);
        }
        said
    }

    fn tell_of_vary(&self, subgraph: SubgraphId, headers: &HeaderMap) {
        let told = self.cache.told_of_vary.get(subgraph.index());
        if told.is_some_and(|told| !told.swap(true, std::sync::atomic::Ordering::Relaxed)) {
            let vary = headers.get(http::header::VARY).and_then(|value| value.to_str().ok()).unwrap_or_default();
            tracing::warn!(
                subgraph = self.rules.subgraph,
                vary,
                "Responses of the subgraph depend on headers that are forwarded to it and not part of the cache's keys, so they are not kept; list the headers in cache.vary"
            );
        }
    }

    /// What keeps the values of a response; `None` if they are not kept.
    fn keeper(
        &self,
        lookup: &Lookup<'_>,
        sent: SubgraphRequest,
        status: u16,
        meta: &SubgraphHeaders,
        flight: Option<Flight>,
        claims: Option<ClaimedKeys>,
    ) -> Option<Keeper> {
        let empty = HeaderMap::new();
        let said = match self.said(sent.subgraph, status, meta.headers().unwrap_or(&empty)) {
            Ok(said) => said,
            Err(reason) => {
                // A failure says nothing about the next response.
                if reason != NotKept::Status {
                    let verdicts = &self.cache.desk.verdicts;
                    lookup.lists.iter().for_each(|list| {
                        verdicts.put(list.asked.group, crate::verdicts::Verdict::NotKept);
                    });
                }
                return None;
            }
        };
        Some(Keeper {
            desk: self.cache.desk.clone(),
            rules: self.rules.clone(),
            document: lookup.request.values.document.clone(),
            sent,
            groups: lookup.lists.iter().map(|list| list.asked.group).collect(),
            said,
            viewer: self.viewer.clone(),
            position: lookup.position,
            claims,
            _flight: flight,
        })
    }
}

/// A response with what is known, and the reason why the rest is missing.
fn known(
    body: Bytes,
    failure: Option<(SubgraphError, Vec<Vec<bool>>)>,
    cacheability: Option<Cacheability>,
    report: Arc<CacheReport>,
) -> SubgraphResponse<SubgraphHeaders> {
    let mut meta = SubgraphHeaders::default();
    meta.cacheability = cacheability.map(Arc::new);
    meta.cache = Some(report);
    match failure {
        None => SubgraphResponse::new(200, body, meta),
        Some((failure, is_known)) => {
            let kept = Kept { known: Some(Known { body, is_known }), failure: Some(failure), keep: None };
            SubgraphResponse { kept: Some(Box::new(kept)), ..SubgraphResponse::new(200, Bytes::new(), meta) }
        }
    }
}
