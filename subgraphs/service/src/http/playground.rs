//! The page at `/` for trying one service by hand: works offline, under a strict content security policy. Knows no schema.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The routes of the page and its two files.
pub(super) fn routes(service: &'static str) -> Router {
    let page = include_str!("playground/page.html").replace("{service}", service);
    Router::new()
        .route("/", get(move || async move { file("text/html; charset=utf-8", page.clone()) }))
        .route("/playground.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/playground.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
}

fn file(content_type: &'static str, text: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}

const SCRIPT: &str = include_str!("playground/playground.js");
const STYLE: &str = include_str!("playground/playground.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
