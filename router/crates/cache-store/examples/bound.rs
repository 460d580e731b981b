//! Puts ten million distinct entries into memory of 1 GB, with the router's allocator, and compares what the process takes with the bound:
//!
//! ```sh
//! cargo run --release -p braid-cache-store --example bound
//! ```
//!
//! Sizes of values are spread evenly over the powers of two, so that most entries are small. The second run of each row has the tags of
//! its entries computed, as after the first invalidation.
#![allow(clippy::print_stdout, reason = "it is what it is for")]

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use braid_cache_store::{Entry, Group, Key, Lifetime, Memory, Position, Tag, TagKind};
use braid_telemetry::metrics::Counter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BOUND: usize = 1_000_000_000;
const ENTRIES: u64 = 10_000_000;

/// The resident memory of this process in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) * 1024.0
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn run(smallest: u64, largest: u64, with_tags: bool) {
    let before = resident();
    let memory = Memory::new(BOUND, 1 << 20, Counter::default());
    let lifetime = Lifetime { since: 0, fresh_until: 1, revalidate_until: 1, on_error_until: 1 };
    let (mut seed, mut most) = (1, 0.0f64);
    let started = Instant::now();
    for number in 0..ENTRIES {
        let share = random(&mut seed) as f64 / f64::from(1u32 << 31);
        let size = (smallest as f64 * (largest as f64 / smallest as f64).powf(share)) as usize;
        let entry = Arc::new(Entry {
            value: vec![b'a'; size].into(),
            lifetime,
            position: Position(0),
            given_tags: [].into(),
            own_tags: OnceLock::new(),
        });
        if with_tags {
            let tag = Tag::new(None, TagKind::Type, &[]);
            entry.own_tags.get_or_init(|| [tag; 4].into());
        }
        let item = format!("{{\"__typename\":\"Product\",\"id\":\"{number}\"}}");
        memory.put(Key { group: Group([7; 16]), item: item.into_bytes().into() }, entry);
        if number % 100_000 == 0 {
            most = most.max(resident() - before);
        }
    }
    let took = started.elapsed() / ENTRIES as u32;
    let now = resident() - before;
    println!(
        "{smallest:>5} to {largest:>4} bytes, tags {}: {:>8} entries, resident {:.3} GB, at most {:.3} GB, {:+.1} % of the bound; {took:?} each",
        if with_tags { "known  " } else { "unknown" },
        memory.len(),
        now / 1e9,
        most / 1e9,
        (now / BOUND as f64 - 1.0) * 100.0,
    );
}

fn main() {
    // Each in a process of its own, since an allocator gives memory back late.
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    if let [smallest, largest, with_tags] = arguments[..] {
        run(smallest, largest, with_tags == 1);
        return;
    }
    println!("a bound of 1 GB, {ENTRIES} distinct entries");
    let Ok(this) = std::env::current_exe() else { return };
    for sizes in [["20", "20"], ["20", "200"], ["20", "2000"], ["200", "200"], ["700", "700"], ["2000", "2000"]] {
        for with_tags in ["0", "1"] {
            let _ = std::process::Command::new(&this).args(sizes).arg(with_tags).status();
        }
    }
}
