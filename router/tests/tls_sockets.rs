//! WebSockets over TLS: the client's certificate says who asks on them, too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid_net::config::TlsServerConfig;
use support::tls::Authority;
use support::{ME, Subgraph, TestRouter, supergraph};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A frame with a short text, as clients send it; the mask is zero.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    assert!(text.len() < 126);
    frame.extend_from_slice(text.as_bytes());
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_says_who_asks_on_a_socket() {
    let authority = Authority::new();
    let users = Subgraph::json(|_| ME.to_owned()).await;
    let (certificate, key) = authority.sign("router");
    let router = TestRouter::start(supergraph(&users.url(), &users.url()), |config| {
        config.server.tls = Some(TlsServerConfig {
            certificate,
            key,
            client_authorities: Some(authority.file("ca.pem")),
            client_certificate_optional: true,
        });
        config.authentication.required = true;
        config.authentication.client_certificates.enabled = true;
    })
    .await;
    for (client, expected) in [(Some(authority.sign("client")), "\"name\":\"Ada\""), (None, "UNAUTHENTICATED")] {
        let mut stream = authority.connect(router.address, client, b"http/1.1").await.unwrap();
        let request = "GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        // The last message may find the socket closed.
        let _ = stream.write_all(&frame(r#"{"type":"connection_init"}"#)).await;
        let _ =
            stream.write_all(&frame(r#"{"type":"subscribe","id":"1","payload":{"query":"{ me { name } }"}}"#)).await;
        let mut received = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&received).contains(expected) {
                assert!(stream.read_buf(&mut received).await.unwrap() > 0, "the connection has ended");
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(10), reading).await;
        assert!(in_time.is_ok(), "{expected}: {}", String::from_utf8_lossy(&received));
    }
}
