//! What must be open, after each step.

use serde_json::{Value, json};
use service::Viewer;
use service::clock;
use service::graphql::id;

use super::factor::{self, Code, Enrolment, Factor, Given};
use super::{NAMES, Step};
use crate::account::challenge::{LIFE, MOST_WRONG_CODES};
use crate::account::second_factor::ENROLMENT_LIFE;
use crate::tests::world::{SAMPLE, World, admin, codes, customer, sample_id};

/// A session as its client knows it.
struct Session {
    user: usize,
    first: Value,
    latest: Value,
    is_open: bool,
}

/// What somebody has who has shown the password of an account with a second factor.
struct Challenge {
    user: usize,
    token: Value,
    made_at: i64,
    wrong_codes: i32,
    is_open: bool,
}

struct Account {
    password: String,
    enrolment: Option<Enrolment>,
    factor: Option<Factor>,
}

pub(super) struct Model {
    accounts: [Account; 2],
    sessions: Vec<Session>,
    challenges: Vec<Challenge>,
    passwords: usize,
}

impl Model {
    pub(super) fn new() -> Self {
        let account = |_| Account { password: SAMPLE.to_owned(), enrolment: None, factor: None };
        Self { accounts: NAMES.map(account), sessions: Vec::new(), challenges: Vec::new(), passwords: 0 }
    }

    /// Does the step, and checks that the service answers what it must.
    pub(super) async fn take(&mut self, world: &World, step: &Step) {
        match *step {
            Step::SignIn { user, right } => self.sign_in(world, user, right).await,
            Step::Complete { challenge, code } => self.complete(world, challenge, code).await,
            Step::Refresh { session } => self.refresh(world, session).await,
            Step::Steal { session } => self.steal(world, session).await,
            Step::SignOut { session } => {
                let Some(session) = chosen(&mut self.sessions, session) else { return };
                world.run(Viewer::Anonymous, "logout", json!({ "refreshToken": session.first })).await;
                session.is_open = false;
            }
            Step::SignOutEverywhere { user } => {
                let query = "mutation { logoutEverywhere { endedSessions } }";
                let ended = world.data(customer(NAMES[user]), query, json!({})).await;
                let open = self.sessions.iter().filter(|session| session.user == user && session.is_open).count();
                assert_eq!(ended["logoutEverywhere"]["endedSessions"], open);
                self.end_sessions(user);
            }
            Step::ChangePassword { user, right } => self.change_password(world, user, right).await,
            Step::Enroll { user, right } => self.enroll(world, user, right).await,
            Step::Confirm { user, code } => self.confirm(world, user, code).await,
            Step::Disable { user, right, code } => self.disable(world, user, right, code).await,
            Step::Regenerate { user, code } => self.regenerate(world, user, code).await,
            Step::Clear { user } => {
                let input = json!({ "userId": id::global("User", sample_id(NAMES[user])).as_str() });
                let payload = world.run(admin(), "clearTotp", input).await;
                assert_eq!(codes(&payload), [""; 0]);
                if self.accounts[user].factor.is_some() {
                    self.turn_off(user);
                }
            }
            Step::Wait { .. } => {}
        }
    }

    /// What can be seen of the accounts at any time.
    pub(super) async fn check(&self, world: &World, step: &Step) {
        for (name, account) in NAMES.iter().zip(&self.accounts) {
            let seen = world.data(customer(name), "{ me { totpEnabled } }", json!({})).await;
            assert_eq!(seen["me"]["totpEnabled"], account.factor.is_some(), "{name} after {step:?}");
        }
    }

    async fn sign_in(&mut self, world: &World, user: usize, right: bool) {
        let payload = world.login(NAMES[user], &self.password(user, right)).await;
        let has_factor = self.accounts[user].factor.is_some();
        assert_eq!(codes(&payload), if right { vec![] } else { vec!["BAD_CREDENTIALS"] });
        assert_eq!(payload["session"].is_object(), right && !has_factor, "{payload}");
        assert_eq!(payload["challenge"].is_object(), right && has_factor, "{payload}");
        if payload["session"].is_object() {
            self.start(user, &payload);
        } else if right {
            let token = payload["challenge"]["token"].clone();
            let made_at = clock::now_millis();
            self.challenges.push(Challenge { user, token, made_at, wrong_codes: 0, is_open: true });
        }
    }

    async fn complete(&mut self, world: &World, number: usize, code: Code) {
        let Some(challenge) = chosen(&mut self.challenges, number) else { return };
        let (user, token) = (challenge.user, challenge.token.clone());
        let is_open = challenge.is_open && clock::now_millis() - challenge.made_at < clock::millis(LIFE);
        let (text, given) = self.code(user, code);
        let payload = world.run(Viewer::Anonymous, "completeLogin", json!({ "challenge": token, "code": text })).await;
        let is_right = is_open && self.accepts(user, &given);
        let expected = match (is_open, is_right) {
            (false, _) => vec!["CHALLENGE_ENDED"],
            (true, false) => vec!["BAD_CODE"],
            (true, true) => vec![],
        };
        assert_eq!(codes(&payload), expected, "{code:?} as {given:?}");
        let Some(challenge) = chosen(&mut self.challenges, number) else { return };
        if is_open && !is_right {
            challenge.wrong_codes += 1;
        }
        if is_right || challenge.wrong_codes >= MOST_WRONG_CODES {
            challenge.is_open = false;
        }
        if is_right {
            self.start(user, &payload);
        }
    }

    async fn refresh(&mut self, world: &World, session: usize) {
        let Some(session) = chosen(&mut self.sessions, session) else { return };
        let mut payload = world.refresh(&session.latest).await;
        assert_eq!(codes(&payload).is_empty(), session.is_open);
        if session.is_open {
            session.latest = payload["session"]["refreshToken"].take();
        }
    }

    async fn steal(&mut self, world: &World, session: usize) {
        let Some(session) = chosen(&mut self.sessions, session) else { return };
        let payload = world.refresh(&session.first).await;
        let is_latest = session.first == session.latest;
        assert_eq!(codes(&payload).is_empty(), session.is_open && is_latest);
        if is_latest && session.is_open {
            session.latest = payload["session"]["refreshToken"].clone();
        } else {
            session.is_open = false;
        }
    }

    async fn change_password(&mut self, world: &World, user: usize, right: bool) {
        self.passwords += 1;
        let new = format!("password number {}", self.passwords);
        let input = json!({ "oldPassword": self.password(user, right), "newPassword": new });
        let payload = world.run(customer(NAMES[user]), "changePassword", input).await;
        assert_eq!(codes(&payload).is_empty(), right);
        if right {
            self.accounts[user].password = new;
            // The second factor stays; a secret that nobody has confirmed does not.
            self.accounts[user].enrolment = None;
            self.end_sessions(user);
            self.end_challenges(user);
            self.start(user, &payload);
        }
    }

    async fn enroll(&mut self, world: &World, user: usize, right: bool) {
        let input = json!({ "password": self.password(user, right) });
        let payload = world.run(customer(NAMES[user]), "enrollTotp", input).await;
        let account = &mut self.accounts[user];
        let expected = match (right, &account.factor) {
            (false, _) => vec!["BAD_CREDENTIALS"],
            (true, Some(_)) => vec!["CONFLICT"],
            (true, None) => vec![],
        };
        assert_eq!(codes(&payload), expected);
        if expected.is_empty() {
            account.enrolment = Some(Enrolment { secret: factor::secret(&payload), made_at: clock::now_millis() });
        }
    }

    async fn confirm(&mut self, world: &World, user: usize, code: Code) {
        let (text, given) = self.code(user, code);
        let payload = world.run(customer(NAMES[user]), "confirmTotp", json!({ "code": text })).await;
        let account = &mut self.accounts[user];
        let waits = |enrolment: &&Enrolment| clock::now_millis() - enrolment.made_at < clock::millis(ENROLMENT_LIFE);
        let step = match (account.enrolment.as_ref().filter(waits), given) {
            (None, _) => return assert_eq!(codes(&payload), ["CONFLICT"]),
            (Some(_), Given::Step(step)) => step,
            (Some(_), given) => return assert_eq!(codes(&payload), ["BAD_CODE"], "{code:?} as {given:?}"),
        };
        assert_eq!(codes(&payload), [""; 0], "{code:?}");
        let secret = account.enrolment.take().unwrap().secret;
        let mut factor = Factor { secret, last_step: step, recovery: Vec::new(), old: Vec::new() };
        factor.replace_recovery(&payload["recoveryCodes"]);
        account.factor = Some(factor);
        // They have shown no second factor.
        self.end_sessions(user);
        self.start(user, &payload);
    }

    async fn disable(&mut self, world: &World, user: usize, right: bool, code: Code) {
        let (text, given) = self.code(user, code);
        let input = json!({ "password": self.password(user, right), "code": text });
        let payload = world.run(customer(NAMES[user]), "disableTotp", input).await;
        let expected = self.shown(user, right, &given);
        assert_eq!(codes(&payload), expected, "{code:?} as {given:?}");
        if expected.is_empty() {
            self.turn_off(user);
            self.start(user, &payload);
        }
    }

    async fn regenerate(&mut self, world: &World, user: usize, code: Code) {
        let (text, given) = self.code(user, code);
        let input = json!({ "password": self.password(user, true), "code": text });
        let payload = world.run(customer(NAMES[user]), "regenerateRecoveryCodes", input).await;
        let expected = self.shown(user, true, &given);
        assert_eq!(codes(&payload), expected, "{code:?} as {given:?}");
        if let (true, Some(factor)) = (expected.is_empty(), &mut self.accounts[user].factor) {
            factor.replace_recovery(&payload["recoveryCodes"]);
        }
    }

    /// What a password and a code are answered with.
    fn shown(&mut self, user: usize, right: bool, given: &Given) -> Vec<&'static str> {
        if !right {
            vec!["BAD_CREDENTIALS"]
        } else if self.accounts[user].factor.is_none() {
            vec!["CONFLICT"]
        } else if !self.accepts(user, given) {
            vec!["BAD_CODE"]
        } else {
            vec![]
        }
    }

    fn accepts(&mut self, user: usize, given: &Given) -> bool {
        self.accounts[user].factor.as_mut().is_some_and(|factor| factor.accepts(given))
    }

    /// The text of a code, and what it is for the user.
    fn code(&self, user: usize, code: Code) -> (String, Given) {
        let secret = |user: usize| {
            let Account { factor, enrolment, .. } = &self.accounts[user];
            let confirmed = factor.as_ref().map(|factor| &factor.secret[..]);
            confirmed.or(enrolment.as_ref().map(|enrolment| &enrolment.secret[..]))
        };
        factor::text(code, secret(user), self.accounts[user].factor.as_ref(), secret(1 - user))
    }

    fn password(&self, user: usize, right: bool) -> String {
        if right { self.accounts[user].password.clone() } else { "guess".to_owned() }
    }

    fn start(&mut self, user: usize, payload: &Value) {
        let token = payload["session"]["refreshToken"].clone();
        assert!(token.is_string(), "{payload}");
        self.sessions.push(Session { user, first: token.clone(), latest: token, is_open: true });
    }

    fn turn_off(&mut self, user: usize) {
        self.accounts[user].factor = None;
        self.end_sessions(user);
        self.end_challenges(user);
    }

    fn end_sessions(&mut self, user: usize) {
        self.sessions.iter_mut().filter(|session| session.user == user).for_each(|session| session.is_open = false);
    }

    fn end_challenges(&mut self, user: usize) {
        let of_user = self.challenges.iter_mut().filter(|challenge| challenge.user == user);
        of_user.for_each(|challenge| challenge.is_open = false);
    }
}

fn chosen<T>(things: &mut [T], number: usize) -> Option<&mut T> {
    let count = things.len();
    things.get_mut(number.checked_rem(count)?)
}
