//! Rules of the HTTP front that are read once a version: which sites may call (CORS), and which simple requests are refused (CSRF).
//! Knows no GraphQL.

use ahash::AHashSet;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

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
