//! Rules of the HTTP front that are read once a version: which sites may call (CORS), and which simple requests are refused (CSRF).
//! Knows no GraphQL.

use ahash::AHashSet;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

use crate::config::{CorsConfig, CsrfConfig, ServerConfig, SettingsError};
use crate::negotiate::{BodyType, body_type};

/// The rules.
#[derive(Debug)]
pub(crate) struct HttpRules {
    cors: Option<Cors>,
    csrf: Option<Csrf>,
}

#[derive(Debug)]
struct Cors {
    any_origin: bool,
    origins: AHashSet<HeaderValue>,
    credentials: bool,
    headers: Option<HeaderValue>,
    expose_headers: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

#[derive(Debug)]
struct Csrf {
    strict: bool,
    headers: Vec<HeaderName>,
}

/// Whose page asks for a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketOrigin {
    /// A page of the router's own host, or no browser at all.
    Own,
    /// A page of another host, whose requests are allowed.
    Allowed {
        /// With what the browser has of the router's host: cookies and the like.
        with_credentials: bool,
    },
    /// Another page.
    Refused,
}

/// Whether an origin is the host that the request is for. Proxies may have taken TLS off, so that its scheme is not compared.
fn is_same_site(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let read = |text: &str| url::Url::parse(text).ok();
    let Some(origin) = origin.to_str().ok().and_then(read) else { return false };
    let host = host.and_then(|host| read(&format!("{}://{}", origin.scheme(), host.to_str().ok()?)));
    let place = |url: &url::Url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?));
    place(&origin).is_some_and(|place_of_page| host.as_ref().and_then(place) == Some(place_of_page))
}

impl HttpRules {
    /// Reads the rules.
    pub(crate) fn new(config: &ServerConfig) -> Result<Self, SettingsError> {
        Ok(Self { cors: cors(&config.cors)?, csrf: csrf(&config.csrf)? })
    }

    /// Adds to an answer what lets a page of an allowed origin read it.
    pub(crate) fn allow_origin(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let Some(cors) = &self.cors else { return };
        if !cors.any_origin || cors.credentials {
            response.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = request.get(header::ORIGIN).filter(|origin| cors.allows(origin)) else { return };
        let allowed = if cors.any_origin { HeaderValue::from_static("*") } else { origin.clone() };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if cors.credentials {
            response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(names) = &cors.expose_headers {
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, names.clone());
        }
    }

    /// Adds to the answer of a preflight request what a page may send.
    pub(crate) fn allow_preflight(&self, request: &HeaderMap, response: &mut HeaderMap) {
        self.allow_origin(request, response);
        let Some(cors) = self.cors.as_ref().filter(|_| response.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN))
        else {
            return;
        };
        response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(headers) = cors.headers.as_ref().or(asked) {
            response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
        }
        if let Some(age) = &cors.max_age {
            response.insert(header::ACCESS_CONTROL_MAX_AGE, age.clone());
        }
    }

    /// Which page asks for a WebSocket. Browsers open one to any site, with its cookies, and let the page read it, so that it is for the router to
    /// look who asks.
    pub(crate) fn socket_origin(&self, request: &HeaderMap) -> SocketOrigin {
        let Some(origin) = request.get(header::ORIGIN) else { return SocketOrigin::Own };
        if is_same_site(origin, request.get(header::HOST)) {
            return SocketOrigin::Own;
        }
        match &self.cors {
            Some(cors) if cors.allows(origin) => SocketOrigin::Allowed { with_credentials: cors.credentials },
            _ => SocketOrigin::Refused,
        }
    }

    /// Whether a page sent the request that is neither of an allowed origin nor of a host by one of the router's own names. Unlike with
    /// [`HttpRules::socket_origin`], it is not enough that page and request agree on the host: a site can let its name lead to this
    /// router (DNS rebinding), and an address or `localhost` is all that can't be led elsewhere.
    pub(crate) fn is_foreign_page(
        &self,
        request: &HeaderMap,
        authority: Option<&Authority>,
        is_own_host: &dyn Fn(&str) -> bool,
    ) -> bool {
        let Some(origin) = request.get(header::ORIGIN) else { return false };
        if self.cors.as_ref().is_some_and(|cors| cors.allows(origin)) {
            return false;
        }
        let authority = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
        let Some(host) = request.get(header::HOST).or(authority.as_ref()) else { return true };
        if !is_same_site(origin, Some(host)) {
            return true;
        }
        let url = host.to_str().ok().and_then(|host| url::Url::parse(&format!("http://{host}")).ok());
        !url.is_some_and(|url| match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || is_own_host(name),
            Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
            None => false,
        })
    }

    /// Whether the request may be one that a page of another site had a browser send without asking.
    pub(crate) fn is_forgeable(&self, request: &HeaderMap) -> bool {
        let Some(csrf) = &self.csrf else { return false };
        // Browsers ask before they send these (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
        if body_type(request) == BodyType::Json || csrf.headers.iter().any(|name| request.contains_key(name)) {
            return false;
        }
        let allowed = |origin: &HeaderValue| self.cors.as_ref().is_some_and(|cors| cors.allows(origin));
        if request.get(header::ORIGIN).is_some_and(allowed) {
            return false;
        }
        // A form can send it, and so can a browser that does not say where the page is from.
        if body_type(request) == BodyType::Multipart {
            return true;
        }
        // Pages can't set these headers themselves (https://www.w3.org/TR/fetch-metadata/).
        let site = request.get("sec-fetch-site").map(HeaderValue::as_bytes);
        csrf.strict || matches!(site, Some(b"cross-site" | b"same-site"))
    }

    /// The headers that would have shown that a request is not forged.
    pub(crate) fn csrf_headers(&self) -> String {
        let names = self.csrf.iter().flat_map(|csrf| &csrf.headers);
        names.map(HeaderName::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Cors {
    fn allows(&self, origin: &HeaderValue) -> bool {
        self.any_origin || self.origins.contains(origin)
    }
}

fn cors(config: &CorsConfig) -> Result<Option<Cors>, SettingsError> {
    if !config.any_origin && config.origins.is_empty() {
        return Ok(None);
    }
    let value = |text: &String| {
        let trimmed = text.trim_end_matches('/');
        HeaderValue::from_str(trimmed).map_err(|_| SettingsError::CorsValue(text.clone()))
    };
    let list = |names: &[String]| (!names.is_empty()).then(|| value(&names.join(", "))).transpose();
    Ok(Some(Cors {
        any_origin: config.any_origin,
        origins: config.origins.iter().map(value).collect::<Result<_, _>>()?,
        credentials: config.credentials,
        headers: list(&config.headers)?,
        expose_headers: list(&config.expose_headers)?,
        max_age: config.max_age.map(|age| HeaderValue::from(age.0.as_secs())),
    }))
}

fn csrf(config: &CsrfConfig) -> Result<Option<Csrf>, SettingsError> {
    let name = |text: &String| text.parse().map_err(|_| SettingsError::CsrfHeader(text.clone()));
    let headers = config.headers.iter().map(name).collect::<Result<_, _>>()?;
    Ok(config.enabled.then_some(Csrf { strict: config.strict, headers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cors: CorsConfig, origin: Option<&'static str>, expected: SocketOrigin) {
        let rules = HttpRules::new(&ServerConfig { cors, ..ServerConfig::default() }).unwrap();
        let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("shop.example:4000"))]);
        headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
        assert_eq!(rules.socket_origin(&headers), expected, "{origin:?}");
    }

    #[test]
    fn pages_of_other_hosts_get_no_socket() {
        use SocketOrigin::{Allowed, Own, Refused};
        let none = CorsConfig::default;
        check(none(), None, Own);
        check(none(), Some("http://shop.example:4000"), Own);
        check(none(), Some("https://SHOP.example:4000"), Own);
        check(none(), Some("http://shop.example"), Refused);
        check(none(), Some("http://shop.example.evil:4000"), Refused);
        check(none(), Some("http://shop.example:4000@evil.example"), Refused);
        check(none(), Some("null"), Refused);
        check(none(), Some(""), Refused);
        let other = || CorsConfig { origins: vec!["https://other.example".to_owned()], ..none() };
        check(other(), Some("https://other.example"), Allowed { with_credentials: false });
        check(
            CorsConfig { credentials: true, ..other() },
            Some("https://other.example"),
            Allowed { with_credentials: true },
        );
        check(other(), Some("http://other.example"), Refused);
        check(
            CorsConfig { any_origin: true, ..none() },
            Some("https://evil.example"),
            Allowed { with_credentials: false },
        );
    }

    #[test]
    fn a_name_that_leads_here_makes_no_page_ours() {
        let rules = |cors| HttpRules::new(&ServerConfig { cors, ..ServerConfig::default() }).unwrap();
        let check = |rules: &HttpRules, host: &'static str, origin: Option<&'static str>, expected: bool| {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
            assert_eq!(
                rules.is_foreign_page(&headers, None, &|host| host == "own.example"),
                expected,
                "{host} {origin:?}"
            );
        };
        let none = rules(CorsConfig::default());
        check(&none, "rebound.example:4000", None, false);
        check(&none, "rebound.example:4000", Some("http://rebound.example:4000"), true);
        check(&none, "own.example", Some("https://own.example"), false);
        check(&none, "127.0.0.1:4000", Some("http://127.0.0.1:4000"), false);
        check(&none, "[::1]:4000", Some("http://[::1]:4000"), false);
        check(&none, "localhost:4000", Some("http://localhost:4000"), false);
        check(&none, "localhost:4000", Some("http://localhost:3000"), true);
        check(&none, "localhost:4000", Some("null"), true);
        let other = rules(CorsConfig { origins: vec!["https://other.example".to_owned()], ..CorsConfig::default() });
        check(&other, "own.example", Some("https://other.example"), false);
        check(&other, "own.example", Some("https://evil.example"), true);
    }

    #[test]
    fn the_port_of_the_scheme_needs_no_name() {
        let host = HeaderValue::from_static("shop.example");
        assert!(is_same_site(&HeaderValue::from_static("https://shop.example"), Some(&host)));
        assert!(!is_same_site(&HeaderValue::from_static("https://shop.example:80"), Some(&host)));
        assert!(!is_same_site(&HeaderValue::from_static("https://shop.example"), None));
    }
}
