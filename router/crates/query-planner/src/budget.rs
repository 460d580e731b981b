//! How the steps of planning count their work. Does not know what a unit is spent on.

use braid_query_graph::Exhausted;

/// Counts work, in units of about one field looked up; an error once the budget is spent.
pub(crate) type Spend<'s> = &'s mut dyn FnMut(u64) -> Result<(), Exhausted>;
