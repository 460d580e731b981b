//! Any order of signing in, refreshing, signing out and changing passwords, against a model of what must be open then.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use service::Viewer;
use service::testing::TestDatabase;

use super::world::{SAMPLE, World, codes, customer};

/// What somebody does. Numbers choose a session; those that are too large wrap around.
#[derive(Debug, Clone)]
enum Step {
    SignIn {
        user: usize,
        right: bool,
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
}

/// A session as its client knows it.
struct Session {
    user: usize,
    first: Value,
    latest: Value,
    is_open: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let (user, session) = (0..2_usize, 0..8_usize);
    prop_oneof![
        3 => (user.clone(), prop::bool::weighted(0.8)).prop_map(|(user, right)| Step::SignIn { user, right }),
        4 => session.clone().prop_map(|session| Step::Refresh { session }),
        1 => session.clone().prop_map(|session| Step::Steal { session }),
        1 => session.prop_map(|session| Step::SignOut { session }),
        1 => user.clone().prop_map(|user| Step::SignOutEverywhere { user }),
        1 => (user, any::<bool>()).prop_map(|(user, right)| Step::ChangePassword { user, right }),
    ]
}

const NAMES: [&str; 2] = ["grace", "alan"];

struct Model {
    passwords: [String; 2],
    sessions: Vec<Session>,
}

impl Model {
    fn start(&mut self, user: usize, payload: &Value) {
        let token = payload["session"]["refreshToken"].clone();
        self.sessions.push(Session { user, first: token.clone(), latest: token, is_open: true });
    }

    fn end_all(&mut self, user: usize) {
        self.sessions.iter_mut().filter(|session| session.user == user).for_each(|session| session.is_open = false);
    }

    fn chosen(&mut self, number: usize) -> Option<&mut Session> {
        let count = self.sessions.len();
        self.sessions.get_mut(number.checked_rem(count)?)
    }

    async fn take(&mut self, world: &World, step: &Step) {
        match *step {
            Step::SignIn { user, right } => {
                let password = if right { self.passwords[user].clone() } else { "guess".to_owned() };
                let payload = world.login(NAMES[user], &password).await;
                assert_eq!(codes(&payload).is_empty(), right, "{step:?}");
                if right {
                    self.start(user, &payload);
                }
            }
            Step::Refresh { session } => {
                let Some(session) = self.chosen(session) else { return };
                let mut payload = world.refresh(&session.latest).await;
                assert_eq!(codes(&payload).is_empty(), session.is_open, "{step:?}");
                if session.is_open {
                    session.latest = payload["session"]["refreshToken"].take();
                }
            }
            Step::Steal { session } => {
                let Some(session) = self.chosen(session) else { return };
                world.sql("UPDATE sessions SET rotated_at = rotated_at - 60000").await;
                let payload = world.refresh(&session.first).await;
                let is_latest = session.first == session.latest;
                assert_eq!(codes(&payload).is_empty(), session.is_open && is_latest, "{step:?}");
                if is_latest && session.is_open {
                    session.latest = payload["session"]["refreshToken"].clone();
                } else {
                    session.is_open = false;
                }
            }
            Step::SignOut { session } => {
                let Some(session) = self.chosen(session) else { return };
                world.run(Viewer::Anonymous, "logout", json!({ "refreshToken": session.first })).await;
                session.is_open = false;
            }
            Step::SignOutEverywhere { user } => {
                let query = "mutation { logoutEverywhere { endedSessions } }";
                let ended = world.data(customer(NAMES[user]), query, json!({})).await;
                let open = self.sessions.iter().filter(|session| session.user == user && session.is_open).count();
                assert_eq!(ended["logoutEverywhere"]["endedSessions"], open, "{step:?}");
                self.end_all(user);
            }
            Step::ChangePassword { user, right } => {
                let old = if right { self.passwords[user].clone() } else { "guess".to_owned() };
                let new = format!("password number {}", self.sessions.len());
                let input = json!({ "oldPassword": old, "newPassword": new });
                let payload = world.run(customer(NAMES[user]), "changePassword", input).await;
                assert_eq!(codes(&payload).is_empty(), right, "{step:?}");
                if right {
                    self.passwords[user] = new;
                    self.end_all(user);
                    self.start(user, &payload);
                }
            }
        }
    }
}

/// `PROPTEST_CASES` sets how many.
#[test]
fn sessions_are_open_exactly_as_long_as_they_should_be() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let place = TestDatabase::sqlite().unwrap();
    let world = runtime.block_on(World::open(&place, |config| config.service.sample_data = Some(true)));
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&prop::collection::vec(step(), 1..16), |steps| {
            runtime.block_on(async {
                let passwords = NAMES.map(|_| SAMPLE.to_owned());
                let hash = crate::password::hash(SAMPLE.to_owned()).await.unwrap();
                world
                    .sql(&format!("UPDATE users SET password_hash = '{hash}' WHERE username IN ('grace', 'alan')"))
                    .await;
                world.sql("DELETE FROM sessions").await;
                world.sql("DELETE FROM attempts").await;
                let mut model = Model { passwords, sessions: Vec::new() };
                for step in &steps {
                    model.take(&world, step).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
