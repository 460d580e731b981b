//! A subgraph that responds from memory, for benches of what is around it.

use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use bytes::Bytes;

/// Responds to everything with the same product.
pub struct Product;

impl SubgraphService for Product {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        _: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let body = Bytes::from_static(br#"{"data":{"product":{"name":"Chair"}}}"#);
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }
}
