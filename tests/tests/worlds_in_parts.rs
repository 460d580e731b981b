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

use braid_tests::compare::Comparison;
use braid_tests::put_off::{put_off, stream_one};
use braid_tests::trial::Trial;
use braid_tests::world::Random;

#[test]
fn parts_make_the_whole() {
    let operation =
        |trial: &Trial, number| put_off(trial.api_schema(), &trial.operation(number), &mut Random::new(number));
    let compared = Comparison { prefix: "parts-", operation, run: Trial::run_in_parts }.run();
    assert!(compared.differences == 0, "{} differences", compared.differences);
    // Not each operation has something to put off, and the short run may stop early on a slow machine.
    let (run, planned) = (compared.run, compared.planned);
    assert!(compared.is_single || run >= planned.div_ceil(20), "{run} operations were run");
}

/// Such lists are delivered while the response arrives, in pieces of random sizes.
#[test]
fn a_list_that_arrives_makes_the_whole() {
    let operation =
        |trial: &Trial, number| stream_one(trial.api_schema(), &trial.operation(number), &mut Random::new(number));
    let compared = Comparison { prefix: "list-", operation, run: Trial::run_in_parts }.run();
    assert!(compared.differences == 0, "{} differences", compared.differences);
    let (run, planned) = (compared.run, compared.planned);
    assert!(compared.is_single || run >= planned.div_ceil(20), "{run} operations were run");
}
