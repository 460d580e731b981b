//! What a new version of a graph keeps of the compiled operations of the one before: those that the change of the schema does not touch.
//! Knows no request.

use braid_supergraph::Unchanged;

use crate::gateway::Gateway;

impl<S> Gateway<S> {
    /// Takes over the compiled operations of an older version for which all that they depend on is the same here, and says how many. The older
    /// version must have the same configuration, and this one's supergraph must have been read after its
    /// ([`braid_supergraph::Supergraph::read_after`]). Must be called before this version is used.
    pub fn take_over(&self, older: &Self) -> usize {
        // Operations refer to labels and requirements by their numbers.
        if !self.labels.are_named_like(&older.labels) || !self.requirements().are_like(older.requirements()) {
            return 0;
        }
        let Some(unchanged) = Unchanged::between(&older.supergraph, &self.supergraph) else { return 0 };
        self.operations.take_over(&older.operations, |operation| {
            let is_same = operation.footprint.as_ref().is_some_and(|footprint| unchanged.covers(footprint));
            if is_same { operation.over(&self.supergraph) } else { None }
        })
    }
}
