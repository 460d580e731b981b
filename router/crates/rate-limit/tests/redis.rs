//! Rate limits that routers count in Redis. `REDIS_URL` is the address of a server on which the tests may write keys of their own. Without
//! it they say that they were skipped; with `CI=true` they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use braid_rate_limit::LimitsByGraph;
use braid_rate_limit::config::RateLimitsConfig;
use braid_request_context::RequestContext;
use braid_request_context::headers::HeaderPlans;
use braid_telemetry::metrics::Metrics;
use braid_telemetry::trace::random;
use tokio::net::{TcpListener, TcpStream};

fn redis_url() -> Option<String> {
    let url = std::env::var("REDIS_URL").ok();
    assert!(
        url.is_some() || std::env::var_os("CI").is_none(),
        "REDIS_URL is not set: in CI the tests on Redis must run"
    );
    if url.is_none() {
        eprintln!("skipped: REDIS_URL is not set");
    }
    url
}

/// A router.
struct Router {
    limits: LimitsByGraph,
    metrics: Arc<Metrics>,
}

impl Router {
    fn new(redis: &str, prefix: &str, timeout: &str, rules: &str) -> Self {
        let config = config(redis, prefix, timeout, rules);
        let metrics = Arc::new(Metrics::default());
        Self { limits: LimitsByGraph::new(&config, [], &metrics, None).unwrap().unwrap(), metrics }
    }

    /// The next version of the same router.
    fn reloaded(&self, redis: &str, prefix: &str, rules: &str) -> Self {
        let config = config(redis, prefix, "2s", rules);
        let limits = LimitsByGraph::new(&config, [], &self.metrics, Some(&self.limits)).unwrap().unwrap();
        Self { limits, metrics: self.metrics.clone() }
    }

    /// Whether a request of this client passes.
    async fn passes(&self, client: u8) -> bool {
        self.limits.of(None).unwrap().begin().check_head(&context(client), 1).await.is_ok()
    }

    async fn passed(&self, times: u32, client: u8) -> u32 {
        let mut passed = 0;
        for _ in 0..times {
            passed += u32::from(self.passes(client).await);
        }
        passed
    }

    fn redis_is_up(&self) -> bool {
        self.metrics.redis("rate_limits").up.get() == 1
    }
}

/// The context of a request of this client.
fn context(client: u8) -> RequestContext {
    let (head, ()) = http::Request::new(()).into_parts();
    let plans = HeaderPlans::new(&Default::default(), std::iter::empty()).unwrap();
    let peer = SocketAddr::from(([192, 0, 2, client], 9));
    RequestContext::new(head, Some(peer), Duration::from_secs(1), Arc::new(plans))
}

fn config(redis: &str, prefix: &str, timeout: &str, rules: &str) -> RateLimitsConfig {
    let yaml = format!("redis: {{ url: \"{redis}\", prefix: \"{prefix}\", timeout: {timeout} }}\nrules: [{rules}]");
    braid_settings::from_yaml(&yaml).unwrap()
}

fn prefix() -> String {
    format!("braid-test:{:016x}:", random())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_routers_let_the_limit_through_together() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix();
    let rule = "{ name: ip, by: [client_ip], limit: 200, per: 1s, burst: 20 }";
    let routers = [(); 2].map(|()| Arc::new(Router::new(&url, &prefix, "2s", rule)));
    let (passed, asked) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let began = Instant::now();
    let clients = routers.iter().map(|router| {
        let (router, passed, asked) = (router.clone(), passed.clone(), asked.clone());
        tokio::spawn(async move {
            while began.elapsed() < Duration::from_secs(5) {
                asked.fetch_add(1, Ordering::Relaxed);
                passed.fetch_add(u32::from(router.passes(1).await), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let expected = 20.0 + 200.0 * began.elapsed().as_secs_f64();
    let (passed, asked) = (f64::from(passed.load(Ordering::Relaxed)), asked.load(Ordering::Relaxed));
    eprintln!("{passed} of {asked} requests passed; the limit is {expected:.0}");
    assert!(f64::from(asked) > expected * 1.2, "too few requests to reach the limit: {asked}");
    assert!((passed / expected - 1.0).abs() < 0.02, "{passed} passed, the limit is {expected}");
    assert!(routers.iter().all(|router| router.redis_is_up()));
}

#[tokio::test]
async fn the_burst_passes_once_and_each_key_has_its_own() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix();
    let rule = "{ name: ip, by: [client_ip], limit: 7, per: 1h }";
    let routers = [(); 2].map(|()| Router::new(&url, &prefix, "2s", rule));
    assert_eq!(routers[0].passed(5, 1).await + routers[1].passed(5, 1).await, 7);
    assert_eq!(routers[1].passed(10, 2).await, 7);
}

#[tokio::test]
async fn each_graph_has_keys_of_its_own() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix();
    let config = config(&url, &prefix, "2s", "{ name: ip, by: [client_ip], limit: 2, per: 1h }");
    let graphs = || [("a", config.clone()), ("b.c", config.clone())];
    let routers = [(); 2].map(|()| LimitsByGraph::new(&config, graphs(), &Metrics::default(), None).unwrap().unwrap());
    for graph in [None, Some("a"), Some("b.c")] {
        let mut passed = 0;
        for router in routers.iter().cycle().take(6) {
            let limits = router.of(graph).unwrap().begin();
            passed += u32::from(limits.check_head(&context(1), 1).await.is_ok());
        }
        assert_eq!(passed, 2, "{graph:?}");
    }
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
    let mut names: Vec<_> = keys.iter().map(|key| key[prefix.len()..].rsplit_once(':').unwrap().0).collect();
    names.sort_unstable();
    assert_eq!(names, ["a:ip", "b.c:ip", "ip"]);
}

#[tokio::test]
async fn a_refused_request_takes_nothing_from_other_rules() {
    let Some(url) = redis_url() else { return };
    let rules = "{ name: all, limit: 10, per: 1h }, { name: ip, by: [client_ip], limit: 1, per: 1h },
        { name: dry, by: [client_ip], limit: 1, per: 1h, dry_run: true }";
    let router = Router::new(&url, &prefix(), "2s", rules);
    for client in 1..=9 {
        assert_eq!(router.passed(5, client).await, 1);
    }
    assert_eq!(router.passed(5, 10).await, 1);
    assert_eq!(router.passed(5, 11).await, 0, "all is used up by the ten that passed");
}

#[tokio::test]
async fn a_clock_that_jumped_back_locks_nobody_out() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix();
    let router = Router::new(&url, &prefix, "2s", "{ name: ip, by: [client_ip], limit: 10, per: 1s, burst: 1 }");
    assert!(router.passes(1).await);
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(!keys[0].contains("192.0.2.1"), "{keys:?}");
    let () = redis::cmd("SET").arg(&keys[0]).arg("9000000000000000.0").query_async(&mut connection).await.unwrap();
    assert!(!router.passes(1).await, "as if the burst were used up");
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert!(router.passes(1).await);
    let () = redis::cmd("SET").arg(&keys[0]).arg("nonsense").query_async(&mut connection).await.unwrap();
    assert!(router.passes(1).await);
}

/// A proxy before Redis.
#[derive(Default)]
struct Proxy {
    /// Whether it has stopped to pass anything on.
    hangs: AtomicBool,
    accepted: AtomicU32,
    open: AtomicU32,
}

/// The URL of a proxy before Redis.
async fn proxy(url: &str) -> (String, Arc<Proxy>) {
    let target = url.trim_start_matches("redis://").split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Arc::new(Proxy::default());
    let state = proxy.clone();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let (target, state) = (target.clone(), state.clone());
            state.accepted.fetch_add(1, Ordering::Relaxed);
            state.open.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(target).await.unwrap();
                let until_hanging = async {
                    while !state.hangs.load(Ordering::Relaxed) {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                };
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                    () = until_hanging => tokio::time::sleep(Duration::from_secs(20)).await,
                }
                state.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    (format!("redis://{address}"), proxy)
}

#[tokio::test]
async fn while_redis_hangs_the_router_counts_for_itself() {
    let Some(url) = redis_url() else { return };
    let (proxied, proxy) = proxy(&url).await;
    let router = Router::new(&proxied, &prefix(), "100ms", "{ name: ip, by: [client_ip], limit: 50, per: 1h }");
    assert_eq!(router.passed(10, 1).await, 10);
    assert!(router.redis_is_up());
    proxy.hangs.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let local = router.passed(100, 1).await;
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    assert_eq!(local, 50, "its own limit");
    assert!(!router.redis_is_up());
    proxy.hangs.store(false, Ordering::Relaxed);
    let again = Instant::now();
    while !router.redis_is_up() {
        assert!(again.elapsed() < Duration::from_secs(15), "it never came back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(router.passed(100, 1).await, 40, "what was left in Redis");
}

#[tokio::test]
async fn reloads_leave_no_connections_behind() {
    let Some(url) = redis_url() else { return };
    let (proxied, proxy) = proxy(&url).await;
    let (prefix, rule) = (prefix(), "{ name: ip, by: [client_ip], limit: 100, per: 1h }");
    let mut router = Router::new(&proxied, &prefix, "2s", rule);
    assert!(router.passes(1).await);
    for _ in 0..20 {
        router = router.reloaded(&proxied, &prefix, rule);
        assert!(router.passes(1).await);
    }
    assert_eq!(proxy.accepted.load(Ordering::Relaxed), 1, "the connection is kept");
    for number in 0..20 {
        router = router.reloaded(&proxied, &format!("{prefix}{number}:"), rule);
        assert!(router.passes(1).await);
    }
    let began = Instant::now();
    while proxy.open.load(Ordering::Relaxed) > 1 {
        assert!(began.elapsed() < Duration::from_secs(5), "{} are open", proxy.open.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(proxy.accepted.load(Ordering::Relaxed), 21);
}

#[tokio::test]
async fn without_redis_the_router_counts_for_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let rule = "{ name: ip, by: [client_ip], limit: 5, per: 1h }";
    let router = Router::new(&format!("redis://{address}"), "x", "100ms", rule);
    let began = Instant::now();
    assert_eq!(router.passed(20, 1).await, 5);
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(router.metrics.redis("rate_limits").failures.get(), 1, "it was asked once");
}
