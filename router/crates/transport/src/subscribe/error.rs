//! The errors of subscriptions. Those of lost connections are retryable: another connection may do better. Knows no protocol.

use braid_executor::{SubgraphError, SubgraphErrorKind};

/// The connection was lost, or could not be made.
pub(crate) fn lost(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: true }
}

/// The subgraph took too long, or shows no sign of life.
pub(crate) fn timeout(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Timeout, message, retryable: true }
}

/// The subgraph does not want it.
pub(crate) fn refused(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: false }
}

/// What the subgraph sent is not what the protocol says.
pub(crate) fn malformed(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false }
}

/// An event is larger than it may be.
pub(crate) fn too_large(max: usize) -> SubgraphError {
    let message = format!("an event is larger than the limit of {max} bytes (subscriptions.max_message_bytes)");
    SubgraphError { kind: SubgraphErrorKind::TooLarge, message, retryable: false }
}

/// There are as many subscriptions as there may be.
pub(crate) fn overloaded(max: usize) -> SubgraphError {
    let message = format!("{max} subscriptions are made at the subgraph already (subscriptions.max)");
    SubgraphError { kind: SubgraphErrorKind::Overloaded, message, retryable: false }
}
