//! Claims of the client in the body of requests: `"extensions":{"claims":{…}}`. Knows no header and no token.

use std::str::FromStr;

use braid_executor::SubgraphRequest;
use braid_request_context::SubgraphContext;
use braid_request_context::identity::ClaimPath;
use bytes::Bytes;
use serde_json::{Map, Value};

/// The claims that a subgraph is told.
#[derive(Debug)]
pub(crate) struct ForwardedClaims(Vec<(String, ClaimPath)>);

impl ForwardedClaims {
    /// Reads the paths of claims; `None` if there are none. The error says what is wrong with a path.
    pub(crate) fn new(paths: &[String]) -> Result<Option<Self>, String> {
        let claim = |path: &String| Ok((path.clone(), ClaimPath::from_str(path)?));
        let claims = paths.iter().map(claim).collect::<Result<Vec<_>, String>>()?;
        Ok((!claims.is_empty()).then_some(Self(claims)))
    }

    /// Adds the claims of the client to a request. An anonymous client has none.
    pub(crate) fn add(&self, request: SubgraphRequest, context: &SubgraphContext) -> SubgraphRequest {
        let Some(principal) = context.identity().principal() else { return request };
        let given = self.0.iter().filter_map(|(name, path)| Some((name.clone(), principal.claim(path)?.clone())));
        let extensions = serde_json::json!({ "claims": given.collect::<Map<String, Value>>() });
        // The body is a JSON object with at least the query.
        let Some(body) = request.body.strip_suffix(b"}") else { return request };
        let body = [body, b",\"extensions\":", extensions.to_string().as_bytes(), b"}"].concat();
        SubgraphRequest { body: Bytes::from(body), ..request }
    }
}
