//! Every form that Redis comes in, with TLS, certificates for both sides, and passwords.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_cache_store::config::StoreConfig;
use braid_cache_store::{Found, Invalidation};
use support::{Authority, Server, config, entry, eventually, get, joined, put, until};

fn with_tls(url: &str, authority: &Authority) -> StoreConfig {
    let mut config = config(url);
    config.redis.as_mut().unwrap().tls = authority.client();
    config
}

async fn works(config: &StoreConfig) {
    let (a, b) = (joined(config).await, joined(config).await);
    put(&a, b"x", &entry("1", a.position())).await;
    eventually("it is found", async || matches!(get(&b, b"x", true).await, Some(Found::Entry(_)))).await;
    let before = a.position();
    let position = a.invalidate(&[Invalidation::All]).await.unwrap();
    assert!(position > before && (b.position() == position || !b.may_serve()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_with_tls() {
    let authority = Authority::new();
    let Some(server) = Server::start_tls(&authority, &[]) else { return };
    let port = server.port;
    works(&with_tls(&format!("rediss://shop:p%40ss@127.0.0.1:{port}/2"), &authority)).await;
    assert!(server.cli(&["-n", "2", "DBSIZE"]).trim().parse::<u32>().unwrap() > 0);
    // Without the password, or without a certificate, nothing is served and nothing fails.
    let wrong = [
        with_tls(&format!("rediss://shop:other@127.0.0.1:{port}"), &authority),
        config(&format!("rediss://shop:p%40ss@127.0.0.1:{port}")),
        config(&format!("redis://shop:p%40ss@127.0.0.1:{port}")),
    ];
    for config in wrong {
        let (store, _) = support::store(&config);
        assert!(get(&store, b"x", true).await.is_none());
        assert!(store.invalidate(&[Invalidation::All]).await.is_err() && !store.may_serve());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_with_tls() {
    let authority = Authority::new();
    let Some(master) = Server::start_tls(&authority, &[]) else { return };
    let sentinel = Server::sentinel_with(&master, "my-shop", Some(&authority));
    let url = format!("rediss+sentinel://shop:p%40ss@127.0.0.1:{}/my-shop/1?sentinel_password=other", sentinel.port);
    works(&with_tls(&url, &authority)).await;
    assert!(master.cli(&["-n", "1", "DBSIZE"]).trim().parse::<u32>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_tls() {
    let authority = Authority::new();
    let bus = support::free_port().to_string();
    let settings = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
    let Some(node) = Server::start_tls(&authority, &settings) else { return };
    node.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("the cluster is there", || node.cli(&["CLUSTER", "INFO"]).contains("state:ok"));
    works(&with_tls(&format!("rediss+cluster://shop:p%40ss@127.0.0.1:{}", node.port), &authority)).await;
}
