//! What OAuth clients are told about the endpoint (RFC 9728): where it is, and who issues tokens for it. Knows no token.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, Uri};
use serde_json::{Map, Value, json};

use crate::config::{McpConfig, is_url};

/// Where the metadata of protected resources is.
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The endpoint as a resource that tokens are issued for.
#[derive(Debug, Clone)]
pub struct ProtectedResource {
    path: String,
    url: Option<String>,
    is_https: bool,
    authorization_servers: Vec<String>,
    scopes: Vec<String>,
}

impl ProtectedResource {
    /// The resource, if anybody issues tokens for it: the configured authorization servers, or those of `issuers` that are URLs. `is_https`
    /// says whether the router itself speaks TLS.
    pub fn new<'a>(config: &McpConfig, issuers: impl IntoIterator<Item = &'a str>, is_https: bool) -> Option<Self> {
        let resource = &config.resource;
        let authorization_servers = match resource.authorization_servers.is_empty() {
            false => resource.authorization_servers.clone(),
            true => issuers.into_iter().filter(|issuer| is_url(issuer)).map(str::to_owned).collect(),
        };
        (!authorization_servers.is_empty()).then(|| Self {
            path: config.path.clone(),
            url: resource.url.clone(),
            is_https,
            authorization_servers,
            scopes: resource.scopes.clone(),
        })
    }

    /// Whether the metadata is at this path. Clients look at both: the general one, and the one of the endpoint's path.
    pub(crate) fn is_path(&self, path: &str) -> bool {
        path.strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || rest == self.path)
    }

    /// The metadata, for a client that asks with this head.
    pub(crate) fn metadata(&self, uri: &Uri, headers: &HeaderMap) -> Response<Bytes> {
        let mut metadata = Map::new();
        metadata.insert("resource".to_owned(), self.url(uri, headers).into());
        metadata.insert("authorization_servers".to_owned(), json!(self.authorization_servers));
        metadata.insert("bearer_methods_supported".to_owned(), json!(["header"]));
        if !self.scopes.is_empty() {
            metadata.insert("scopes_supported".to_owned(), json!(self.scopes));
        }
        let mut response = Response::new(Value::Object(metadata).to_string().into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// A challenge that also says where the metadata is, and which scopes to ask for.
    pub(crate) fn challenge(&self, challenge: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        let challenge = challenge.to_str().ok().filter(|text| text.starts_with("Bearer"))?;
        let separator = if challenge == "Bearer" { " " } else { ", " };
        let url = self.url(uri, headers);
        let root = url.find("://").and_then(|at| Some(&url[..at + 3 + url[at + 3..].find('/')?]));
        let place = format!("{}{WELL_KNOWN}{}", root.unwrap_or(&url), self.path);
        let scopes = match self.scopes.is_empty() {
            true => String::new(),
            false => format!(", scope=\"{}\"", self.scopes.join(" ")),
        };
        HeaderValue::try_from(format!("{challenge}{separator}resource_metadata=\"{place}\"{scopes}")).ok()
    }

    /// The URL under which a client knows the endpoint. A host with anything else than the letters of hosts is not repeated.
    fn url(&self, uri: &Uri, headers: &HeaderMap) -> String {
        if let Some(url) = &self.url {
            return url.clone();
        }
        let authority = uri.authority().map(|authority| authority.as_str());
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).or(authority);
        let is_host = |host: &&str| {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
        };
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}{}", host.filter(is_host).unwrap_or("localhost"), self.path)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn resource(url: Option<&str>) -> ProtectedResource {
        let mut config = McpConfig::default();
        config.resource.url = url.map(str::to_owned);
        config.resource.scopes = vec!["orders:read".to_owned()];
        ProtectedResource::new(&config, ["https://id.example/", "users"], false).unwrap()
    }

    fn challenge(resource: &ProtectedResource, challenge: &'static str, host: &'static str) -> String {
        let headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static(host))]);
        let made = resource.challenge(&HeaderValue::from_static(challenge), &Uri::from_static("/mcp"), &headers);
        made.map(|made| made.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn challenges_say_where_the_metadata_is() {
        let expected = "Bearer resource_metadata=\"http://a.example:1/.well-known/oauth-protected-resource/mcp\", scope=\"orders:read\"";
        assert_eq!(challenge(&resource(None), "Bearer", "a.example:1"), expected);
        let public = resource(Some("https://api.example/agents/mcp"));
        let expected = "Bearer error=\"invalid_token\", resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/mcp\", scope=\"orders:read\"";
        assert_eq!(challenge(&public, "Bearer error=\"invalid_token\"", "other"), expected);
        assert_eq!(challenge(&resource(None), "ApiKey", "a.example"), "");
        assert!(challenge(&resource(None), "Bearer", "a\"b").contains("http://localhost/"));
    }

    #[test]
    fn only_issuers_that_are_urls_are_servers() {
        let config = McpConfig::default();
        assert!(ProtectedResource::new(&config, ["braid-users"], false).is_none());
        assert_eq!(resource(None).authorization_servers, ["https://id.example/"]);
        for (path, expected) in [
            ("/.well-known/oauth-protected-resource", true),
            ("/.well-known/oauth-protected-resource/mcp", true),
            ("/.well-known/oauth-protected-resource/other", false),
            ("/mcp", false),
        ] {
            assert_eq!(resource(None).is_path(path), expected, "{path}");
        }
    }
}
