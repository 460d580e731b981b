//! Random federated worlds compared with their monoliths: data byte for byte, order of keys, no errors.
//!
//! The tests include a short run. For a long one: `WORLDS=1000 OPS=40 SEED=1 cargo test --release -p braid-tests --test worlds -- --nocapture`.
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

use braid_tests::shrink::{difference, shrink};
use braid_tests::trial::Trial;
use braid_tests::world::{Operation, World};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_worlds_answer_as_monoliths() {
    std::panic::set_hook(Box::new(|_| {}));
    let (worlds, operations, first) = (setting("WORLDS", 60), setting("OPS", 10), setting("SEED", 1));
    let limit = std::env::var("WORLDS").map_or(Duration::from_secs(20), |_| Duration::MAX);
    let start = Instant::now();
    let mut run = 0u64;
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    let mut shrinks = setting("SHRINK", 0);
    for seed in first..first + worlds {
        if start.elapsed() > limit {
            break;
        }
        let world = World::random(seed);
        let trial = match Trial::new(&world) {
            Ok(trial) => trial,
            Err(message) => {
                *kinds.entry("no gateway").or_default() += 1;
                shown.push(format!("seed {seed}: {message}"));
                continue;
            }
        };
        let only = setting("OP", u64::MAX);
        for number in (0..operations).filter(|number| only == u64::MAX || only == *number) {
            let operation = trial.operation(seed * 1000 + number);
            run += 1;
            if let Some(difference) = trial.run(&operation) {
                *kinds.entry(difference.kind).or_default() += 1;
                shown.push(format!("seed {seed} operation {number}: {}: {}", difference.kind, difference.detail));
                if shrinks > 0 {
                    shrinks -= 1;
                    let name = format!("{}-{seed}-{number}", difference.kind.replace(' ', "-"));
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
    // The short run may stop early on a slow machine, but not before a tenth of it.
    let planned = worlds * if setting("OP", u64::MAX) == u64::MAX { operations } else { 1 };
    let least = if limit == Duration::MAX { planned } else { planned.div_ceil(10) };
    assert!(planned > 0 && run >= least, "{run} operations were run, of {planned}");
}

/// Shrinks a failure and writes it to a folder in `fixtures/worlds/new`, for a person to read, name and list.
fn write_small(world: &World, operation: &Operation, kind: &'static str, name: &str) {
    let (world, operation) = shrink(world, operation, kind);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/worlds/new").join(name);
    world.write(&folder);
    operation.write(&folder);
    let Some(difference) = difference(&world, &operation) else { return };
    println!("{}\n{}\n{}\n{}\n", folder.display(), operation.text, difference.detail, difference.plan);
}
