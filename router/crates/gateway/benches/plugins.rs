//! What the stages of plugins cost a request: without plugins, with one that takes part in nothing that the request passes, with one that passes
//! a header on to subgraphs, and with one at each stage that the gateway has. The operation is in the cache, and the subgraph responds from memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "a panic in a bench is its report, and a bench is no API"
)]

mod product;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Gateway, GatewayConfig, answer, extend};
use braid_plugin::{Plugin, Plugins, Refused, Stage, SubgraphRequestStage, WithRequestStage, WithResponseStage};
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderName;
use product::Product;

/// Does nothing at some stages.
struct Idle(&'static [Stage]);

impl Plugin for Idle {
    fn stages(&self) -> &[Stage] {
        self.0
    }
}

/// Passes a header of the client on to subgraphs.
struct PassesHeader;

impl Plugin for PassesHeader {
    fn stages(&self) -> &[Stage] {
        &[Stage::SubgraphRequest]
    }

    async fn subgraph_request(&self, stage: &mut SubgraphRequestStage<'_>) -> Result<(), Refused> {
        if let Some(value) = stage.context.headers.get(&TENANT) {
            stage.headers.insert(TENANT, value.clone());
        }
        Ok(())
    }
}

const TENANT: HeaderName = HeaderName::from_static("x-tenant");

const BODY: &[u8] = br#"{"query":"{ product { name } }"}"#;

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sdl = "type Query { product: Product } type Product { name: String }".to_owned();
    let products = SubgraphSdl { name: "products".to_owned(), sdl, ..SubgraphSdl::default() };
    let sdl = compose(&[products]).result.expect("the subgraph composes").supergraph_sdl;
    let supergraph = Arc::new(Supergraph::read(&sdl).unwrap());
    let metrics = Arc::new(Metrics::default());

    let bare = Arc::new(Gateway::new(supergraph.clone(), Product, &GatewayConfig::default(), &metrics).unwrap());
    let (head, ()) = http::Request::new(()).into_parts();
    let context = Arc::new(bare.context(head, None, Duration::from_secs(3600)));
    criterion.bench_function("no stages at all", |bencher| {
        bencher.iter(|| {
            let request = GraphQLRequest::from_json(black_box(BODY)).unwrap();
            let answered = runtime.block_on(answer(&bare, &request, &context, Accepts::WHOLE)).unwrap();
            black_box(answered.executed().unwrap().response.bytes)
        });
    });
    for (name, plugins) in [
        ("no plugin", Plugins::default()),
        ("a plugin elsewhere", Plugins::default().with(Idle(&[Stage::Response]))),
        ("a plugin that passes a header on", Plugins::default().with(PassesHeader)),
        ("a plugin at each stage", Plugins::default().with(Idle(&Stage::ALL))),
    ] {
        let subgraphs = WithResponseStage::new(Product, &plugins, &supergraph);
        let subgraphs = WithRequestStage::new(subgraphs, &plugins, &supergraph);
        let config = GatewayConfig { plugins, ..GatewayConfig::default() };
        let gateway = Arc::new(Gateway::new(supergraph.clone(), subgraphs, &config, &metrics).unwrap());
        let (head, ()) = http::Request::builder().header(TENANT, "acme").body(()).unwrap().into_parts();
        let context = Arc::new(gateway.context(head, None, Duration::from_secs(3600)));
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut context = context.clone();
                let answered = runtime.block_on(async {
                    let mut body = Bytes::from_static(black_box(BODY));
                    extend::request(&gateway, &mut context, &mut body).await?;
                    let mut request = GraphQLRequest::from_json(&body)?;
                    extend::operation(&gateway, &mut context, &mut request).await?;
                    answer(&gateway, &request, &context, Accepts::WHOLE).await
                });
                black_box(answered.unwrap().executed().unwrap().response.bytes)
            });
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
