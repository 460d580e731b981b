//! Which error codes are labels of metrics: those of the router, and a limited number of those that subgraphs send. Knows no metric.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The codes of the router's own errors, sorted. A test of the package `braid` compares the list with the code.
pub const OWN: &[&str] = &[
    "API_KEY_EXPIRED",
    "API_KEY_UNKNOWN",
    "BAD_USER_INPUT",
    "BATCHING_NOT_ENABLED",
    "BATCH_LIMIT_EXCEEDED",
    "CANNOT_SEND_PQ_ID_AND_BODY",
    "CLIENT_CERTIFICATE_EXPIRED",
    "CLIENT_STREAM_LIMIT_REACHED",
    "COPROCESSOR_FAILED",
    "COPROCESSOR_REFUSED",
    "COST_ESTIMATED_TOO_EXPENSIVE",
    "COST_INVALID_SLICING_ARGUMENTS",
    "CREDENTIALS_AMBIGUOUS",
    "CREDENTIALS_SCHEME_UNKNOWN",
    "CSRF_PREVENTION_FAILED",
    "DOWNSTREAM_SERVICE_ERROR",
    "DRY_RUN_NOT_ALLOWED",
    "EVENT_MALFORMED",
    "GATEWAY_TIMEOUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "GRAPH_NOT_FOUND",
    "INTERNAL_SERVER_ERROR",
    "INTROSPECTION_DISABLED",
    "INVALID_GRAPHQL_REQUEST",
    "JWT_ALGORITHM_NOT_ACCEPTED",
    "JWT_AUDIENCE_NOT_ACCEPTED",
    "JWT_CLAIM_INVALID",
    "JWT_CLAIM_MISSING",
    "JWT_EXPIRED",
    "JWT_ISSUER_NOT_ACCEPTED",
    "JWT_KEYS_UNAVAILABLE",
    "JWT_KEY_UNKNOWN",
    "JWT_MALFORMED",
    "JWT_NOT_YET_VALID",
    "JWT_SIGNATURE_INVALID",
    "JWT_TOO_LARGE",
    "JWT_TYPE_NOT_ACCEPTED",
    "JWT_UNSUPPORTED",
    "MAX_ALIASES_LIMIT",
    "MAX_DEFERRED_LIMIT",
    "MAX_DEPTH_LIMIT",
    "MAX_DIRECTIVES_LIMIT",
    "MAX_FIELDS_LIMIT",
    "MAX_INTROSPECTION_DEPTH_LIMIT",
    "MAX_RECURSION_LIMIT",
    "MAX_ROOT_FIELDS_LIMIT",
    "MAX_TOKENS_LIMIT",
    "METHOD_NOT_ALLOWED",
    "MOCK_ERROR",
    "MUTATION_NOT_ALLOWED_FOR_AGENTS",
    "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
    "NON_NULLABLE_FIELD_IS_NULL",
    "NOT_ACCEPTABLE",
    "NOT_FOUND",
    "OPERATION_KIND_UNSUPPORTED",
    "OPERATION_RESOLUTION_FAILURE",
    "OPERATION_TOO_COMPLEX",
    "ORIGIN_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "PERSISTED_QUERY_HASH_MISMATCH",
    "PERSISTED_QUERY_ID_REQUIRED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_IN_LIST",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "QUERY_NOT_IN_SAFELIST",
    "QUERY_PLANNING_TOO_COMPLEX",
    "QUERY_PLANNING_UNSATISFIABLE",
    "RATE_LIMITED",
    "REPLAY_FAILED",
    "REPLAY_NOT_RECORDED",
    "REQUEST_CONCURRENCY_LIMITED",
    "REQUEST_MEMORY_LIMIT_EXCEEDED",
    "REQUEST_TIMEOUT",
    "RESPONSE_TOO_LARGE",
    "SOCKET_OPERATION_LIMIT_REACHED",
    "STREAM_LIMIT_REACHED",
    "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE",
    "SUBREQUEST_CIRCUIT_OPEN",
    "SUBREQUEST_HTTP_ERROR",
    "SUBREQUEST_INVALID_VALUE",
    "SUBREQUEST_MALFORMED_RESPONSE",
    "SUBREQUEST_OVERLOADED",
    "SUBREQUEST_RESPONSE_TOO_DEEP",
    "SUBREQUEST_RESPONSE_TOO_LARGE",
    "SUBREQUEST_TIMEOUT",
    "SUBREQUEST_UNKNOWN_TYPE",
    "SUBSCRIPTION_CREDENTIALS_EXPIRED",
    "SUBSCRIPTION_GAP",
    "SUBSCRIPTION_IDLE",
    "SUBSCRIPTION_MAX_DURATION",
    "SUBSCRIPTION_NOT_ACCEPTABLE",
    "SUBSCRIPTION_NOT_SUPPORTED",
    "SUBSCRIPTION_SCHEMA_RELOAD",
    "SUBSCRIPTION_SHUTDOWN",
    "SUBSCRIPTION_TOO_SLOW",
    "TOO_MANY_ERRORS",
    "UNAUTHENTICATED",
    "UNAUTHORIZED_FIELD_OR_TYPE",
    "UNAUTHORIZED_OPERATION",
    "UNSUPPORTED_CONTENT_TYPE",
    "UPLOADS_LIMIT_EXCEEDED",
    "UPLOADS_NOT_ENABLED",
    "WASM_HOOK_FAILED",
    "WASM_HOOK_REFUSED",
    "WEBSOCKET_HANDSHAKE_INVALID",
    "WEBSOCKET_NEEDS_HTTP1",
    "WEBSOCKET_NOT_ENABLED",
];

/// The codes of errors that say that a limit of the router was exceeded.
pub(crate) const LIMITS: &[&str] = &[
    "BATCH_LIMIT_EXCEEDED",
    "CLIENT_STREAM_LIMIT_REACHED",
    "COST_ESTIMATED_TOO_EXPENSIVE",
    "GATEWAY_TIMEOUT",
    "MAX_ALIASES_LIMIT",
    "MAX_DEFERRED_LIMIT",
    "MAX_DEPTH_LIMIT",
    "MAX_DIRECTIVES_LIMIT",
    "MAX_FIELDS_LIMIT",
    "MAX_INTROSPECTION_DEPTH_LIMIT",
    "MAX_RECURSION_LIMIT",
    "MAX_ROOT_FIELDS_LIMIT",
    "MAX_TOKENS_LIMIT",
    "PAYLOAD_TOO_LARGE",
    "QUERY_PLANNING_TOO_COMPLEX",
    "RATE_LIMITED",
    "REQUEST_CONCURRENCY_LIMITED",
    "REQUEST_MEMORY_LIMIT_EXCEEDED",
    "REQUEST_TIMEOUT",
    "RESPONSE_TOO_LARGE",
    "SOCKET_OPERATION_LIMIT_REACHED",
    "STREAM_LIMIT_REACHED",
    "SUBREQUEST_OVERLOADED",
    "SUBREQUEST_RESPONSE_TOO_DEEP",
    "SUBREQUEST_RESPONSE_TOO_LARGE",
    "SUBREQUEST_TIMEOUT",
    "SUBSCRIPTION_IDLE",
    "SUBSCRIPTION_MAX_DURATION",
    "SUBSCRIPTION_TOO_SLOW",
    "TOO_MANY_ERRORS",
    "UPLOADS_LIMIT_EXCEEDED",
];

/// The maximum number of codes of subgraphs that get a label: a label uses memory for as long as the process runs.
const MAX_FOREIGN: usize = 100;

/// The label of all other codes.
pub(crate) const OTHER: &str = "OTHER";

/// The first codes that subgraphs have sent.
#[derive(Debug, Default)]
pub(crate) struct ForeignCodes(Mutex<BTreeSet<String>>);

impl ForeignCodes {
    /// The label under which an error with this code is counted.
    pub(crate) fn label<'a>(&self, code: &'a str) -> &'a str {
        if OWN.binary_search(&code).is_ok() || self.admit(code) { code } else { OTHER }
    }

    fn admit(&self, code: &str) -> bool {
        let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if code.is_empty() || code.len() > 48 || !code.bytes().all(is_name) {
            return false;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.contains(code) || (seen.len() < MAX_FOREIGN && seen.insert(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_are_sorted_and_limits_are_among_them() {
        assert!(OWN.is_sorted());
        assert!(LIMITS.iter().all(|code| OWN.binary_search(code).is_ok()));
    }

    #[test]
    fn the_number_of_labels_is_limited() {
        let codes = ForeignCodes::default();
        for number in 0..10 * MAX_FOREIGN {
            codes.label(&format!("MADE_UP_{number}"));
        }
        assert_eq!(codes.0.lock().unwrap().len(), MAX_FOREIGN);
        assert_eq!(codes.label("MADE_UP_0"), "MADE_UP_0");
        assert_eq!(codes.label("MADE_UP_999"), OTHER);
        assert_eq!(codes.label("GATEWAY_TIMEOUT"), "GATEWAY_TIMEOUT");
        assert_eq!(codes.label("no code"), OTHER);
        assert_eq!(codes.label(""), OTHER);
    }
}
