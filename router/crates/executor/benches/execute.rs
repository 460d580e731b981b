//! The cost of executing an operation when subgraphs answer at once: everything but HTTP. Beside each, `serde_json::Value` doing
//! the same with the same bytes.
#![expect(missing_docs, clippy::unwrap_used, reason = "a bench is no API, and a panic in it is the report")]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use support::world::{Recorded, Size, World};
use support::{compile, context, supergraph};

const TYPES: &str = r#"
    type Query @type(graph: PEOPLE) @type(graph: BOOKS) @type(graph: REVIEWS) @type(graph: STOCK) {
      people: [Person] @field(graph: PEOPLE) books: [Book] @field(graph: BOOKS)
    }
    type Person @type(graph: PEOPLE, key: "id") @type(graph: REVIEWS, key: "id") {
      id: ID! name: String @field(graph: PEOPLE) handle: String @field(graph: PEOPLE) reviews: [Review] @field(graph: REVIEWS)
    }
    type Book @type(graph: BOOKS, key: "id") @type(graph: REVIEWS, key: "id") @type(graph: STOCK, key: "id") {
      id: ID! title: String @field(graph: BOOKS) price: Int @field(graph: BOOKS) @field(graph: STOCK, external: true)
      weight: Int @field(graph: BOOKS) @field(graph: STOCK, external: true)
      left: Boolean @field(graph: STOCK) postage: Int @field(graph: STOCK, requires: "price weight")
      reviews: [Review] @field(graph: REVIEWS)
    }
    type Review @type(graph: REVIEWS, key: "id") { id: ID! text: String book: Book by: Person }
"#;

const HEAVY: &str = "
    fragment P on Person { id handle name }
    fragment R on Review { id text }
    fragment B on Book { left title price postage id weight }
    { people { ...P reviews { ...R book { ...B reviews { ...R by { ...P reviews { ...R book { ...B } } } } } } }
      books { ...B reviews { ...R by { ...P reviews { ...R book { ...B } } } } } }";

fn cases() -> [(&'static str, &'static str, Size); 3] {
    let size = |root_items, items, entities| Size { entities, root_items, items, nulls: 0 };
    [
        ("light", "{ people { id } }", size(8, 2, 10)),
        ("heavy", HEAVY, size(6, 2, 10)),
        (
            "join of 100",
            "{ books { ...B } } fragment B on Book { left title price postage id weight }",
            size(100, 2, 1000),
        ),
    ]
}

fn benches(criterion: &mut Criterion) {
    let supergraph = supergraph(&["people", "books", "reviews", "stock"], TYPES);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (name, text, size) in cases() {
        let operation = compile(&supergraph, text);
        let world = World { supergraph: supergraph.clone(), size, seed: 7 };
        let service = Recorded::new(world, operation.plan().clone());
        let variables = operation.coerce_variables(None).unwrap();
        let context = context();
        let run = || runtime.block_on(braid_executor::execute(&operation, &variables, &service, &context));
        let first = run();
        assert_eq!(first.errors, 0);
        let received: usize = first.fetches.iter().map(|fetch| fetch.response_bytes).sum();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(received as u64));
        group.bench_function(
            format!("execute {} fetches to {} bytes", first.fetches.len(), first.bytes.len()),
            |bencher| {
                bencher.iter(run);
            },
        );
        let bodies: Vec<_> = service.known.lock().unwrap().values().cloned().collect();
        group.bench_function("parse the same bytes to serde_json::Value and write the answer", |bencher| {
            let answer: Value = serde_json::from_slice(&first.bytes).unwrap();
            bencher.iter(|| {
                let parsed: Vec<Value> = bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
                (parsed, serde_json::to_vec(&answer).unwrap())
            });
        });
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
