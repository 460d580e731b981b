//! Connections on both sides: TLS with custom authorities and client certificates, Unix sockets, HTTP/2 with and without TLS, and
//! limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid::config::Config;
use braid_net::config::{Protocol, TlsClientConfig, TlsServerConfig};
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use support::tls::Authority;
use support::{Answer, ME, Subgraph, TestRouter, exchange_over, ok, post, router, supergraph};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;

const QUERY: &str = r#"{"query":"{ me { name } }"}"#;
const NOWHERE: &str = "http://127.0.0.1:1/";

/// What a subgraph saw of a request.
#[derive(Debug, Clone, PartialEq)]
struct Spoken {
    version: Version,
    path: String,
}

/// A well-behaved subgraph behind any kind of connection.
#[derive(Clone, Default)]
struct Users {
    spoken: Arc<Mutex<Vec<Spoken>>>,
    connections: Arc<AtomicUsize>,
}

impl Users {
    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let service = service_fn(|request: Request<Incoming>| {
            let spoken = Spoken { version: request.version(), path: request.uri().path().to_owned() };
            self.spoken.lock().unwrap().push(spoken);
            async move {
                request.into_body().collect().await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
                let body = Full::new(Bytes::from_static(ME.as_bytes()));
                Ok::<_, Infallible>(Response::builder().header("content-type", "application/json").body(body).unwrap())
            }
        });
        let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    async fn tcp(&self) -> SocketAddr {
        let (users, listener) = (self.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let users = users.clone();
                tokio::spawn(async move { users.speak(stream).await });
            }
        });
        address
    }

    async fn tls(&self, config: ServerConfig) -> SocketAddr {
        let (users, listener) = (self.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let (address, acceptor) = (listener.local_addr().unwrap(), TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (users, acceptor) = (users.clone(), acceptor.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        users.speak(stream).await;
                    }
                });
            }
        });
        address
    }

    fn versions(&self) -> Vec<Version> {
        self.spoken.lock().unwrap().iter().map(|spoken| spoken.version).collect()
    }
}

/// TLS of a subgraph that `authority` signed; with `clients`, clients must be signed by it too.
fn subgraph_tls(authority: &Authority, clients: bool) -> ServerConfig {
    let mut config = authority.server(clients);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn ask(users: &str, tls: TlsClientConfig, protocol: Protocol) -> Answer {
    let router = TestRouter::start(supergraph(users, NOWHERE), |config| {
        config.traffic.all.tls = Some(tls);
        config.traffic.all.protocol = Some(protocol);
    })
    .await;
    router.post(QUERY).await
}

fn assert_ada(answer: &Answer) {
    assert_eq!(answer.json()["data"]["me"]["name"], "Ada", "{}", answer.text());
}

#[tokio::test]
async fn a_subgraph_is_trusted_by_its_authority() {
    let (authority, other, users) = (Authority::new(), Authority::new(), Users::default());
    let url = format!("https://{}/graphql", users.tls(subgraph_tls(&authority, false)).await);
    let trusting = |authority: &Authority| TlsClientConfig {
        authorities: Some(authority.file("ca.pem")),
        ..TlsClientConfig::default()
    };
    assert_ada(&ask(&url, trusting(&authority), Protocol::Http1).await);
    assert_eq!(users.versions(), [Version::HTTP_11]);
    for distrusting in [trusting(&other), TlsClientConfig::default()] {
        assert_eq!(ask(&url, distrusting, Protocol::Http1).await.code(), "SUBREQUEST_HTTP_ERROR");
    }
    assert_eq!(users.versions().len(), 1, "nothing is said to those who are not trusted");
    for protocol in [Protocol::Auto, Protocol::Http2] {
        assert_ada(&ask(&url, trusting(&authority), protocol).await);
        assert_eq!(users.versions().last(), Some(&Version::HTTP_2), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_subgraph_that_wants_a_certificate_gets_one() {
    let (authority, users) = (Authority::new(), Users::default());
    let url = format!("https://{}/graphql", users.tls(subgraph_tls(&authority, true)).await);
    let (certificate, key) = authority.sign("router");
    let without = TlsClientConfig { authorities: Some(authority.file("ca.pem")), ..TlsClientConfig::default() };
    let with = TlsClientConfig { certificate: Some(certificate), key: Some(key), ..without.clone() };
    assert_ada(&ask(&url, with, Protocol::Http1).await);
    assert_eq!(ask(&url, without, Protocol::Http1).await.code(), "SUBREQUEST_HTTP_ERROR");
}

#[tokio::test]
async fn invalid_certificate_files_are_reported_at_startup() {
    let authority = Authority::new();
    let mut config = Config::default();
    config.traffic.all.tls =
        Some(TlsClientConfig { authorities: Some("missing.pem".to_owned()), ..TlsClientConfig::default() });
    let metrics = Arc::default();
    let sdl = supergraph("https://127.0.0.1:1/", NOWHERE);
    let error = braid::assemble::version(&config, &sdl, None, &metrics, None).unwrap_err();
    let said = braid_net::chain(&error);
    assert!(said.contains("\"users\"") && said.contains("missing.pem can't be read"), "{said}");
    config.traffic.all.tls =
        Some(TlsClientConfig { certificate: Some(authority.file("ca.pem")), ..TlsClientConfig::default() });
    let error = braid::assemble::version(&config, &sdl, None, &metrics, None).unwrap_err();
    assert!(braid_net::chain(&error).contains("certificate and tls.key belong together"), "{error}");
}

/// Everything that the router sends in response to a query.
async fn said(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Vec<u8> {
    let _ = stream.write_all(&post(QUERY, "")).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    said
}

#[tokio::test]
async fn client_certificates_can_be_optional() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, private) = authority.sign("server");
    let (router, _users, _orders) = router(|config| {
        config.server.tls = Some(TlsServerConfig {
            certificate,
            key: private,
            client_authorities: Some(authority.file("ca.pem")),
            client_certificate_optional: true,
        });
    })
    .await;
    for certificate in [None, Some(authority.sign("client"))] {
        let stream = authority.connect(router.address, certificate, b"http/1.1").await.unwrap();
        assert_ada(&exchange_over(stream, &post(QUERY, "")).await);
    }
    let stream = authority.connect(router.address, Some(stranger.sign("client")), b"http/1.1").await;
    let said = match stream {
        Ok(stream) => said(stream).await,
        Err(_) => Vec::new(),
    };
    assert!(said.is_empty(), "a certificate of a stranger is worse than none");
}

#[tokio::test]
async fn clients_use_tls_and_present_certificates_if_required() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for clients_certified in [false, true] {
        let (certificate, private) = authority.sign("server");
        let (router, _users, _orders) = router(|config| {
            let client_authorities = clients_certified.then(|| authority.file("ca.pem"));
            config.server.tls = Some(TlsServerConfig {
                certificate,
                key: private,
                client_authorities,
                client_certificate_optional: false,
            });
        })
        .await;
        let certificate = clients_certified.then(|| authority.sign("client"));
        let stream = authority.connect(router.address, certificate.clone(), b"http/1.1").await.unwrap();
        assert_ada(&exchange_over(stream, &post(QUERY, "")).await);
        let stream = authority.connect(router.address, certificate, b"h2").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(http2(stream).await.0.send_request(request(QUERY)).await.unwrap().status(), 200);
        if clients_certified {
            for wrong in [None, Some(stranger.sign("client"))] {
                // With TLS 1.3 the client learns of the refusal when it reads.
                if let Ok(stream) = authority.connect(router.address, wrong, b"http/1.1").await {
                    assert_eq!(said(stream).await, b"");
                }
            }
        }
        let plain = TcpStream::connect(router.address).await.unwrap();
        assert!(!said(plain).await.starts_with(b"HTTP/"), "plain HTTP is not answered");
    }
}

#[tokio::test]
async fn a_subgraph_is_reached_by_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("users.sock");
    let (users, listener) = (Users::default(), UnixListener::bind(&socket).unwrap());
    let serving = users.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let users = serving.clone();
            tokio::spawn(async move { users.speak(stream).await });
        }
    });
    let url = |socket: &PathBuf| format!("unix://{}?path=/graphql/users", socket.display());
    assert_ada(&ask(&url(&socket), TlsClientConfig::default(), Protocol::Http1).await);
    assert_eq!(users.spoken.lock().unwrap()[0].path, "/graphql/users");
    let nobody = ask(&url(&folder.path().join("nobody.sock")), TlsClientConfig::default(), Protocol::Http1).await;
    assert_eq!(nobody.code(), "SUBREQUEST_HTTP_ERROR");
}

#[tokio::test]
async fn a_subgraph_is_asked_over_one_http2_connection_without_tls() {
    let users = Users::default();
    let url = format!("http://{}/graphql", users.tcp().await);
    let router = TestRouter::start(supergraph(&url, NOWHERE), |config| {
        config.traffic.all.protocol = Some(Protocol::Http2);
        config.traffic.all.deduplicate = Some(false);
    })
    .await;
    assert_ada(&router.post(QUERY).await);
    let asked: Vec<_> = (0..10).map(|_| router.post(QUERY)).collect();
    for answer in futures_util::future::join_all(asked).await {
        assert_ada(&answer);
    }
    assert_eq!(users.versions(), [Version::HTTP_2; 11]);
    assert_eq!(users.connections.load(Ordering::Relaxed), 1);
}

type Http2 = (hyper::client::conn::http2::SendRequest<Full<Bytes>>, tokio::task::JoinHandle<()>);

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Http2 {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(async { drop(connection.await) }))
}

fn request(body: &'static str) -> Request<Full<Bytes>> {
    let request = Request::post("http://x/graphql").header("content-type", "application/json");
    request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

/// A router over a slow subgraph.
async fn slow_router(configure: impl FnOnce(&mut Config)) -> (TestRouter, Subgraph) {
    let users = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        ok(ME)
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), NOWHERE), |config| {
        config.traffic.all.deduplicate = Some(false);
        configure(config);
    })
    .await;
    (router, users)
}

#[tokio::test]
async fn the_number_of_streams_of_an_http2_connection_is_limited() {
    let (router, users) = slow_router(|config| config.server.max_http2_streams = 2).await;
    let (mut sender, connection) = http2(TcpStream::connect(router.address).await.unwrap()).await;
    // The client learns the limit from the server's first frame.
    assert_eq!(sender.send_request(request(r#"{"query":"{ __typename }"}"#)).await.unwrap().status(), 200);
    let asked: Vec<_> = (0..3)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { sender.send_request(request(QUERY)).await.unwrap().status() })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(router.metric("braid_http_server_active_requests").await, 2.0);
    assert_eq!(users.count(), 2);
    for answer in asked {
        assert_eq!(answer.await.unwrap(), 200);
    }
    assert_eq!(users.count(), 3);
    connection.abort();
}

#[tokio::test]
async fn a_client_that_does_not_read_an_http2_response_is_disconnected() {
    let long = format!(r#"{{"data":{{"me":{{"__typename":"User","id":"1","name":"{}"}}}}}}"#, "x".repeat(4 << 20));
    let users = Subgraph::json(move |_| long.clone()).await;
    let router = TestRouter::start(supergraph(&users.url(), NOWHERE), |config| {
        config.server.header_timeout = braid_settings::Duration(Duration::from_secs(1));
        config.server.write_timeout = braid_settings::Duration(Duration::from_millis(400));
    })
    .await;
    // A client that reads is served.
    let (mut reader, reading) = http2(TcpStream::connect(router.address).await.unwrap()).await;
    // Half of the response fits into the flow-control window of the other. Small requests on its connection are still served.
    let (mut sender, connection) = http2(TcpStream::connect(router.address).await.unwrap()).await;
    let begun = std::time::Instant::now();
    let unread = sender.send_request(request(QUERY)).await.unwrap();
    while !connection.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the connection is still open");
        let small = sender.send_request(request(r#"{"query":"{ __typename }"}"#)).await;
        drop(small);
        let whole = reader.send_request(request(QUERY)).await.unwrap().into_body().collect().await.unwrap();
        assert!(whole.to_bytes().len() > 4 << 20);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(400));
    drop(unread);
    assert!(!reading.is_finished());
}

#[tokio::test]
async fn a_client_is_disconnected_even_if_its_first_response_is_late() {
    let users = Subgraph::raw(|_| async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        let name = "x".repeat(4 << 20);
        ok(&format!(r#"{{"data":{{"me":{{"__typename":"User","id":"1","name":"{name}"}}}}}}"#))
    })
    .await;
    let router = TestRouter::start(supergraph(&users.url(), NOWHERE), |config| {
        config.server.header_timeout = braid_settings::Duration(Duration::from_millis(300));
        config.server.write_timeout = braid_settings::Duration(Duration::from_millis(400));
    })
    .await;
    let (mut sender, connection) = http2(TcpStream::connect(router.address).await.unwrap()).await;
    let stalled = sender.send_request(request(QUERY)).await.unwrap();
    let begun = std::time::Instant::now();
    while !connection.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the connection is still open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stalled);
}

#[tokio::test]
async fn connections_above_the_limit_wait() {
    let (router, _users, _orders) = router(|config| config.server.max_connections = 2).await;
    let idle = [TcpStream::connect(router.address).await.unwrap(), TcpStream::connect(router.address).await.unwrap()];
    let address = router.address;
    let waits = tokio::spawn(async move { support::exchange(address, &post(QUERY, "")).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished());
    drop(idle);
    assert_ada(&waits.await.unwrap());
}

#[tokio::test]
async fn a_router_stops_while_all_connections_are_in_use() {
    let (router, _users, _orders) = router(|config| config.server.max_connections = 1).await;
    let mut served = TcpStream::connect(router.address).await.unwrap();
    served.write_all(&post(QUERY, "")).await.unwrap();
    assert!(served.read(&mut [0; 1024]).await.unwrap() > 0);
    let begun = std::time::Instant::now();
    router.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
