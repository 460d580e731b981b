//! The metrics of what comes to a router as untrue. Knows no other metric.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

/// How an invalidation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum InvalidationWay {
    /// By a request to the router's endpoint for it.
    Http,
    /// By a message of NATS.
    Nats,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum InvalidationOutcome {
    /// All routers of the group know it.
    Done,
    /// It can't be understood, or whoever sent it may not.
    Refused,
    /// Not all routers have acknowledged it; it has to be sent again.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Invalidated {
    pub(crate) way: InvalidationWay,
    pub(crate) outcome: InvalidationOutcome,
}
