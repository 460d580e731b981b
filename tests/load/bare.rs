//! A server that always returns the same bytes, without any subgraph: the cost of connections and client for any router. Knows no
//! graph.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

/// Returns the content of the file `answer` for as long as the program runs.
pub(super) fn serve(answer: &Path, port: u16) {
    let answer = Bytes::from(std::fs::read(answer).expect("the answer can be read"));
    // Reads the body, as a router must.
    let app = Router::new().route(
        "/graphql",
        post(move |_: Bytes| std::future::ready(([(CONTENT_TYPE, "application/json")], answer.clone()))),
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    super::canned::run(listener, app);
}
