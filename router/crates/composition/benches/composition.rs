//! How long composition takes: many subgraphs, one change of many, and the shapes on which path enumeration explodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::hint::black_box;

use braid_composition::{Composer, compose};
use criterion::{Criterion, criterion_group, criterion_main};

#[allow(dead_code, reason = "each bench uses some of them")]
mod shapes;

use shapes::{chain, fixture, interfaces, many, requirements, roots, shared, union};

/// The allocator of the router.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
