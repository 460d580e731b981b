//! Subgraphs in trouble, with real servers: the circuit breaker, several URLs, and hedging.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid_executor::SubgraphErrorKind;
use braid_graphql::OperationType::{Mutation, Query};
use support::{Behaviour, Peer, World, refusing, until};

const BREAKER: &str = "circuit_breaker: { min_requests: 4, open_time: 300ms, probes: 2 }";
const NO_RETRY: &str = "retry: { enabled: false }";

/// The outcome of a query: `None` if it was answered well.
async fn failure(world: &World) -> Option<SubgraphErrorKind> {
    match world.call(Query).await {
        Ok(response) if response.status == 200 => None,
        Ok(_) => Some(SubgraphErrorKind::Transport),
        Err(error) => Some(error.kind),
    }
}

async fn opened(world: &World) {
    for _ in 0..4 {
        assert!(failure(world).await.is_some());
    }
    assert_eq!(world.metric("circuit_state"), 1.0);
}

#[tokio::test]
async fn a_subgraph_that_fails_is_left_alone_until_probes_succeed() {
    let peer = Peer::start(Behaviour::Busy).await;
    let world = World::new(&[&peer.url], &format!("{BREAKER}, {NO_RETRY}"));
    opened(&world).await;
    for _ in 0..50 {
        let error = world.call(Query).await.unwrap_err();
        assert_eq!(error.kind.code(), "SUBREQUEST_CIRCUIT_OPEN");
        assert!(!error.retryable && error.message.contains("circuit_breaker"), "{error}");
    }
    assert_eq!(peer.requests(), 4);
    assert_eq!(world.metric_of("failures_total", "code=\"SUBREQUEST_CIRCUIT_OPEN\""), 50.0);

    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(failure(&world).await, Some(SubgraphErrorKind::Transport), "a probe");
    assert_eq!(failure(&world).await, Some(SubgraphErrorKind::CircuitOpen), "it failed");
    peer.set(Behaviour::Good);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(failure(&world).await, None);
    assert_eq!(world.metric("circuit_state"), 2.0);
    assert_eq!(failure(&world).await, None);
    assert_eq!(world.metric("circuit_state"), 0.0);
}

#[tokio::test]
async fn a_hanging_or_refusing_subgraph_costs_its_clients_no_more_time() {
    let peer = Peer::start(Behaviour::Hangs).await;
    let (_held, refused) = refusing();
    for url in [peer.url.clone(), refused] {
        let world = World::new(&[&url], &format!("{BREAKER}, {NO_RETRY}, first_byte_timeout: 100ms"));
        opened(&world).await;
        let began = Instant::now();
        assert_eq!(failure(&world).await, Some(SubgraphErrorKind::CircuitOpen));
        assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_is_no_failure_of_the_subgraph_opens_nothing() {
    let peer = Peer::start(Behaviour::Good).await;
    let world = World::new(&[&peer.url], &format!("{BREAKER}, {NO_RETRY}, max_response_bytes: 1KB"));
    for behaviour in [Behaviour::GraphQLErrors, Behaviour::NotFound, Behaviour::Html, Behaviour::Large] {
        peer.set(behaviour);
        for _ in 0..20 {
            assert_ne!(failure(&world).await, Some(SubgraphErrorKind::CircuitOpen), "{behaviour:?}");
        }
    }
    peer.set(Behaviour::Hangs);
    for _ in 0..20 {
        let given_up = tokio::time::timeout(Duration::from_millis(10), world.call(Query)).await;
        assert!(given_up.is_err());
    }
    assert_eq!(world.metric("circuit_state"), 0.0);
}

#[tokio::test]
async fn a_probe_that_its_client_gives_up_is_given_back() {
    let peer = Peer::start(Behaviour::Busy).await;
    let world = World::new(&[&peer.url], &format!("{BREAKER}, {NO_RETRY}"));
    opened(&world).await;
    peer.set(Behaviour::Hangs);
    tokio::time::sleep(Duration::from_millis(350)).await;
    for _ in 0..10 {
        let given_up = tokio::time::timeout(Duration::from_millis(20), world.call(Query)).await;
        assert!(given_up.is_err(), "it was let through, and hangs");
    }
    peer.set(Behaviour::Good);
    assert_eq!([failure(&world).await, failure(&world).await], [None, None]);
    assert_eq!(world.metric("circuit_state"), 0.0);
}

#[tokio::test]
async fn probes_are_not_retried() {
    let peer = Peer::start(Behaviour::Busy).await;
    let world = World::new(&[&peer.url], BREAKER);
    while world.metric("circuit_state") == 0.0 {
        assert!(failure(&world).await.is_some());
    }
    let before = peer.requests();
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert!(failure(&world).await.is_some());
    assert_eq!(peer.requests(), before + 1);
}

#[tokio::test]
async fn a_reload_keeps_the_state_of_what_it_does_not_change() {
    let peer = Peer::start(Behaviour::Busy).await;
    let traffic = format!("{BREAKER}, {NO_RETRY}");
    let world = World::new(&[&peer.url], &traffic);
    opened(&world).await;
    let same = world.reloaded(&[&peer.url], &traffic);
    assert_eq!(failure(&same).await, Some(SubgraphErrorKind::CircuitOpen));
    let changed = world.reloaded(&[&peer.url], &format!("{traffic}, timeout: 5s"));
    assert_eq!(changed.metric("circuit_state"), 0.0);
    assert_eq!(failure(&changed).await, Some(SubgraphErrorKind::Transport));
}

#[tokio::test]
async fn one_bad_url_of_three_costs_a_bounded_share_of_requests() {
    let (_held, refused) = refusing();
    for trouble in [Some(Behaviour::Busy), Some(Behaviour::Hangs), None] {
        let peers = [Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Good).await];
        let bad = Peer::start(trouble.unwrap_or(Behaviour::Good)).await;
        let third = if trouble.is_some() { &bad.url } else { &refused };
        let traffic = "first_byte_timeout: 100ms, ejection: { base_time: 30s }";
        let world = World::new(&[&peers[0].url, &peers[1].url, third], traffic);
        let mut failed = 0;
        for _ in 0..300 {
            failed += usize::from(!world.call(Mutation).await.is_ok_and(|response| response.status == 200));
        }
        // Mutations are never sent twice: those that find out about the URL fail.
        assert_eq!(failed, 5, "{trouble:?}");
        assert_eq!(world.metric("ejections_total"), 1.0, "{trouble:?}");
        assert_eq!(world.metric("urls_ejected"), 1.0);
        // Queries do not notice even those.
        let world = World::new(&[&peers[0].url, &peers[1].url, third], traffic);
        for _ in 0..300 {
            assert_eq!(failure(&world).await, None, "{trouble:?}");
        }
        assert_eq!(world.metric("ejections_total"), 1.0, "{trouble:?}");
        assert!(peers.iter().all(|peer| peer.requests() > 100));
    }
}

#[tokio::test]
async fn a_url_that_is_well_again_comes_back() {
    let (good, bad) = (Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Busy).await);
    let world = World::new(&[&good.url, &bad.url], "ejection: { base_time: 200ms, consecutive_failures: 2 }");
    while world.metric("ejections_total") == 0.0 {
        assert_eq!(failure(&world).await, None);
    }
    assert_eq!(bad.requests(), 2);
    tokio::time::sleep(Duration::from_millis(250)).await;
    while world.metric("ejections_total") == 1.0 {
        assert_eq!(failure(&world).await, None);
    }
    assert_eq!(bad.requests(), 3, "the first failure is enough");
    bad.set(Behaviour::Good);
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..100 {
        assert_eq!(failure(&world).await, None);
    }
    assert!(bad.requests() > 20, "{}", bad.requests());
    assert_eq!(world.metric("urls_ejected"), 0.0);
}

#[tokio::test]
async fn when_all_urls_fail_some_are_asked_still() {
    let peers = [Peer::start(Behaviour::Busy).await, Peer::start(Behaviour::Busy).await];
    let world = World::new(&[&peers[0].url, &peers[1].url], "ejection: { consecutive_failures: 1 }");
    for _ in 0..30 {
        assert_eq!(failure(&world).await, Some(SubgraphErrorKind::Transport));
    }
    assert_eq!(world.metric("urls_ejected"), 1.0);
    peers.iter().for_each(|peer| peer.set(Behaviour::Good));
    assert_eq!(failure(&world).await, None);
}

#[tokio::test]
async fn a_retry_goes_to_another_url_and_a_mutation_to_none() {
    let (good, bad) = (Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Busy).await);
    let traffic = "ejection: { enabled: false }, retry: { max: 1, min_per_second: 1000 }";
    let world = World::new(&[&good.url, &bad.url], traffic);
    for _ in 0..40 {
        assert_eq!(failure(&world).await, None);
    }
    assert_eq!((good.requests(), world.metric("retries_total")), (40, bad.requests() as f64));
    let before = good.requests() + bad.requests();
    for _ in 0..40 {
        let _ = world.call(Mutation).await;
    }
    assert_eq!(good.requests() + bad.requests(), before + 40);
}

#[tokio::test]
async fn the_less_loaded_url_gets_the_requests() {
    let peers = [Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Slow(400)).await];
    let world = World::new(&[&peers[0].url, &peers[1].url], "");
    let began = Instant::now();
    let client = || async {
        while began.elapsed() < Duration::from_millis(1000) {
            world.call(Mutation).await.unwrap();
        }
    };
    tokio::join!(client(), client(), client(), client());
    let (fast, slow) = (peers[0].requests(), peers[1].requests());
    assert!(slow > 0 && fast > 10 * slow, "{fast} and {slow}");
}

#[tokio::test]
async fn the_limit_of_connections_is_for_each_url() {
    let peers = [Peer::start(Behaviour::Slow(400)).await, Peer::start(Behaviour::Slow(400)).await];
    let world = World::new(&[&peers[0].url, &peers[1].url], "max_connections: 1");
    let began = Instant::now();
    let (first, second) = tokio::join!(world.call(Mutation), world.call(Mutation));
    assert!(first.is_ok() && second.is_ok());
    assert!(began.elapsed() < Duration::from_millis(790), "{:?}", began.elapsed());
    assert_eq!((peers[0].requests(), peers[1].requests()), (1, 1));
}

#[tokio::test]
async fn a_hedge_wins_over_a_slow_url() {
    let (fast, slow) = (Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Slow(3000)).await);
    let world = World::new(&[&fast.url, &slow.url], "hedge: { delay: 100ms, ratio: 1 }");
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(failure(&world).await, None);
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(world.metric("hedges_total"), slow.requests() as f64);
    assert!(slow.requests() > 0 && world.metric("hedges_won_total") > 0.0);
    until("the attempts that lost have ended", || slow.in_flight() == 0).await;
}

#[tokio::test]
async fn hedges_are_bounded_by_their_budget_and_mutations_have_none() {
    let peers = [Peer::start(Behaviour::Slow(20)).await, Peer::start(Behaviour::Slow(20)).await];
    let world = World::new(&[&peers[0].url, &peers[1].url], "hedge: { delay: 1ms, ratio: 0.1 }");
    for _ in 0..60 {
        assert_eq!(failure(&world).await, None);
    }
    assert_eq!(world.metric("hedges_total"), 6.0);
    let before = peers[0].requests() + peers[1].requests();
    for _ in 0..30 {
        world.call(Mutation).await.unwrap();
    }
    assert_eq!(peers[0].requests() + peers[1].requests(), before + 30);
    assert_eq!(world.metric("hedges_total"), 6.0);
}

#[tokio::test]
async fn a_measured_delay_hedges_what_takes_longer_than_usual() {
    let (usual, peer) = (Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Good).await);
    let world = World::new(&[&usual.url, &peer.url], "hedge: { percentile: 90, ratio: 1 }");
    for _ in 0..100 {
        assert_eq!(failure(&world).await, None);
    }
    peer.set(Behaviour::Slow(3000));
    let (before, began) = (world.metric("hedges_won_total"), Instant::now());
    for _ in 0..10 {
        assert_eq!(failure(&world).await, None);
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(world.metric("hedges_won_total") > before);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_nothing_behind() {
    let peers = [Peer::start(Behaviour::Hangs).await, Peer::start(Behaviour::Hangs).await];
    let world = World::new(&[&peers[0].url, &peers[1].url], "hedge: { delay: 10ms, ratio: 1 }");
    let given_up = tokio::time::timeout(Duration::from_millis(100), world.call(Query)).await;
    assert!(given_up.is_err());
    assert_eq!((peers[0].requests(), peers[1].requests()), (1, 1));
    until("both connections are closed", || peers.iter().all(|peer| peer.in_flight() == 0)).await;
    assert_eq!(world.in_flight(), 0);
}

#[tokio::test]
async fn http2_and_unix_sockets_have_several_urls_too() {
    let (good, bad) = (Peer::start(Behaviour::Good).await, Peer::start(Behaviour::Busy).await);
    let http2 = World::new(&[&good.url, &bad.url], "protocol: http2, ejection: { consecutive_failures: 2 }");
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.sock"), folder.path().join("two.sock"));
    let sockets = [Peer::unix(&one, Behaviour::Good), Peer::unix(&two, Behaviour::Busy)];
    let unix = World::new(&[&sockets[0].url, &sockets[1].url], "ejection: { consecutive_failures: 2 }");
    for world in [http2, unix] {
        for _ in 0..50 {
            assert_eq!(failure(&world).await, None);
        }
        assert_eq!(world.metric("ejections_total"), 1.0);
    }
    assert_eq!((bad.requests(), sockets[1].requests()), (2, 2));
}
