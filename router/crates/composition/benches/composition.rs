//! How long composition takes: many subgraphs, one change of many, and the shapes on which path enumeration explodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::fmt::Write;
use std::hint::black_box;

use braid_composition::{Composer, SubgraphSdl, compose};
use criterion::{Criterion, criterion_group, criterion_main};

/// The allocator of the router.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@requires\"])\n";

fn subgraph(name: String, sdl: String) -> SubgraphSdl {
    SubgraphSdl { url: format!("http://{name}.test/graphql"), name, sdl, file: None }
}

/// `count` subgraphs with `types` entities each; every entity of one is extended by the next.
fn many(count: usize, types: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|s| {
            let mut sdl = format!("{LINK}type Query {{ root{s}: T{s}x0 }}\n");
            for t in 0..types {
                let next = (t + 1) % types;
                let _ = writeln!(sdl, "type T{s}x{t} @key(fields: \"id\") {{ id: ID! a: String b(x: Int): Int c: [T{s}x{next}!] d: E{s} }}");
                if t % 10 == 0 {
                    let p = (s + count - 1) % count;
                    let _ = writeln!(sdl, "type T{p}x{t} @key(fields: \"id\") {{ id: ID! from{s}: T{s}x{t} }}");
                }
            }
            let _ = writeln!(sdl, "enum E{s} {{ A B C }}");
            subgraph(format!("s{s:03}"), sdl)
        })
        .collect()
}

/// S_i has the keys k(i-1) and k(i): a field of the last is reached through all.
fn chain(count: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|i| {
            let sdl = match i {
                0 => format!("{LINK}type Query {{ t: T }}\ntype T @key(fields: \"k0\") {{ k0: ID! f0: Int }}"),
                _ => format!(
                    "{LINK}type T @key(fields: \"k{}\") @key(fields: \"k{i}\") {{ k{}: ID! k{i}: ID! f{i}: Int }}",
                    i - 1,
                    i - 1
                ),
            };
            subgraph(format!("s{i:03}"), sdl)
        })
        .collect()
}

/// All subgraphs share all types.
fn shared(count: usize, types: usize) -> Vec<SubgraphSdl> {
    (0..count)
        .map(|s| {
            let mut sdl = format!("{LINK}type Query {{ q{s}: T0 }}\n");
            for t in 0..types {
                let next = (t + 1) % types;
                let _ = writeln!(sdl, "type T{t} @key(fields: \"id\") {{ id: ID! next: T{next} @shareable name: String @shareable own{s}: Int }}");
            }
            subgraph(format!("s{s:03}"), sdl)
        })
        .collect()
}

/// One union of `count` members that each return it.
fn union(count: usize) -> Vec<SubgraphSdl> {
    let mut sdl = format!("{LINK}type Query {{ u: U }}\nunion U =");
    (0..count).for_each(|n| write!(sdl, " | M{n}").unwrap());
    (0..count).for_each(|n| write!(sdl, "\ntype M{n} {{ u: U us: [U!] }}").unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// Each of `count` object types implements each of `count` interfaces.
fn interfaces(count: usize) -> Vec<SubgraphSdl> {
    let all: Vec<String> = (0..count).map(|n| format!("I{n}")).collect();
    let fields: String = all.iter().map(|interface| format!("f{interface}: {interface} ")).collect();
    let mut sdl = format!("{LINK}type Query {{ {fields} }}");
    (0..count).for_each(|n| write!(sdl, "\ninterface I{n} {{ fI{n}: I{n} }}").unwrap());
    (0..count).for_each(|n| write!(sdl, "\ntype T{n} implements {} {{ {fields} }}", all.join(" & ")).unwrap());
    vec![subgraph("s".to_owned(), sdl)]
}

/// A field that requires `count` fields, each of which requires another one.
fn requirements(count: usize) -> Vec<SubgraphSdl> {
    let entity = |fields: String| {
        format!("{LINK}type T @key(fields: \"id\") {{ id: ID! {fields} }} type Query {{ t: T @shareable }}")
    };
    let fields = |field: &dyn Fn(usize) -> String| -> String { (0..count).map(field).collect() };
    let all = fields(&|n| format!("b{n} "));
    let sdls = [
        fields(&|n| format!("a{n}: Int ")),
        fields(&|n| format!("a{n}: Int @external b{n}: Int @requires(fields: \"a{n}\") ")),
        fields(&|n| format!("b{n}: Int @external ")) + &format!("wide: Int @requires(fields: \"{all}\")"),
    ];
    ["a", "b", "c"].into_iter().zip(sdls).map(|(name, fields)| subgraph(name.to_owned(), entity(fields))).collect()
}

/// `count` root fields in each of ten subgraphs.
fn roots(count: usize) -> Vec<SubgraphSdl> {
    let one = |s: usize| {
        let fields: String = (0..count).map(|n| format!("q{s}x{n}: T ")).collect();
        format!("{LINK}type Query {{ {fields} }} type T @key(fields: \"id\") {{ id: ID! f{s}: Int }}")
    };
    (0..10).map(|s| subgraph(format!("s{s}"), one(s))).collect()
}

fn fixture() -> Vec<SubgraphSdl> {
    #[derive(serde::Deserialize)]
    struct Case {
        subgraphs: Vec<SubgraphSdl>,
    }
    let text = include_str!("../tests/cases/guild-fixtures.json");
    serde_json::from_str::<Vec<Case>>(text)
        .map(|cases| cases.into_iter().flat_map(|c| c.subgraphs).collect())
        .unwrap_or_default()
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("compose");
    group.sample_size(10);
    for (name, subgraphs) in [
        ("200 subgraphs, 20,000 types", many(200, 100)),
        ("191-subgraph fixture", fixture()),
        ("chain of 50 keys", chain(50)),
        ("100 subgraphs, one set of 50 types", shared(100, 50)),
        ("200 subgraphs, one set of 100 types", shared(200, 100)),
        ("chain of 200 keys", chain(200)),
        ("union of 5,000 members", union(5_000)),
        ("200 interfaces, 200 implementations", interfaces(200)),
        ("5,000 required fields", requirements(5_000)),
        ("20,000 root fields", roots(2_000)),
    ] {
        let composed = compose(&subgraphs);
        assert!(composed.result.is_ok(), "{name}: {:?}", composed.result.err().map(|e| e.into_iter().next()));
        group.bench_function(name, |b| b.iter(|| compose(black_box(&subgraphs))));
    }
    for (name, subgraphs) in [
        ("200 subgraphs, 20,000 types, one changed", many(200, 100)),
        ("100 subgraphs, one set of 50 types, one changed", shared(100, 50)),
    ] {
        let mut versions = [subgraphs.clone(), subgraphs];
        let changed = versions[1].len() / 2;
        versions[1][changed].sdl.push_str("type Added { x: Int }\n");
        let mut composer = Composer::default();
        let mut version = versions.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| version.next().map(|subgraphs| composer.compose(black_box(subgraphs))));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
