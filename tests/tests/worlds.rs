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

use braid_tests::compare::Comparison;
use braid_tests::trial::Trial;

#[test]
fn random_worlds_answer_as_monoliths() {
    let operation = |trial: &Trial, number| Some(trial.operation(number));
    let compared = Comparison { prefix: "", operation, run: Trial::run }.run();
    assert!(compared.differences == 0, "{} differences", compared.differences);
    // The short run may stop early on a slow machine, but not before a tenth of it.
    let (run, planned) = (compared.run, compared.planned);
    let least = if compared.is_short { planned.div_ceil(10) } else { planned };
    assert!(planned > 0 && run >= least, "{run} operations were run, of {planned}");
}
