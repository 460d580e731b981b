//! Any order of what people do with their accounts, against a model of what must be open then: signing in with and without a second factor,
//! refreshing, signing out, changing passwords, turning the second factor on and off, and letting time pass.

mod factor;
mod model;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use service::testing::{TestClock, TestDatabase};

use self::factor::Code;
use self::model::Model;
use super::world::{SAMPLE, World};

const NAMES: [&str; 2] = ["grace", "alan"];

/// What somebody does. Numbers choose a session or a challenge; those that are too large wrap around.
#[derive(Debug, Clone)]
enum Step {
    SignIn {
        user: usize,
        right: bool,
    },
    /// The second step of signing in.
    Complete {
        challenge: usize,
        code: Code,
    },
    Refresh {
        session: usize,
    },
    /// With the token that the session had first, a minute after it was last refreshed.
    Steal {
        session: usize,
    },
    SignOut {
        session: usize,
    },
    SignOutEverywhere {
        user: usize,
    },
    ChangePassword {
        user: usize,
        right: bool,
    },
    Enroll {
        user: usize,
        right: bool,
    },
    Confirm {
        user: usize,
        code: Code,
    },
    Disable {
        user: usize,
        right: bool,
        code: Code,
    },
    Regenerate {
        user: usize,
        code: Code,
    },
    /// For an administrator, who takes the second factor from somebody who has lost it.
    Clear {
        user: usize,
    },
    Wait {
        seconds: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (user, session, mostly) = (0..2_usize, 0..8_usize, prop::bool::weighted(0.8));
    let code = factor::code();
    let by = (user.clone(), mostly);
    prop_oneof![
        6 => by.clone().prop_map(|(user, right)| Step::SignIn { user, right }),
        8 => (session.clone(), code.clone()).prop_map(|(challenge, code)| Step::Complete { challenge, code }),
        4 => session.clone().prop_map(|session| Step::Refresh { session }),
        1 => session.clone().prop_map(|session| Step::Steal { session }),
        1 => session.prop_map(|session| Step::SignOut { session }),
        1 => user.clone().prop_map(|user| Step::SignOutEverywhere { user }),
        1 => (user.clone(), any::<bool>()).prop_map(|(user, right)| Step::ChangePassword { user, right }),
        4 => by.clone().prop_map(|(user, right)| Step::Enroll { user, right }),
        6 => (user.clone(), code.clone()).prop_map(|(user, code)| Step::Confirm { user, code }),
        1 => (by, code.clone()).prop_map(|((user, right), code)| Step::Disable { user, right, code }),
        1 => (user.clone(), code).prop_map(|(user, code)| Step::Regenerate { user, code }),
        1 => user.prop_map(|user| Step::Clear { user }),
        // A step of the codes, longer than a challenge lives, longer than a new secret waits.
        3 => prop::sample::select(vec![30, 301, 901]).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// `PROPTEST_CASES` sets how many.
#[test]
fn what_is_open_is_what_should_be() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let place = TestDatabase::sqlite().unwrap();
    let world = runtime.block_on(World::open(&place, |config| config.service.sample_data = Some(true)));
    let hash = runtime.block_on(crate::password::hash(SAMPLE.to_owned())).unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&prop::collection::vec(step(), 1..32), |steps| {
            let clock = TestClock::default();
            runtime.block_on(clock.within(async {
                begin(&world, &hash).await;
                let mut model = Model::new();
                for step in &steps {
                    // Limits are the subject of other tests.
                    world.sql("DELETE FROM attempts").await;
                    match step {
                        Step::Wait { seconds } => clock.advance(Duration::from_secs(*seconds)),
                        Step::Steal { .. } => {
                            clock.advance(Duration::from_secs(60));
                            model.take(&world, step).await;
                        }
                        step => model.take(&world, step).await,
                    }
                    model.check(&world, step).await;
                }
            }));
            Ok(())
        })
        .unwrap();
}

/// As if nobody had done anything yet.
async fn begin(world: &World, hash: &str) {
    world.sql(&format!("UPDATE users SET password_hash = '{hash}' WHERE username IN ('grace', 'alan')")).await;
    for table in ["sessions", "totp_factors", "recovery_codes", "login_challenges", "devices", "mail_jobs"] {
        world.sql(&format!("DELETE FROM {table}")).await;
    }
}
