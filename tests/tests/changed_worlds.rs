//! What a router keeps when its schema changes, in random worlds that lose or gain a little: whatever [`Unchanged`] says can be kept is what
//! compiling over the new schema gives.
//!
//! The test includes a short run. For a long one: `WORLDS=300 OPS=20 SEED=1 cargo test --release -p braid-tests --test changed_worlds`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::Arc;

use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::footprint::Footprint;
use braid_graphql::parse::{ParseLimits, parse_operation};
use braid_supergraph::{Supergraph, Unchanged};
use braid_tests::compare::setting;
use braid_tests::shrink::smaller_worlds;
use braid_tests::world::{Operation, Random, World, operation};

/// How many changes are tried of each world.
const CHANGES: usize = 6;

#[test]
fn what_a_change_does_not_touch_is_what_compiling_gives() {
    let (mut kept, mut touched) = (0, 0);
    let first = setting("SEED", 1);
    for seed in first..first + setting("WORLDS", 60) {
        let world = World::random(seed);
        let Some(whole) = Schema::of(&world, None) else { continue };
        let mut random = Random::new(seed);
        let smaller = smaller_worlds(&world);
        for _ in 0..CHANGES {
            let changed = random.pick(&smaller);
            // It loses something, and gets it back.
            let Some(less) = Schema::of(changed, Some(&whole)) else { continue };
            let Some(again) = Schema::of(&world, Some(&less)) else { continue };
            for (older, newer) in [(&whole, &less), (&less, &again)] {
                for _ in 0..setting("OPS", 6) {
                    let operation = operation(&older.compiler.supergraph.api_schema, &mut random);
                    match older.keeps(newer, &operation, seed) {
                        true => kept += 1,
                        false => touched += 1,
                    }
                }
            }
        }
    }
    println!("{kept} operations kept, {touched} compiled again");
    assert!(kept > 100 && touched > 100, "{kept} kept, {touched} not");
}

/// A version of a world's schema.
struct Schema {
    compiler: Compiler,
}

impl Schema {
    fn of(world: &World, older: Option<&Self>) -> Option<Self> {
        let older = older.map(|older| &*older.compiler.supergraph);
        let supergraph = Supergraph::read_after(&world.compose().ok()?, older).ok()?;
        Some(Self { compiler: Compiler::new(Arc::new(supergraph), LimitsConfig::default()) })
    }

    /// Whether the operation is kept. If it is, it must be equal to what the newer schema makes of it.
    fn keeps(&self, newer: &Self, operation: &Operation, seed: u64) -> bool {
        let (old, new) = (&self.compiler.supergraph, &newer.compiler.supergraph);
        let text = operation.text.as_str();
        let footprint = {
            let document = parse_operation(&old.api_schema, &old.schema, text, ParseLimits::default()).unwrap();
            Footprint::new(&document, &old.schema)
        };
        let Some(unchanged) = Unchanged::between(old, new) else { return false };
        if !unchanged.covers(&footprint) {
            return false;
        }
        let kept = self.compiler.compile(text, None).unwrap().over(new).unwrap();
        let compiled = newer.compiler.compile(text, None);
        let compiled = compiled.unwrap_or_else(|refusal| panic!("seed {seed}: {:?}\n{text}", refusal.errors));
        let (kept, compiled) = (format!("{kept:#?}"), format!("{compiled:#?}"));
        let differing = kept.lines().zip(compiled.lines()).find(|(kept, compiled)| kept != compiled);
        assert!(differing.is_none() && kept.len() == compiled.len(), "seed {seed}: {differing:?}\n{text}");
        true
    }
}
