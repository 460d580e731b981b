//! Why the stream of a subscription ends. Knows no protocol.

use braid_graphql::error::GraphQLError;

/// The end of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Why it ends.
    pub cause: EndCause,
    /// What the client is told; nothing where all events have been sent.
    pub errors: Vec<GraphQLError>,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndCause {
    /// The subgraph has completed the subscription, or the one response was sent.
    Completed,
    /// The client has ended it, or is gone.
    ClientLeft,
    /// The subgraph has refused the subscription, or failed.
    SubgraphFailed,
    /// Events may be missing.
    Gap,
    /// The client does not take its events.
    TooSlow,
    /// The operation is not valid with a new schema, or may not run with it.
    SchemaReload,
    /// The client's credentials have expired.
    CredentialsExpired,
    /// It has lasted as long as a stream may.
    MaxDuration,
    /// No event has come for too long.
    Idle,
    /// The router stops.
    Shutdown,
}

impl Ended {
    /// The end for a cause of which there is no more to say.
    pub fn for_cause(cause: EndCause) -> Self {
        let error = cause.error().map(|(code, message)| GraphQLError::new(code, message));
        Self { cause, errors: error.into_iter().collect() }
    }
}

impl EndCause {
    /// All causes.
    pub const ALL: [Self; 10] = [
        Self::Completed,
        Self::ClientLeft,
        Self::SubgraphFailed,
        Self::Gap,
        Self::TooSlow,
        Self::SchemaReload,
        Self::CredentialsExpired,
        Self::MaxDuration,
        Self::Idle,
        Self::Shutdown,
    ];

    /// What logs and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ClientLeft => "client_left",
            Self::SubgraphFailed => "subgraph_failed",
            Self::Gap => "gap",
            Self::TooSlow => "too_slow",
            Self::SchemaReload => "schema_reload",
            Self::CredentialsExpired => "credentials_expired",
            Self::MaxDuration => "max_duration",
            Self::Idle => "idle",
            Self::Shutdown => "shutdown",
        }
    }

    /// The code and the message for the client; none where nothing is wrong.
    pub fn error(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            // What a subgraph has failed with has a code of its own.
            Self::Completed | Self::ClientLeft | Self::SubgraphFailed => return None,
            Self::Gap => {
                ("SUBSCRIPTION_GAP", "The subgraph was away for a while, so events may be missing: subscribe again.")
            }
            Self::TooSlow => {
                ("SUBSCRIPTION_TOO_SLOW", "Events come faster than they are read: subscribe again, to fewer of them.")
            }
            Self::SchemaReload => (
                "SUBSCRIPTION_SCHEMA_RELOAD",
                "The schema has changed, and the operation can't go on with the new one.",
            ),
            Self::CredentialsExpired => {
                ("SUBSCRIPTION_CREDENTIALS_EXPIRED", "The credentials have expired: subscribe again with new ones.")
            }
            Self::MaxDuration => ("SUBSCRIPTION_MAX_DURATION", "A stream may not last longer: subscribe again."),
            Self::Idle => ("SUBSCRIPTION_IDLE", "No event has come for a long time: subscribe again."),
            Self::Shutdown => ("SUBSCRIPTION_SHUTDOWN", "The router stops: subscribe again."),
        })
    }
}
