//! The operations that are used most: which they are, and compiling those of others before clients ask for them. Knows no place where they
//! are shared.

use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::{MostUsed, Wanted};

/// An operation that clients use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOperation {
    /// The text of the document, as a JSON string with its quotes.
    pub query: String,
    /// The name of the operation, as a JSON string with its quotes.
    pub operation_name: Option<String>,
    /// How often it was used, in this version of the schema and, for a part, in those before.
    pub uses: u64,
}

impl<S: Subgraphs> Gateway<S> {
    /// The most used operations of those that can be executed.
    pub fn most_used(&self, most: usize) -> Vec<UsedOperation> {
        // Those of one of several graphs are of no use elsewhere: other routers may have other graphs.
        let used = self.operations.most_used(most, |operation| operation.result.is_ok());
        let used = used.into_iter().filter(|used| used.graph.is_none());
        let text = |text: std::borrow::Cow<'static, str>| text.into_owned();
        used.filter_map(|MostUsed { request, uses, .. }| {
            let operation_name = request.operation_name.map(text);
            Some(UsedOperation { query: text(request.query?), operation_name, uses })
        })
        .collect()
    }

    /// Compiles an operation that has been used elsewhere. Returns whether it can be executed.
    pub async fn warm(&self, query: &str, operation_name: Option<&str>) -> bool {
        let wanted = Wanted { query, operation_name, values: None, graph: None };
        let Ok((operation, _)) = self.prepare_wanted(wanted).await else { return false };
        // Nobody has used it here.
        operation.set_used(0);
        operation.result.is_ok()
    }
}
