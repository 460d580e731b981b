//! Which error codes are labels of metrics: those of the router by name, and a bounded number of those that subgraphs make up.
//! Knows no metric.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The codes of the router's own errors, in order. A test of the package `braid` holds the list to the code.
pub const OWN: &[&str] = &[
    "BAD_USER_INPUT",
    "BATCHING_NOT_ENABLED",
    "BATCH_LIMIT_EXCEEDED",
    "CSRF_PREVENTION_FAILED",
    "DOWNSTREAM_SERVICE_ERROR",
    "GATEWAY_TIMEOUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INTERNAL_SERVER_ERROR",
    "INTROSPECTION_DISABLED",
    "INVALID_GRAPHQL_REQUEST",
    "MAX_ALIASES_LIMIT",
    "MAX_DEPTH_LIMIT",
    "MAX_DIRECTIVES_LIMIT",
    "MAX_FIELDS_LIMIT",
    "MAX_INTROSPECTION_DEPTH_LIMIT",
    "MAX_RECURSION_LIMIT",
    "MAX_ROOT_FIELDS_LIMIT",
    "MAX_TOKENS_LIMIT",
    "METHOD_NOT_ALLOWED",
    "MUTATION_NOT_ALLOWED_OVER_HTTP_GET",
    "NON_NULLABLE_FIELD_IS_NULL",
    "NOT_ACCEPTABLE",
    "NOT_FOUND",
    "OPERATION_KIND_UNSUPPORTED",
    "OPERATION_RESOLUTION_FAILURE",
    "OPERATION_TOO_COMPLEX",
    "PAYLOAD_TOO_LARGE",
    "PERSISTED_QUERY_NOT_SUPPORTED",
    "QUERY_PLANNING_TOO_COMPLEX",
    "QUERY_PLANNING_UNSATISFIABLE",
    "REQUEST_CONCURRENCY_LIMITED",
    "REQUEST_MEMORY_LIMIT_EXCEEDED",
    "REQUEST_TIMEOUT",
    "RESPONSE_TOO_LARGE",
    "SUBREQUEST_HTTP_ERROR",
    "SUBREQUEST_INVALID_VALUE",
    "SUBREQUEST_MALFORMED_RESPONSE",
    "SUBREQUEST_OVERLOADED",
    "SUBREQUEST_RESPONSE_TOO_DEEP",
    "SUBREQUEST_RESPONSE_TOO_LARGE",
    "SUBREQUEST_TIMEOUT",
    "SUBREQUEST_UNKNOWN_TYPE",
    "SUBSCRIPTION_NOT_SUPPORTED",
    "TOO_MANY_ERRORS",
    "UNSUPPORTED_CONTENT_TYPE",
];

/// The most codes of subgraphs that have a label of their own: each label costs memory for as long as the process runs.
const MAX_FOREIGN: usize = 100;

/// The label of all further codes.
pub(crate) const OTHER: &str = "OTHER";

/// The codes of subgraphs that were seen first.
#[derive(Debug, Default)]
pub(crate) struct ForeignCodes(Mutex<BTreeSet<String>>);

impl ForeignCodes {
    /// The label that an error with this code is counted under.
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
    fn own_codes_are_in_order() {
        assert!(OWN.is_sorted());
    }

    #[test]
    fn labels_are_bounded() {
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
