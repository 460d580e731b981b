//! Who sent an event, what it can take as a response, and the request as the service must see it: the path without the stage of an API, and
//! the address of the client. Knows no response.

use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use http::header::ACCEPT_ENCODING;
use http::uri::PathAndQuery;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Request, RequestExt};

/// The address of the client, as an extension of a request: that of the connection to the API, the load balancer or the function's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceAddress(pub IpAddr);

/// Whether who sent the event takes a response in parts, if the function was set up for that.
///
/// Load balancers and HTTP APIs don't. The events of HTTP APIs look like those of function URLs, but come from another domain.
pub(crate) fn takes_parts(event: &LambdaRequest) -> bool {
    match event {
        LambdaRequest::ApiGatewayV1(_) => true,
        LambdaRequest::ApiGatewayV2(event) => {
            event.request_context.domain_name.as_deref().is_some_and(|domain| domain.contains(".lambda-url."))
        }
        _ => false,
    }
}

/// Makes the request one that the service could have got over a socket.
pub(crate) fn prepare(mut request: Request) -> Request {
    let context = request.request_context_ref();
    let address = context.and_then(|context| source_address(context, &request));
    let path = match context {
        Some(RequestContext::ApiGatewayV2(context)) => without_stage(request.raw_http_path(), context.stage.as_deref()),
        _ => request.raw_http_path(),
    };
    let uri = match request.uri().query() {
        Some(query) => PathAndQuery::from_str(&format!("{path}?{query}")),
        None => PathAndQuery::from_str(path),
    };
    // REST APIs send bodies that are not text as they are, which is base64, unless they are configured for it.
    let is_rest_api = matches!(context, Some(RequestContext::ApiGatewayV1(_)));
    if let Ok(uri) = uri {
        *request.uri_mut() = Uri::from(uri);
    }
    if is_rest_api {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    if let Some(address) = address {
        request.extensions_mut().insert(SourceAddress(address));
    }
    request
}

/// HTTP APIs prefix paths with their stage; REST APIs don't, nor do domains of one's own.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let rest = stage.filter(|stage| *stage != "$default").and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage));
    match rest {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

fn source_address(context: &RequestContext, request: &Request) -> Option<IpAddr> {
    match context {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref()?.parse().ok(),
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        // A load balancer says it in the header alone, to which it adds the address that it saw.
        _ => {
            let last = request.headers().get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_of_an_api_is_no_part_of_the_path() {
        for (path, stage, expected) in [
            ("/graphql", Some("$default"), "/graphql"),
            ("/prod/graphql", Some("prod"), "/graphql"),
            ("/prod", Some("prod"), "/"),
            ("/production/graphql", Some("prod"), "/production/graphql"),
            ("/graphql", Some("prod"), "/graphql"),
            ("/graphql", None, "/graphql"),
        ] {
            assert_eq!(without_stage(path, stage), expected, "{path} at {stage:?}");
        }
    }
}
