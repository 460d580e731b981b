//! What a client can be answered with, which depends on how it asks. Knows no media type and no protocol.

use braid_graphql::OperationType;
use http::StatusCode;

use crate::refusal::Refusal;

/// What a client can be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    /// Whether it may change something. A GET may not.
    pub mutations: bool,
    /// Whether it takes the events of a subscription.
    pub subscriptions: bool,
    /// Whether it takes an answer in parts (`@defer`, `@stream`).
    pub incremental: bool,
}

impl Accepts {
    /// All that there is.
    pub const ALL: Self = Self { mutations: true, subscriptions: true, incremental: true };

    /// Whole responses, to mutations too.
    pub const WHOLE: Self = Self { mutations: true, subscriptions: false, incremental: false };

    /// Refuses an operation of a kind that the client can't be answered.
    pub(crate) fn check(self, kind: OperationType) -> Result<(), Refusal> {
        match kind {
            OperationType::Mutation if !self.mutations => {
                let code = "MUTATION_NOT_ALLOWED_OVER_HTTP_GET";
                Err(Refusal::fixed(StatusCode::METHOD_NOT_ALLOWED, code, "A mutation must be sent by POST."))
            }
            OperationType::Subscription if !self.subscriptions => Err(takes_no_stream()),
            _ => Ok(()),
        }
    }
}

/// The refusal of a subscription to a client that takes no stream.
pub(crate) fn takes_no_stream() -> Refusal {
    let message =
        "A subscription is answered as a stream: use a WebSocket, or accept text/event-stream or multipart/mixed.";
    Refusal::fixed(StatusCode::NOT_ACCEPTABLE, "SUBSCRIPTION_NOT_ACCEPTABLE", message)
}
