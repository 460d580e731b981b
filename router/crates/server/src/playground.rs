//! The page for browsers: GraphiQL when it was built into the binary or lies in a folder, else a small page of our own. Both work
//! offline under the same strict policy. Knows no GraphQL.

use std::path::{Component, Path};

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY};
use http::{Method, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use crate::config::{PlaygroundConfig, ServerConfig};
use crate::negotiate::wants_page;
use crate::reply;

/// GraphiQL, built by `npm run build` in `router/playground`; empty when it was not built.
#[derive(RustEmbed)]
#[folder = "../../playground/dist"]
#[allow_missing = true]
struct Built;

/// Nothing is loaded from elsewhere, nothing inline runs, and nobody frames the page. The editor writes its styles inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("../../../playground/fallback/index.html");
const SCRIPT: &str = include_str!("../../../playground/fallback/playground.js");
const STYLE: &str = include_str!("../../../playground/fallback/playground.css");
const ICON: &str = include_str!("../../../playground/public/favicon.svg");

/// Answers for the page and its files. `shows_plans` is whether the router shows plans to those who ask.
pub(crate) fn respond(
    config: &ServerConfig,
    shows_plans: bool,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Bytes>> {
    match path {
        "/playground/config.json" => return Some(reply::json(http::StatusCode::OK, settings(config, shows_plans))),
        "/favicon.ico" | "/favicon.svg" => return Some(text("image/svg+xml", ICON)),
        "/playground/playground.js" => return Some(text("text/javascript; charset=utf-8", SCRIPT)),
        "/playground/playground.css" => return Some(text("text/css; charset=utf-8", STYLE)),
        _ => {}
    }
    if path == "/" || path == config.path {
        return wants_page(&Method::GET, headers).then(|| page(config));
    }
    let asset = path.strip_prefix('/').filter(|path| path.starts_with("assets/"))?;
    let bytes = file(config, asset)?;
    let content_type = HeaderValue::from_static(content_type(asset));
    // Their names have a hash of what is in them.
    Some(reply::file(content_type, "public, max-age=31536000, immutable", bytes))
}

fn page(config: &ServerConfig) -> Response<Bytes> {
    let html = file(config, "index.html").unwrap_or(Bytes::from_static(PAGE.as_bytes()));
    let mut response = reply::file(HeaderValue::from_static("text/html; charset=utf-8"), "no-cache", html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// What the page needs to know of the router.
fn settings(config: &ServerConfig, shows_plans: bool) -> String {
    let PlaygroundConfig { title, queries, .. } = &config.playground;
    json!({ "endpoint": config.path, "title": title, "queries": queries, "plan": shows_plans }).to_string()
}

fn file(config: &ServerConfig, name: &str) -> Option<Bytes> {
    match &config.playground.folder {
        Some(folder) => {
            let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            plain.then(|| std::fs::read(Path::new(folder).join(name)).ok()).flatten().map(Bytes::from)
        }
        None => Built::get(name).map(|file| match file.data {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => bytes.into(),
        }),
    }
}

fn text(content_type: &'static str, text: &'static str) -> Response<Bytes> {
    reply::file(HeaderValue::from_static(content_type), "no-cache", Bytes::from_static(text.as_bytes()))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}
