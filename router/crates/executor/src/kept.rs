//! What a cache between the executor and a subgraph adds to a response: what it knew, and that it wants to know where in the response
//! each value is. The executor reads responses anyway, so a cache need not. Knows nothing of what is kept, or where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::service::SubgraphError;

/// What a cache adds to a response.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// What was known, if the subgraph was asked for the rest.
    pub known: Option<Known>,
    /// Why the rest did not come. The response has no body then.
    pub failure: Option<SubgraphError>,
    /// Hears where the values of the response are.
    pub keep: Option<Arc<dyn Keep>>,
}

/// A part of what was asked, which the subgraph was not asked for.
#[derive(Debug, Clone)]
pub struct Known {
    /// A body that has it, `{"data":…}`, with no other items in its lists.
    pub body: Bytes,
    /// By list of the request: whether each representation is known. Empty in a request for root fields.
    pub is_known: Vec<Vec<bool>>,
}

/// Keeps the values of a response.
pub trait Keep: fmt::Debug + Send + Sync {
    /// The response was read, and has no errors. `values` are places in `body`.
    fn keep(&self, body: &Bytes, values: &ValuesRead<'_>);
}

/// Where the values of a response are.
#[derive(Debug, Default)]
pub struct ValuesRead<'a> {
    /// The items of each list of the request, as far as it was asked for; `None` if the response does not have the list.
    pub lists: Vec<Option<Vec<Range<usize>>>>,
    /// The root fields by their keys.
    pub fields: Vec<(&'a [u8], Range<usize>)>,
    /// `extensions`.
    pub extensions: Option<Range<usize>>,
}
