//! What a call of a WebAssembly hook costs: one that reads a header and sets another, with its fuel counted too, and what a plugin costs that
//! does nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a panic in a bench is its report, and a bench is no API"
)]

#[path = "../tests/guest/mod.rs"]
mod guest;

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use braid_plugin::{Plugin, Plugins, RequestStage, Stage};
use braid_request_context::RequestContext;
use braid_request_context::headers::HeaderPlans;
use braid_telemetry::metrics::Metrics;
use braid_wasm::config::WasmConfig;
use braid_wasm::{Hooks, Programs};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderValue;

/// Does nothing.
struct Idle;

impl Plugin for Idle {
    fn stages(&self) -> &[Stage] {
        &[Stage::Request]
    }
}

/// Reads a header and sets another.
const READ_AND_SET: &str = r#"
  (if (call $has (str "x-tenant"))
    (then (call $put (str "x-org") (i32.load (i32.const 1028)) (i32.load (i32.const 1032)))))"#;

/// A request as browsers send it.
fn context() -> RequestContext {
    let (mut head, ()) = http::Request::post("/graphql").body(()).unwrap().into_parts();
    for (name, value) in [
        ("host", "shop.example"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "application/graphql-response+json, application/json"),
        ("accept-encoding", "gzip, br"),
        ("content-type", "application/json"),
        ("content-length", "240"),
        ("origin", "https://shop.example"),
        ("authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"),
        ("x-request-id", "0190f6c2-5a1e-7c3b-9d2e-3a1b2c4d5e6f"),
        ("x-tenant", "acme"),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    let plans = HeaderPlans::new(&Default::default(), ["a"].into_iter()).unwrap();
    RequestContext::new(head, None, Duration::from_secs(3600), Arc::new(plans))
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hook.wasm"), guest::hook(&[(guest::REQUEST, READ_AND_SET)])).unwrap();
    let (metrics, programs) = (Metrics::default(), Programs::default());
    let hooks = |settings: &str| {
        let mut config: WasmConfig = serde_saphyr::from_str(&format!("hooks: [{settings}]")).unwrap();
        config.resolve_files(folder.path());
        Hooks::new(&config, &programs, &metrics).unwrap().after(Plugins::default())
    };
    let mut cases = vec![
        ("a plugin that does nothing".to_owned(), Plugins::default().with(Idle)),
        ("a hook that reads and sets a header".to_owned(), hooks("{ file: hook.wasm }")),
        ("the same, with max_fuel".to_owned(), hooks("{ file: hook.wasm, max_fuel: 1000000 }")),
        ("the same, with on_error: continue".to_owned(), hooks("{ file: hook.wasm, on_error: continue }")),
    ];
    // The components of the examples, where they are built.
    for name in ["rust", "typescript"] {
        let file = PathBuf::from(format!("../../../examples/wasm-hook-{name}/tenant.wasm"));
        if let Ok(file) = file.canonicalize() {
            let settings = format!("{{ file: {file:?}, config: {{ tenants: [acme, globex] }}, max_memory: 128MiB }}");
            cases.push((format!("the example in {name}"), hooks(&settings)));
        }
    }
    for (name, plugins) in cases {
        let mut context = context();
        let mut body = Bytes::from_static(b"{}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                let stage = RequestStage { context: black_box(&mut context), body: &mut body };
                runtime.block_on(plugins.request(stage)).unwrap();
            });
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
