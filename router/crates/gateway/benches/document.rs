//! What finding the document of a request costs: sent as a text, without and with a safelist, and by its id. Everything else of a request
//! that is in the operation cache is the same for all, with a subgraph that responds from memory.

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
use braid_gateway::{Accepts, Documents, Gateway, GatewayConfig, answer};
use braid_persisted_operations::config::{Mode, PersistedOperationsConfig, SourceConfig};
use braid_persisted_operations::{OperationStore, QueryHash};
use braid_request_context::RequestContext;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use criterion::{Criterion, criterion_group, criterion_main};
use product::Product;
use tokio::runtime::Runtime;

/// An operation with a text of two kilobytes, as they are in practice, that asks for one field.
fn text() -> String {
    let arguments: Vec<_> = (0..60).map(|number| format!("$variable{number}: String = \"{number}\"")).collect();
    let uses: Vec<_> = (0..60).map(|number| format!("a{number}: $variable{number}")).collect();
    format!("query Product({}) {{ product({}) {{ name }} }}", arguments.join(", "), uses.join(", "))
}

fn gateway(runtime: &Runtime, mode: Mode, list: &std::path::Path) -> Arc<Gateway<Product>> {
    let arguments: Vec<_> = (0..60).map(|number| format!("a{number}: String")).collect();
    let sdl = format!("type Query {{ product({}): Product }} type Product {{ name: String }}", arguments.join(", "));
    let products = SubgraphSdl { name: "products".to_owned(), sdl, ..SubgraphSdl::default() };
    let sdl = compose(&[products]).result.expect("the subgraph composes").supergraph_sdl;
    let metrics = Arc::new(Metrics::default());
    let supergraph = Arc::new(Supergraph::read(&sdl).unwrap());
    let gateway = Gateway::new(supergraph, Product, &GatewayConfig::default(), &metrics).unwrap();
    let sources = vec![SourceConfig::File(list.to_owned())];
    let config = PersistedOperationsConfig { mode, sources, ..PersistedOperationsConfig::default() };
    let store = runtime.block_on(OperationStore::open(&config, None)).unwrap();
    Arc::new(gateway.with_documents(Documents::new(&config, store, None, &metrics).unwrap()))
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = text();
    let hash = QueryHash::of(&text).hex();
    let list = std::env::temp_dir().join(format!("braid-document-{}.json", std::process::id()));
    std::fs::write(&list, serde_json::json!({ &hash: text }).to_string()).unwrap();
    let (open, closed) = (gateway(&runtime, Mode::Allow, &list), gateway(&runtime, Mode::Safelist, &list));
    std::fs::remove_file(&list).unwrap();
    let by_text = serde_json::json!({ "query": text }).to_string();
    let by_id = serde_json::json!({ "documentId": hash }).to_string();
    let persisted = serde_json::json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let by_hash = serde_json::json!({ "extensions": persisted }).to_string();
    let (head, ()) = http::Request::new(()).into_parts();
    let context: Arc<RequestContext> = Arc::new(open.context(head, None, Duration::from_secs(3600)));
    for (name, gateway, body) in [
        ("text", &open, &by_text),
        ("text in a safelist", &closed, &by_text),
        ("documentId", &closed, &by_id),
        ("extensions.persistedQuery", &closed, &by_hash),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = GraphQLRequest::from_json(black_box(body.as_bytes())).unwrap();
                let answered = runtime.block_on(answer(gateway, &request, &context, Accepts::WHOLE)).unwrap();
                black_box(answered.executed().unwrap().response.bytes)
            });
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
