//! What linting reports. Knows no rule.

use serde::Serialize;

use super::config::Level;
use crate::location::Location;

/// Where a schema breaks a rule, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// How much it matters to this team.
    pub level: Level,
    /// The element.
    pub coordinate: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The location of the element.
    pub location: Location,
}
