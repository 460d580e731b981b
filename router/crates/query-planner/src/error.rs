//! Why an operation has no plan. Knows nothing of how plans are made.

/// An operation that cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No combination of subgraphs gives the field.
    #[error("{field} cannot be answered: {why}")]
    Unsatisfiable {
        /// The field, as `Type.field`.
        field: String,
        /// What stands in the way.
        why: String,
    },
    /// Planning took more work than is allowed.
    #[error("planning the operation takes more than {budget} steps; ask for less at once")]
    BudgetExhausted {
        /// The budget that was passed.
        budget: u64,
    },
    /// The operation's kind is not in the supergraph.
    #[error("the supergraph has no {0} type")]
    NoRoot(String),
}

impl PlanError {
    /// A code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsatisfiable { .. } => "QUERY_PLANNING_UNSATISFIABLE",
            Self::BudgetExhausted { .. } => "QUERY_PLANNING_TOO_COMPLEX",
            Self::NoRoot(_) => "OPERATION_KIND_UNSUPPORTED",
        }
    }
}
