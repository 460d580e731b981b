//! What threads cost each other on a hit: requests from one thread and from several, over one router for all of them and over a router for
//! each. What one router for all costs more is waiting for the others: for locks, and for what the caches of processors must agree on.
//!
//! ```sh
//! cargo bench -p braid-server --bench threads
//! ```
//!
//! The one lock that every request takes is that of a queue of permits: once for itself, and once for each request to a subgraph. The last
//! lines say how long it is held for a hit, and which share of the time that is with 64 threads: at 100 % they could do no more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a panic in a bench is its report, and a bench is no API"
)]

#[path = "../../gateway/benches/product/mod.rs"]
mod product;

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use braid_composition::{SubgraphSdl, compose};
use braid_gateway::{Gateway, GatewayConfig};
use braid_net::PermitQueue;
use braid_server::config::ServerConfig;
use braid_server::{Front, Observers, Version};
use braid_supergraph::Supergraph;
use braid_telemetry::config::TelemetryConfig;
use http_body_util::{BodyExt, Full};
use product::Product;
use tower_service::Service;

const ROUNDS: usize = 9;
const HITS: u32 = 20_000;
const MANY: f64 = 64.0;

type Router = Arc<Front<Product>>;

fn router() -> Router {
    let sdl = "type Query { product: Product } type Product { name: String }".to_owned();
    let products = SubgraphSdl { name: "products".to_owned(), sdl, ..SubgraphSdl::default() };
    let sdl = compose(&[products]).result.expect("the subgraph composes").supergraph_sdl;
    let observers = Observers::default();
    let supergraph = Arc::new(Supergraph::read(&sdl).unwrap());
    let gateway = Gateway::new(supergraph, Product, &GatewayConfig::default(), &observers.metrics).unwrap();
    Arc::new(Front::new(Version::new(gateway, ServerConfig::default(), TelemetryConfig::default()).unwrap(), observers))
}

/// Hits, one after the other, in this thread.
fn hits(router: &Router) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut service = router.clone().service();
    runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..HITS {
            let request = http::Request::post("/graphql")
                .header("content-type", "application/json")
                .body(Full::new(r#"{"query":"{ product { name } }"}"#.into()))
                .unwrap();
            let response = service.call(request).await.unwrap();
            assert_eq!(response.status(), 200);
            black_box(response.into_body().collect().await.unwrap().to_bytes());
        }
        began.elapsed()
    })
}

/// The time of a hit, with a thread for each of these routers.
fn at_once(routers: &[Router]) -> Duration {
    let start = Barrier::new(routers.len());
    let took = std::thread::scope(|scope| {
        let threads: Vec<_> = routers
            .iter()
            .map(|router| {
                scope.spawn(|| {
                    start.wait();
                    hits(router)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).max()
    });
    took.unwrap_or_default() / HITS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long the lock of a queue is held for one permit that is taken and given back.
fn held() -> Duration {
    const PERMITS: u32 = 1_000_000;
    let queue = PermitQueue::new(8);
    let until = Instant::now() + Duration::from_secs(3600);
    let began = Instant::now();
    for _ in 0..PERMITS {
        drop(black_box(queue.acquire(until).ok()));
    }
    began.elapsed() / PERMITS
}

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let own: Vec<Router> = (0..threads).map(|_| router()).collect();
    let one = vec![own[0].clone(); threads];
    let (mut single, mut apart, mut together) = (Vec::new(), Vec::new(), Vec::new());
    // In turns, so that what else the machine does is spread over all.
    for _ in 0..ROUNDS {
        single.push(at_once(&own[..1]));
        apart.push(at_once(&own));
        together.push(at_once(&one));
    }
    let (single, apart, together) = (median(single), median(apart), median(together));
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!("one thread                     {single:.2?} for a hit");
    println!("{threads} threads, a router each      {apart:.2?}");
    println!("{threads} threads, one router         {together:.2?}, {:.3} of that", ratio(together, apart));
    let held = held();
    let share = 100.0 * MANY * ratio(held, single);
    println!(
        "a permit                       {held:.0?} under its lock, {share:.0} % of the time with {MANY} threads like this one"
    );
}
