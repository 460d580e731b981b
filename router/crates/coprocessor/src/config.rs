//! What can be set about the coprocessor. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_settings::{ByteSize, Duration, Secret};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An HTTP service that takes part in requests. It is asked at the stages of which something is selected, and sent what is selected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CoprocessorConfig {
    /// Its URL. If not set, there is none.
    pub url: Option<String>,
    /// The time that it can take to answer, waiting for `max_concurrent_calls` included. A stage can have its own.
    pub timeout: Duration,
    /// The maximum size of an answer.
    pub max_response_bytes: ByteSize,
    /// The maximum number of calls at the same time; further ones are queued.
    pub max_concurrent_calls: usize,
    /// Headers for it, by name.
    pub http_headers: IndexMap<String, Secret>,
    /// TLS, for a URL at `https://`.
    pub tls: TlsClientConfig,
    /// HTTP requests of clients.
    pub router: RouterStages,
    /// Operations, before they are parsed and after they were run.
    pub supergraph: SupergraphStages,
    /// Operations that are valid and allowed.
    pub execution: ExecutionStages,
    /// Requests to subgraphs.
    pub subgraph: SubgraphStages,
}

impl Default for CoprocessorConfig {
    fn default() -> Self {
        Self {
            url: None,
            timeout: Duration::seconds(1),
            max_response_bytes: ByteSize(8 << 20),
            max_concurrent_calls: 512,
            http_headers: IndexMap::new(),
            tls: TlsClientConfig::default(),
            router: RouterStages::default(),
            supergraph: SupergraphStages::default(),
            execution: ExecutionStages::default(),
            subgraph: SubgraphStages::default(),
        }
    }
}

/// What becomes of a request when the coprocessor does not answer in time, or with something that can't be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It is refused: 503 with the code `COPROCESSOR_FAILED`. A request to a subgraph fails.
    #[default]
    Refuse,
    /// It goes on as if the coprocessor had changed nothing.
    Continue,
}

/// The entries of the request's context that are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ContextFields {
    /// `true`: all, under the names that `deprecated` has.
    All(bool),
    /// All, under one of two sets of names.
    Named(ContextNames),
    /// Some of them, under the names that `all` has.
    Selective {
        /// Their names.
        selective: Vec<String>,
    },
}

/// What the entries that the router fills are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContextNames {
    /// `apollo::authentication::jwt_claims`, `apollo::supergraph::operation_name` and `apollo::supergraph::operation_kind`.
    All,
    /// `apollo_authentication::JWT::claims`, `operation_name` and `operation_kind`.
    Deprecated,
}

impl Default for ContextFields {
    fn default() -> Self {
        Self::All(false)
    }
}

/// The stages of a client's HTTP request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouterStages {
    /// The request has come: `RouterRequest`.
    pub request: RouterRequestFields,
    /// The response is about to be sent: `RouterResponse`.
    pub response: ResponseFields,
}

/// The stages of an operation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SupergraphStages {
    /// The operation has been read, and not parsed: `SupergraphRequest`.
    pub request: OperationFields,
    /// The operation was run: `SupergraphResponse`. Answers in parts and events of subscriptions are not sent.
    pub response: ResponseFields,
}

/// The stages of an operation that is run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionStages {
    /// The operation is about to be run: `ExecutionRequest`.
    pub request: OperationFields,
    /// The operation was run: `ExecutionResponse`, before `SupergraphResponse`.
    pub response: ResponseFields,
}

/// The stages of requests to subgraphs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphStages {
    /// Those to all subgraphs.
    pub all: SubgraphStage,
}

/// The stages of a request to a subgraph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphStage {
    /// The request is about to be made: `SubgraphRequest`.
    pub request: SubgraphRequestFields,
    /// The subgraph has answered: `SubgraphResponse`. What is in the cache is no answer.
    pub response: SubgraphResponseFields,
}

/// Defines what is selected of a stage: fields that are switched on, and how calls are made.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Whether headers are sent.
            pub headers: bool,
            /// Which entries of the request's context are sent: `all`, those in `{ selective: [NAME] }`, or `true`: all under the names that Apollo
            /// Router 1 had.
            pub context: ContextFields,
            /// Whether the body is sent.
            pub body: bool,
            $($(#[$field_doc])* pub $field: bool,)+
            /// What becomes of the request when the coprocessor fails.
            pub on_error: OnError,
            /// The time that it can take to answer, if it is another one at this stage.
            pub timeout: Option<Duration>,
        }

        impl $name {
            /// Whether anything is selected: if not, the coprocessor is not asked.
            pub fn is_asked(&self) -> bool {
                self.headers || self.body || self.context != ContextFields::All(false) $(|| self.$field)+
            }

            /// What all stages have.
            pub(crate) fn common(&self) -> Common<'_> {
                Common { headers: self.headers, context: &self.context, body: self.body, on_error: self.on_error, timeout: self.timeout }
            }
        }
    };
}

/// What all stages have.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    pub(crate) headers: bool,
    pub(crate) context: &'a ContextFields,
    pub(crate) body: bool,
    pub(crate) on_error: OnError,
    pub(crate) timeout: Option<Duration>,
}

fields! {
    /// What is sent of a client's request.
    RouterRequestFields {
        /// Whether the supergraph is sent.
        sdl,
        /// Whether the path is sent.
        path,
        /// Whether the method is sent.
        method,
    }
}

fields! {
    /// What is sent of an operation.
    OperationFields {
        /// Whether the supergraph is sent.
        sdl,
        /// Whether the method is sent.
        method,
    }
}

fields! {
    /// What is sent of a response.
    ResponseFields {
        /// Whether the supergraph is sent.
        sdl,
        /// Whether the status is sent.
        status_code,
    }
}

fields! {
    /// What is sent of a request to a subgraph.
    SubgraphRequestFields {
        /// Whether the URL is sent that the supergraph has.
        uri,
        /// Whether the method is sent.
        method,
        /// Whether the name of the subgraph is sent.
        service_name,
        /// Whether the id of the request is sent, which its response has too.
        subgraph_request_id,
    }
}

fields! {
    /// What is sent of a subgraph's response.
    SubgraphResponseFields {
        /// Whether the name of the subgraph is sent.
        service_name,
        /// Whether the status is sent.
        status_code,
        /// Whether the id of the request is sent.
        subgraph_request_id,
    }
}
