//! What the schema makes of a list of persisted operations: which of them are invalid, and compiling them before clients ask for them.
//! Knows no request.

use std::sync::Arc;

use braid_persisted_operations::OperationList;

use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::Wanted;

/// A listed operation that can't be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOperation {
    /// Its id.
    pub id: String,
    /// The first error.
    pub message: String,
}

impl<S: Subgraphs> Gateway<S> {
    /// The operations of a list that this schema, or a limit, does not permit.
    pub async fn invalid_operations(&self, list: &Arc<OperationList>) -> Vec<InvalidOperation> {
        // The semaphore is never closed.
        let permit = self.planning.clone().acquire_owned().await.ok();
        let (compiler, list) = (self.compiler.clone(), list.clone());
        let checking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let invalid = list.operations().filter_map(|operation| {
                let text: String = serde_json::from_str(&operation.json).ok()?;
                let refusal = compiler.check(&text).err()?;
                let message = refusal.errors.first()?.message.clone();
                Some(InvalidOperation { id: operation.id.to_string(), message })
            });
            invalid.collect()
        });
        checking.await.unwrap_or_else(|error| {
            tracing::error!(%error, "Checking the persisted operations failed");
            Vec::new()
        })
    }

    /// Compiles an operation for each graph that clients can ask.
    async fn warm_wanted(&self, wanted: Wanted<'_>) {
        for graph in self.compiler.graphs.names() {
            let _ = self.prepare_wanted(Wanted { graph: Some(graph), ..wanted }).await;
        }
        if self.compiler.graphs.names().next().is_none() {
            let _ = self.prepare_wanted(wanted).await;
        }
    }

    /// Compiles the first operations of a list, one after the other, so that the first requests for them find them.
    pub async fn warm_list(&self, list: &OperationList, most: usize) {
        for operation in list.operations().take(most) {
            let wanted = Wanted { query: &operation.json, operation_name: None, values: None, graph: None };
            if let [_] = &operation.operations[..] {
                self.warm_wanted(wanted).await;
                continue;
            }
            for name in operation.operations.iter().flatten() {
                let name = format!("\"{name}\"");
                self.warm_wanted(Wanted { operation_name: Some(&name), ..wanted }).await;
            }
        }
    }
}
