//! What every rule about one subgraph reports with. Knows no rule.

use std::fmt::Display;

use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::Subgraph;

/// A diagnostic about one subgraph, whose name comes before the message.
pub(crate) fn problem(subgraph: &Subgraph, code: Code, message: impl Display) -> Diagnostic {
    Diagnostic::new(code, format!("[{}] {message}", subgraph.name))
}
