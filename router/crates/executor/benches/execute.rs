//! The cost of executing an operation when subgraphs answer at once: everything but HTTP. Beside each, `serde_json::Value` doing
//! the same with the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::HashMap;

use braid_executor::stages::{Request, Stages};
use braid_graphql::names::SchemaNames;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
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
        let service = Recorded::new(world, operation.plan().unwrap().clone());
        let variables = operation.coerce_variables(None, SchemaNames::Shown).unwrap();
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

/// Each stage of a join of two subgraphs by itself.
fn stages(criterion: &mut Criterion) {
    let supergraph = supergraph(&["people", "books", "reviews", "stock"], TYPES);
    let (_, text, size) = cases()[2];
    let operation = compile(&supergraph, text);
    let world = World { supergraph: supergraph.clone(), size, seed: 7 };
    let service = Recorded::new(world, operation.plan().unwrap().clone());
    let variables = operation.coerce_variables(None, SchemaNames::Shown).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(braid_executor::execute(&operation, &variables, &service, &context())).bytes;
    let answers = service.known.lock().unwrap();
    let body = |request: &Request| answers.iter().find(|((_, sent), _)| *sent == request.body()).unwrap().1.clone();

    let begin = || {
        let mut stages = Stages::new(&operation, &variables);
        let first = stages.represent(0).unwrap();
        stages.absorb(&first, &body(&first));
        (stages, first)
    };
    let (mut joined, first) = begin();
    let second = joined.represent(1).unwrap();
    let (books, stock) = (body(&first), body(&second));
    joined.absorb(&second, &stock);
    let values: [Value; 2] = [&books, &stock].map(|body| serde_json::from_slice(body).unwrap());
    let mut value = values[0]["data"].clone();
    let asked = represent_value(&value).1;
    merge_values(&mut value, &asked, &values[1]);
    assert_eq!(serde_json::to_vec(&project_value(&value)).unwrap(), answer[8..answer.len() - 1]);

    let mut read = criterion.benchmark_group("read");
    read.bench_function("slots", |bencher| {
        bencher.iter(|| joined.read(&first, &books) && joined.read(&second, &stock))
    });
    read.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| [&books, &stock].map(|body| serde_json::from_slice::<Value>(body).unwrap()));
    });
    read.finish();
    let mut represent = criterion.benchmark_group("represent");
    represent.bench_function("slots", |bencher| bencher.iter(|| joined.represent(1)));
    represent.bench_function("serde_json::Value", |bencher| bencher.iter(|| represent_value(&value)));
    represent.finish();
    let mut merge = criterion.benchmark_group("read and merge");
    merge.bench_function("slots", |bencher| {
        let prepare = || {
            let mut stages = begin().0;
            let second = stages.represent(1).unwrap();
            (stages, second)
        };
        bencher.iter_batched(
            prepare,
            |(mut stages, second)| {
                stages.absorb(&second, &stock);
                stages
            },
            BatchSize::SmallInput,
        );
    });
    merge.bench_function("serde_json::Value", |bencher| {
        let run = |mut value: Value| {
            merge_values(&mut value, &asked, &serde_json::from_slice(&stock).unwrap());
            value
        };
        bencher.iter_batched(|| values[0]["data"].clone(), run, BatchSize::SmallInput);
    });
    merge.finish();
    let mut project = criterion.benchmark_group("project");
    project.bench_function("slots", |bencher| bencher.iter(|| joined.project()));
    project.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| serde_json::to_vec(&project_value(&value)).unwrap());
    });
    project.finish();
}

/// The request's representations as text, and for each book the number of its own.
fn represent_value(data: &Value) -> (Vec<u8>, Vec<usize>) {
    let (mut sent, mut numbers): (Vec<Value>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    let mut asked = Vec::new();
    for book in data["books"].as_array().unwrap() {
        let representation =
            json!({ "__typename": "Book", "id": book["id"], "price": book["price"], "weight": book["weight"] });
        let number = *numbers.entry(representation.to_string()).or_insert_with(|| {
            sent.push(representation);
            sent.len() - 1
        });
        asked.push(number);
    }
    (serde_json::to_vec(&sent).unwrap(), asked)
}

fn merge_values(data: &mut Value, asked: &[usize], answer: &Value) {
    let books = data["books"].as_array_mut().unwrap();
    for (book, number) in books.iter_mut().zip(asked) {
        for (key, value) in answer["data"]["_entities"][number].as_object().unwrap() {
            book[key] = value.clone();
        }
    }
}

fn project_value(data: &Value) -> Value {
    let keys = ["left", "title", "price", "postage", "id", "weight"];
    let book = |book: &Value| keys.iter().map(|key| ((*key).to_owned(), book[*key].clone())).collect::<Value>();
    json!({ "books": data["books"].as_array().unwrap().iter().map(book).collect::<Vec<_>>() })
}

criterion_group!(all, benches, stages);
criterion_main!(all);
