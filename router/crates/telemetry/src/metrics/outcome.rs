//! What came of a call to code that takes part in requests. Knows no metric.

use prometheus_client::encoding::EncodeLabelValue;

/// What came of a call to the coprocessor, or to a WebAssembly hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum CallOutcome {
    /// The request goes on.
    Continued,
    /// The request was refused.
    Refused,
    /// There was no answer in time, or none that can be used; or the hook trapped, or needed more memory or fuel than it may.
    Failed,
}

impl CallOutcome {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 3] = [Self::Continued, Self::Refused, Self::Failed];

    /// That of a call which gave nothing, a refusal, or an error.
    pub fn of<R, E>(called: &Result<Option<R>, E>) -> Self {
        match called {
            Ok(None) => Self::Continued,
            Ok(Some(_)) => Self::Refused,
            Err(_) => Self::Failed,
        }
    }
}
