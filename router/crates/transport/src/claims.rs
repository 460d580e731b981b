//! Claims of the client in the body of requests: `"extensions":{"claims":{…}}`. Knows no header and no token.

use std::str::FromStr;

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

    /// The claims of the client, as extensions. An anonymous client has none.
    pub(crate) fn given(&self, context: &SubgraphContext) -> Option<Map<String, Value>> {
        let principal = context.identity().principal()?;
        let given = self.0.iter().filter_map(|(name, path)| Some((name.clone(), principal.claim(path)?.clone())));
        Some(Map::from_iter([("claims".to_owned(), Value::Object(given.collect()))]))
    }
}

/// The body of a request, which has no extensions, with these.
pub(crate) fn with_extensions(body: &Bytes, extensions: Map<String, Value>) -> Bytes {
    // The body is a JSON object with at least the query.
    let Some(start) = body.strip_suffix(b"}").filter(|_| !extensions.is_empty()) else { return body.clone() };
    let extensions = Value::Object(extensions).to_string();
    [start, b",\"extensions\":", extensions.as_bytes(), b"}"].concat().into()
}
