//! Which document a request runs, and whether it may: found by an id, or as it was sent. Knows no schema and no plan.
//!
//! A document that is listed under an id may run. Any other text is looked for in the list where the mode asks for that: once, and what
//! came of it is kept with the compiled operation (`Membership`). Whether a client is exempt is not kept: operations are shared by all.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use braid_graphql::error::GraphQLError;
use braid_persisted_operations::config::{ExemptConfig, IdsConfig, Mode, PersistedOperationsConfig};
use braid_persisted_operations::{AutomaticQueries, Found, ListedOperation, OperationStore, QueryHash, SharedError};
use braid_request_context::RequestContext;
use braid_request_context::identity::ClaimPath;
use braid_telemetry::metrics::{DocumentOutcome, Metrics};
use http::{HeaderName, StatusCode};
use subtle::ConstantTimeEq;

use crate::operation_cache::Wanted;
use crate::permissions::has_claim;
use crate::refusal::Refusal;
use crate::request::{GraphQLRequest, Unreadable, unescape};

/// The documents that requests can run.
#[derive(Debug)]
pub struct Documents {
    store: Option<Arc<OperationStore>>,
    automatic: Option<Arc<AutomaticQueries>>,
    mode: Mode,
    exemptions: Exemptions,
    /// Where ids can be in a URL.
    pub ids: IdsConfig,
    metrics: Arc<Metrics>,
}

/// Why persisted operations can't be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Redis can't be used.
    #[error(transparent)]
    Redis(#[from] SharedError),
    /// An exemption can't be understood.
    #[error("persisted_operations.exempt: {0}")]
    Exemption(String),
}

/// A document that a request runs.
#[derive(Debug)]
pub(crate) enum Document<'a> {
    /// It was sent as a text. It is registered under its hash, if that came with it.
    Sent(&'a str, Option<QueryHash>),
    /// It was registered under its hash.
    Registered(Arc<str>),
    /// It is listed under its id.
    Listed(Arc<ListedOperation>),
}

/// What a search for a document comes to.
pub(crate) enum Search<'a> {
    /// It is there.
    Found(Document<'a>),
    /// Redis may have it.
    Elsewhere(QueryHash),
}

/// Whether the text of an operation is in the list, as far as it was looked for: the number of the list, and a bit for what came of it.
#[derive(Debug, Default)]
pub(crate) struct Membership(AtomicU64);

#[derive(Debug, Default)]
struct Exemptions {
    headers: Vec<(HeaderName, Vec<u8>)>,
    claims: Vec<(ClaimPath, Option<String>)>,
}

impl Documents {
    /// All documents, sent as texts.
    pub(crate) fn all(metrics: Arc<Metrics>) -> Self {
        let (mode, exemptions, ids) = (Mode::Allow, Exemptions::default(), IdsConfig::default());
        Self { store: None, automatic: None, mode, exemptions, ids, metrics }
    }

    /// The documents that the configuration permits, with the list of `store`. What clients have registered is taken over from `older`.
    /// Must be called on a runtime if there is a Redis server.
    pub fn new(
        config: &PersistedOperationsConfig,
        store: Option<Arc<OperationStore>>,
        older: Option<&Self>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, DocumentError> {
        let older = older.and_then(|older| older.automatic.as_ref());
        // Where nothing runs but by its listed id, there is nothing to register.
        let automatic = match config.mode {
            Mode::IdsOnly => None,
            Mode::Allow | Mode::LogUnknown | Mode::Safelist => {
                AutomaticQueries::open(&config.automatic, older, metrics)?
            }
        };
        let (exemptions, ids) = (Exemptions::new(&config.exempt)?, config.ids.clone());
        Ok(Self { store, automatic, mode: config.mode, exemptions, ids, metrics: metrics.clone() })
    }

    /// The list of persisted operations, if there is one.
    pub fn store(&self) -> Option<&Arc<OperationStore>> {
        self.store.as_ref()
    }

    /// The document of a request, or where it may be.
    pub(crate) fn get<'a>(&self, request: &'a GraphQLRequest<'_>) -> Result<Search<'a>, Refusal> {
        let query = request.query.as_deref();
        match (query, &request.document_id) {
            (Some(text), None) if !request.may_have_hash() => Ok(Search::Found(Document::Sent(text, None))),
            (Some(text), Some(id)) => self.sent_with_id(text, id),
            (None, Some(id)) => self.by_id(id, false),
            (Some(text), None) => self.sent_with_hash(text, request),
            (None, None) => match request.hash() {
                Some(Some(hash)) => self.by_id(&hash, true),
                Some(None) => Err(not_supported()),
                None => Err(Unreadable::no_document().into()),
            },
        }
    }

    /// The document with a hash that this router does not have in memory.
    pub(crate) async fn fetch(&self, hash: QueryHash) -> Result<Document<'static>, Refusal> {
        let found = match &self.automatic {
            Some(automatic) => automatic.find(&hash).await,
            None => None,
        };
        let Some((text, place)) = found else { return Err(self.not_found()) };
        self.metrics.document(match place {
            Found::InMemory => DocumentOutcome::Automatic,
            Found::InRedis => DocumentOutcome::AutomaticShared,
        });
        Ok(Document::Registered(text))
    }

    /// The document with an id. Clients of automatic persisted queries can send the text once they are told that it is not there.
    fn by_id(&self, id: &str, is_hash: bool) -> Result<Search<'static>, Refusal> {
        if let Some(listed) = self.store.as_ref().and_then(|store| store.list().get(id).cloned()) {
            self.metrics.document(DocumentOutcome::Listed);
            return Ok(Search::Found(Document::Listed(listed)));
        }
        match (&self.automatic, QueryHash::parse(id)) {
            (Some(automatic), Some(hash)) => match automatic.known(&hash) {
                Some(text) => {
                    self.metrics.document(DocumentOutcome::Automatic);
                    Ok(Search::Found(Document::Registered(text)))
                }
                None if automatic.is_shared() => Ok(Search::Elsewhere(hash)),
                None => Err(self.not_found()),
            },
            (None, _) if self.store.is_none() => Err(not_supported()),
            // The text may do where the hash does not.
            _ if is_hash && self.mode != Mode::IdsOnly => Err(self.not_found()),
            _ => {
                self.metrics.document(DocumentOutcome::NotFound);
                let shown: String = id.chars().take(80).collect();
                let message = format!("No persisted operation has the id \"{shown}\".");
                Err(GraphQLError::new("PERSISTED_QUERY_NOT_IN_LIST", message).into())
            }
        }
    }

    fn sent_with_id<'a>(&self, text: &'a str, id: &str) -> Result<Search<'a>, Refusal> {
        match (&self.automatic, QueryHash::parse(id)) {
            (Some(automatic), Some(hash)) => self.to_register(text, hash, automatic),
            // Nothing is known of ids here.
            _ if self.store.is_none() => Ok(Search::Found(Document::Sent(text, None))),
            _ => {
                let message = "The request has the id of a persisted operation and a text: send one of them.";
                Err(GraphQLError::new("CANNOT_SEND_PQ_ID_AND_BODY", message).into())
            }
        }
    }

    fn sent_with_hash<'a>(&self, text: &'a str, request: &GraphQLRequest<'_>) -> Result<Search<'a>, Refusal> {
        let hash: Option<Cow<'_, str>> = request.hash().flatten();
        match (&self.automatic, hash.and_then(|hash| QueryHash::parse(&hash))) {
            (Some(automatic), Some(hash)) => self.to_register(text, hash, automatic),
            _ => Ok(Search::Found(Document::Sent(text, None))),
        }
    }

    /// A text that was sent with its hash.
    fn to_register<'a>(
        &self,
        text: &'a str,
        hash: QueryHash,
        automatic: &AutomaticQueries,
    ) -> Result<Search<'a>, Refusal> {
        if automatic.known(&hash).is_some_and(|known| *known == *text) {
            return Ok(Search::Found(Document::Sent(text, None)));
        }
        if QueryHash::of(&unescape(text)?) != hash {
            self.metrics.document(DocumentOutcome::Mismatch);
            let message = "The hash is not the SHA-256 of the text that came with it.";
            return Err(Refusal::fixed(StatusCode::BAD_REQUEST, "PERSISTED_QUERY_HASH_MISMATCH", message));
        }
        Ok(Search::Found(Document::Sent(text, Some(hash))))
    }

    /// Whether a document may run. What comes of looking for its text in the list is kept in `membership`.
    pub(crate) fn admit(
        &self,
        document: &Document<'_>,
        membership: &Membership,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        match (self.mode, document) {
            (Mode::Allow, _) | (_, Document::Listed(_)) => Ok(()),
            (mode, document) => self.admit_text(mode, document, membership, context),
        }
    }

    fn admit_text(
        &self,
        mode: Mode,
        document: &Document<'_>,
        membership: &Membership,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        if mode != Mode::IdsOnly && self.is_listed(document.text(), membership) {
            self.metrics.document(DocumentOutcome::ListedText);
            return Ok(());
        }
        if self.exemptions.apply_to(context) {
            self.metrics.document(DocumentOutcome::Exempt);
            return Ok(());
        }
        if mode == Mode::LogUnknown {
            self.metrics.document(DocumentOutcome::Unlisted);
            return Ok(());
        }
        self.metrics.document(DocumentOutcome::Refused);
        let error = match mode {
            Mode::IdsOnly => {
                let message = "Operations are taken by the id of a persisted operation only, not as a text.";
                GraphQLError::new("PERSISTED_QUERY_ID_REQUIRED", message)
            }
            Mode::Allow | Mode::LogUnknown | Mode::Safelist => {
                GraphQLError::new("QUERY_NOT_IN_SAFELIST", "The operation is not in the list of persisted operations.")
            }
        };
        Err(error.into())
    }

    fn is_listed(&self, text: &str, membership: &Membership) -> bool {
        let Some(store) = &self.store else { return false };
        let list = store.list();
        if let Some(listed) = membership.in_list(list.number()) {
            return listed;
        }
        let listed = list.contains(text);
        if !listed && self.mode == Mode::LogUnknown {
            let shown: String = text.chars().take(300).collect();
            tracing::info!(text = shown, "An operation is not in the list of persisted operations");
        }
        membership.set(list.number(), listed);
        listed
    }

    /// Keeps a document that came with its hash, once it is known to be one.
    pub(crate) fn register(&self, document: &Document<'_>) {
        let (Document::Sent(json, Some(hash)), Some(automatic)) = (document, &self.automatic) else { return };
        let Ok(text) = unescape(json) else { return };
        automatic.keep(*hash, json, &text);
        self.metrics.document(DocumentOutcome::Registered);
    }

    fn not_found(&self) -> Refusal {
        self.metrics.document(DocumentOutcome::NotFound);
        GraphQLError::new("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound").into()
    }
}

fn not_supported() -> Refusal {
    GraphQLError::new("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported").into()
}

impl Document<'_> {
    /// The text, as a JSON string with its quotes.
    fn text(&self) -> &str {
        match self {
            Self::Sent(text, _) => text,
            Self::Registered(text) => text,
            Self::Listed(operation) => &operation.json,
        }
    }

    /// The operation of it that a request asks for. The only operation of a listed document needs no name, so that it is compiled once
    /// whether a client names it or not.
    pub(crate) fn wanted<'d>(&'d self, request: &'d GraphQLRequest<'_>, graph: Option<&'d Arc<str>>) -> Wanted<'d> {
        let name = request.operation_name.as_deref();
        let operation_name = match self {
            Self::Listed(operation) if operation.only_operation.as_deref() == name => None,
            _ => name,
        };
        Wanted { query: self.text(), operation_name, values: None, graph }
    }
}

impl Membership {
    /// Whether the text is in the list with this number, if that is known.
    fn in_list(&self, number: u64) -> Option<bool> {
        let known = self.0.load(Ordering::Relaxed);
        (known >> 1 == number).then_some(known & 1 == 1)
    }

    fn set(&self, number: u64, listed: bool) {
        self.0.store(number << 1 | u64::from(listed), Ordering::Relaxed);
    }

    /// Takes over what is known of the same text.
    pub(crate) fn take_over(&self, other: &Self) {
        self.0.fetch_max(other.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Exemptions {
    fn new(config: &ExemptConfig) -> Result<Self, DocumentError> {
        let mut exemptions = Self::default();
        for header in &config.headers {
            let name = header
                .name
                .parse()
                .map_err(|_| DocumentError::Exemption(format!("headers: \"{}\" is not a header name", header.name)))?;
            exemptions.headers.push((name, header.value.0.clone().into_bytes()));
        }
        for claim in &config.claims {
            let path = claim.claim.parse().map_err(|problem| DocumentError::Exemption(format!("claims: {problem}")))?;
            exemptions.claims.push((path, claim.has.clone()));
        }
        Ok(exemptions)
    }

    /// Whether a client may send what is not listed. Secrets are compared in constant time.
    fn apply_to(&self, context: &RequestContext) -> bool {
        let has_secret = |(name, secret): &(HeaderName, Vec<u8>)| {
            context.headers.get(name).is_some_and(|value| value.as_bytes().ct_eq(secret).into())
        };
        let has_claim = |(path, wanted): &(ClaimPath, Option<String>)| {
            let principal = context.identity.principal();
            principal.is_some_and(|principal| has_claim(principal, path, wanted.as_deref()))
        };
        self.headers.iter().any(has_secret) || self.claims.iter().any(has_claim)
    }
}
