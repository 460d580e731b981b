//! The page for browsers: GraphiQL when it was built into the binary or lies in a folder, else a small page of our own. Both work
//! offline under the same strict policy. Knows no GraphQL.

use std::sync::LazyLock;

use braid_gateway::config::ExposureConfig;
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
};
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::config::{PlaygroundConfig, ServerConfig};
use crate::graphs::Page;
use crate::negotiate::wants_page;
use crate::page_files::{PageFile, page_file};
use crate::reply;

/// Nothing is loaded from elsewhere, nothing inline runs, and nobody frames the page. The editor writes its styles inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
    img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("../../../playground/fallback/index.html");
const SCRIPTS: [(&str, &str); 9] = [
    ("/playground/playground.js", include_str!("../../../playground/fallback/playground.js")),
    ("/playground/completion.js", include_str!("../../../playground/fallback/completion.js")),
    ("/playground/docs.js", include_str!("../../../playground/fallback/docs.js")),
    ("/playground/dom.js", include_str!("../../../playground/fallback/dom.js")),
    ("/playground/tabs.js", include_str!("../../../playground/fallback/tabs.js")),
    ("/playground/language.js", include_str!("../../../playground/fallback/language.js")),
    ("/playground/problems.js", include_str!("../../../playground/fallback/problems.js")),
    ("/playground/schema.js", include_str!("../../../playground/fallback/schema.js")),
    ("/playground/tokens.js", include_str!("../../../playground/fallback/tokens.js")),
];
const STYLE: &str = include_str!("../../../playground/fallback/playground.css");
const ICON: &str = include_str!("../../../playground/public/favicon.svg");

/// The page of errors, whose tables the page shows: for each code its cause and what to do.
const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// Answers for the page and its files. `exposure` is what the router shows to those who ask.
pub(crate) fn respond(
    config: &ServerConfig,
    page: &Page<'_>,
    exposure: &ExposureConfig,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Bytes>> {
    static CODES: LazyLock<Bytes> = LazyLock::new(|| Value::Object(error_codes(ERRORS)).to_string().into());
    match path {
        "/playground/config.json" => return Some(reply::json(StatusCode::OK, settings(config, page, exposure))),
        "/playground/errors.json" => return Some(reply::json(StatusCode::OK, CODES.clone())),
        "/favicon.ico" | "/favicon.svg" => return Some(text("image/svg+xml", ICON)),
        "/playground/playground.css" => return Some(text("text/css; charset=utf-8", STYLE)),
        _ => {}
    }
    if let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| *name == path) {
        return Some(text("text/javascript; charset=utf-8", script));
    }
    let folder = config.playground.folder.as_deref();
    if path == "/" || path == page.endpoint {
        return wants_page(&Method::GET, headers).then(|| html(folder, headers));
    }
    let asset = path.strip_prefix('/').filter(|path| path.starts_with("assets/"))?;
    let file = page_file(folder, asset, headers)?;
    // Their names have a hash of what is in them.
    Some(response(content_type(asset), "public, max-age=31536000, immutable", file))
}

fn html(folder: Option<&str>, request: &HeaderMap) -> Response<Bytes> {
    let small = || PageFile { bytes: Bytes::from_static(PAGE.as_bytes()), is_packed: false };
    let html = page_file(folder, "index.html", request).unwrap_or_else(small);
    let mut response = response("text/html; charset=utf-8", "no-cache", html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

fn response(content_type: &'static str, cache: &'static str, file: PageFile) -> Response<Bytes> {
    let mut response = reply::file(HeaderValue::from_static(content_type), cache, file.bytes);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if file.is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

/// What the page needs to know of the router.
fn settings(config: &ServerConfig, page: &Page<'_>, exposure: &ExposureConfig) -> String {
    let PlaygroundConfig { queries, sign_in, schema_tools, .. } = &config.playground;
    json!({
        "endpoint": page.endpoint,
        "title": page.title,
        "queries": queries,
        "plan": exposure.plan,
        "exchanges": exposure.plan && exposure.exchanges,
        "schemaTools": *schema_tools && !page.is_part,
        "signIn": sign_in,
    })
    .to_string()
}

/// The codes in the tables of a page, each with its cause and what to do. A table has the columns code, status, cause and what to do; a row
/// can have several codes.
fn error_codes(page: &str) -> Map<String, Value> {
    let mut codes = Map::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [names, _, cause, advice] = cells[..] else { continue };
        for name in names.split('`').filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')) {
            if !name.is_empty() && !codes.contains_key(name) {
                codes.insert(name.to_owned(), json!({ "cause": cause, "advice": advice.trim_end_matches('|').trim() }));
            }
        }
    }
    codes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_page_of_errors_is_advice_for_its_codes() {
        let codes = error_codes(ERRORS);
        assert!(codes.len() > 80, "{}", codes.len());
        for (code, what) in &codes {
            assert!(what["cause"].as_str().is_some_and(|cause| !cause.is_empty()), "{code}: {what}");
        }
        assert_eq!(codes["SUBREQUEST_TIMEOUT"]["advice"], "look at why it is slow");
        assert_eq!(codes["MAX_TOKENS_LIMIT"], codes["MAX_DEFERRED_LIMIT"]);
        let rows = ERRORS.lines().filter(|line| line.starts_with("| `")).count();
        assert!(codes.len() >= rows / 2);
    }
}
