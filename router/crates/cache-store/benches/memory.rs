//! What it costs to find an entry in memory and to keep one.

use std::hint::black_box;
use std::sync::{Arc, OnceLock};

use braid_cache_store::{Entry, Group, Key, KeyRef, Lifetime, Memory, Position};
use braid_telemetry::metrics::Counter;
use criterion::{BatchSize, Criterion};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GROUP: Group = Group([7; 16]);
const ENTRIES: u64 = 100_000;

fn item(number: u64) -> Vec<u8> {
    format!("{{\"__typename\":\"Product\",\"id\":\"{number}\"}}").into_bytes()
}

fn entry() -> Arc<Entry> {
    let lifetime = Lifetime { since: 0, fresh_until: 1, revalidate_until: 1, on_error_until: 1 };
    Arc::new(Entry {
        value: [b'a'; 200].into(),
        lifetime,
        position: Position(0),
        given_tags: [].into(),
        own_tags: OnceLock::new(),
    })
}

fn next(number: &mut u64) -> (Key, Arc<Entry>) {
    *number += 1;
    (Key { group: GROUP, item: item(*number).into() }, entry())
}

fn memory(criterion: &mut Criterion) {
    let memory = Memory::new(1_000_000_000, 1 << 20, Counter::default());
    let items: Vec<Vec<u8>> = (0..ENTRIES).map(item).collect();
    for item in &items {
        memory.put(Key { group: GROUP, item: item.as_slice().into() }, entry());
    }
    let mut group = criterion.benchmark_group("memory");
    let mut at = 0;
    group.bench_function("get", |bencher| {
        bencher.iter(|| {
            at = (at + 7919) % items.len();
            black_box(memory.get(KeyRef { group: GROUP, item: &items[at] }))
        });
    });
    group.bench_function("put", |bencher| {
        let mut number = ENTRIES;
        let setup = || next(&mut number);
        bencher.iter_batched(setup, |(key, entry)| memory.put(key, entry), BatchSize::LargeInput);
    });
    let small = Memory::new(10_000_000, 1 << 20, Counter::default());
    group.bench_function("put, one leaves", |bencher| {
        let mut number = 0;
        let setup = || next(&mut number);
        bencher.iter_batched(setup, |(key, entry)| small.put(key, entry), BatchSize::LargeInput);
    });
    group.finish();
}

fn main() {
    memory(&mut Criterion::default().configure_from_args());
}
