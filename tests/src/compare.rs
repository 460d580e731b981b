//! Random operations over random worlds, compared in one way: which differ, and a few of them made small. Knows no way to compare.
//!
//! The environment says how much: `WORLDS`, `OPS` and `SEED` (the first world); `OP` for one operation of each world; `SHRINK` for how
//! many failures are made small; `SHOW` for how many are printed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::shrink::{Run, difference_with, shrink_with};
use crate::trial::Trial;
use crate::world::{Operation, World};

/// A way to compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// What the folders of failures that were made small begin with.
    pub prefix: &'static str,
    /// The operation with a number; none if that has none.
    pub operation: fn(&Trial, u64) -> Option<Operation>,
    /// How it is run.
    pub run: Run,
}

/// What was run.
#[derive(Debug)]
pub struct Compared {
    /// How many operations.
    pub run: u64,
    /// How many there are, those that have none included.
    pub planned: u64,
    /// Whether one operation of each world was asked for.
    pub is_single: bool,
    /// Whether it may have stopped early, since nobody asked for a long run.
    pub is_short: bool,
    /// How many of them differ, worlds that can't be started included.
    pub differences: usize,
}

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

impl Comparison {
    /// Compares, and prints what differs.
    #[allow(clippy::print_stdout, reason = "what differs is for people to read")]
    pub fn run(&self) -> Compared {
        std::panic::set_hook(Box::new(|_| {}));
        let (worlds, operations, first) = (setting("WORLDS", 60), setting("OPS", 10), setting("SEED", 1));
        let is_short = std::env::var("WORLDS").is_err();
        let limit = if is_short { Duration::from_secs(20) } else { Duration::MAX };
        let start = Instant::now();
        let only = setting("OP", u64::MAX);
        let is_single = only != u64::MAX;
        let mut run = 0;
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
            for number in (0..operations).filter(|number| !is_single || only == *number) {
                let Some(operation) = (self.operation)(&trial, seed * 1000 + number) else { continue };
                run += 1;
                let Some(difference) = (self.run)(&trial, &operation) else { continue };
                *kinds.entry(difference.kind).or_default() += 1;
                shown.push(format!("seed {seed} operation {number}: {}: {}", difference.kind, difference.detail));
                if shrinks > 0 {
                    shrinks -= 1;
                    let name = format!("{}{}-{seed}-{number}", self.prefix, difference.kind.replace(' ', "-"));
                    self.write_small(&world, &operation, difference.kind, &name);
                }
            }
        }
        let _ = std::panic::take_hook();
        for line in shown.iter().take(setting("SHOW", 20) as usize) {
            println!("{line}\n");
        }
        println!("{run} operations, {} differences {kinds:?}, {:?}", shown.len(), start.elapsed());
        let planned = worlds * if is_single { 1 } else { operations };
        Compared { run, planned, is_single, is_short, differences: shown.len() }
    }

    /// Shrinks a failure and writes it to a folder in `fixtures/worlds/new`, for a person to read, name and list.
    #[allow(clippy::print_stdout, reason = "what differs is for people to read")]
    fn write_small(&self, world: &World, operation: &Operation, kind: &'static str, name: &str) {
        let (world, operation) = shrink_with(world, operation, kind, self.run);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/worlds/new").join(name);
        world.write(&folder);
        operation.write(&folder);
        let Some(difference) = difference_with(&world, &operation, self.run) else { return };
        println!("{}\n{}\n{}\n{}\n", folder.display(), operation.text, difference.detail, difference.plan);
    }
}
