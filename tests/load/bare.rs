//! A server that answers all with the same bytes and asks nobody: what connections and the client cost any router. Knows no graph.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

/// Answers with what is in `answer` for as long as the program runs.
pub(super) fn serve(answer: &Path, port: u16) {
    let answer = Bytes::from(std::fs::read(answer).expect("the answer can be read"));
    // The body is received, as a router must.
    let app = Router::new().route(
        "/graphql",
        post(move |_: Bytes| std::future::ready(([(CONTENT_TYPE, "application/json")], answer.clone()))),
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    super::canned::run(listener, app);
}
