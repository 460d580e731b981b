//! Random operations with `@defer` and `@stream` over random federated worlds: their parts, put together, are the monoliths' whole responses; no
//! part comes before what it belongs to, nothing comes twice; in both formats. What is not deferred is planned without what is.
//!
//! The tests include a short run. For a long one: `WORLDS=300 OPS=40 SEED=1 cargo test --release -p braid-tests --test worlds_in_parts -- --nocapture`.
//! `SHRINK=3` shrinks the first three failures; `OP=4` runs only the fifth operation of each world.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use braid_tests::put_off::put_off;
use braid_tests::shrink::{difference_with, shrink_with};
use braid_tests::trial::Trial;
use braid_tests::world::{Operation, Random, World};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn parts_make_the_whole() {
    std::panic::set_hook(Box::new(|_| {}));
    let (worlds, operations, first) = (setting("WORLDS", 60), setting("OPS", 10), setting("SEED", 1));
    let limit = std::env::var("WORLDS").map_or(Duration::from_secs(20), |_| Duration::MAX);
    let start = Instant::now();
    let (mut run, mut shrinks) = (0u64, setting("SHRINK", 0));
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for seed in first..first + worlds {
        if start.elapsed() > limit {
            break;
        }
        let world = World::random(seed);
        let Ok(trial) = Trial::new(&world) else { continue };
        let only = setting("OP", u64::MAX);
        for number in (0..operations).filter(|number| only == u64::MAX || only == *number) {
            let whole = trial.operation(seed * 1000 + number);
            let mut random = Random::new(seed * 1000 + number);
            let Some(operation) = put_off(trial.api_schema(), &whole, &mut random) else { continue };
            run += 1;
            if let Some(difference) = trial.run_in_parts(&operation) {
                *kinds.entry(difference.kind).or_default() += 1;
                shown.push(format!("seed {seed} operation {number}: {}: {}", difference.kind, difference.detail));
                if shrinks > 0 {
                    shrinks -= 1;
                    let name = format!("parts-{}-{seed}-{number}", difference.kind.replace(' ', "-"));
                    write_small(&world, &operation, difference.kind, &name);
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    for line in shown.iter().take(setting("SHOW", 20) as usize) {
        println!("{line}\n");
    }
    println!("{run} operations, {} differences {kinds:?}, {:?}", shown.len(), start.elapsed());
    assert!(shown.is_empty(), "{} differences", shown.len());
    // Not each operation has something to put off, and the short run may stop early on a slow machine.
    let is_single = setting("OP", u64::MAX) != u64::MAX;
    assert!(is_single || run >= (worlds * operations).div_ceil(20), "{run} operations were run");
}

/// Shrinks a failure and writes it to a folder in `fixtures/worlds/new`, for a person to read.
fn write_small(world: &World, operation: &Operation, kind: &'static str, name: &str) {
    let (world, operation) = shrink_with(world, operation, kind, Trial::run_in_parts);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/worlds/new").join(name);
    world.write(&folder);
    operation.write(&folder);
    let Some(difference) = difference_with(&world, &operation, Trial::run_in_parts) else { return };
    println!("{}\n{}\n{}\n{}\n", folder.display(), operation.text, difference.detail, difference.plan);
}
