//! The second factor of a user in the model: which codes must be accepted. Knows no session.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::Value;
use service::clock;

use crate::totp;

/// Which code somebody gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// What the app shows now.
    Shown,
    /// The last one that was accepted.
    Used,
    /// Six digits that are none of the valid ones.
    Wrong,
    /// A recovery code that is left.
    Recovery,
    /// A recovery code that was used or replaced.
    OldRecovery,
    /// What the app of the other user shows.
    OfAnother,
}

pub(super) fn code() -> impl Strategy<Value = Code> + Clone {
    prop_oneof![
        8 => Just(Code::Shown),
        1 => Just(Code::Used),
        1 => Just(Code::Wrong),
        2 => Just(Code::Recovery),
        1 => Just(Code::OldRecovery),
        1 => Just(Code::OfAnother),
    ]
}

/// A secret that waits for its first code.
pub(super) struct Enrolment {
    pub(super) secret: Vec<u8>,
    pub(super) made_at: i64,
}

/// A second factor that is on.
pub(super) struct Factor {
    pub(super) secret: Vec<u8>,
    /// The step of the last code that was accepted.
    pub(super) last_step: i64,
    /// The recovery codes that are left.
    pub(super) recovery: Vec<String>,
    /// Those that are not valid any more.
    pub(super) old: Vec<String>,
}

impl Factor {
    /// Whether the code must be accepted now; if so, it is used up.
    pub(super) fn accepts(&mut self, given: &Given) -> bool {
        match given {
            Given::Step(step) if *step > self.last_step => {
                self.last_step = *step;
                true
            }
            Given::Recovery(code) if self.recovery.contains(code) => {
                self.recovery.retain(|left| left != code);
                self.old.push(code.clone());
                true
            }
            Given::Step(_) | Given::Recovery(_) | Given::Nothing => false,
        }
    }

    /// Replaces the recovery codes.
    pub(super) fn replace_recovery(&mut self, codes: &Value) {
        self.old.append(&mut self.recovery);
        self.recovery = strings(codes);
        assert_eq!(self.recovery.len(), crate::account::second_factor::RECOVERY_CODES);
    }
}

/// What a code is for the user who gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// That of this step.
    Step(i64),
    Recovery(String),
    Nothing,
}

/// The text of the code, and what it is for a user with this secret and factor.
pub(super) fn text(
    code: Code,
    secret: Option<&[u8]>,
    factor: Option<&Factor>,
    other: Option<&[u8]>,
) -> (String, Given) {
    let now = totp::step_at(clock::now_millis());
    let at = |step: i64| match secret {
        // The step that a code is taken for, should two steps have the same one.
        Some(secret) => {
            let text = totp::code(secret, step);
            let step = totp::matching_step(secret, &text, now * totp::STEP_MILLIS);
            (text, step.map_or(Given::Nothing, Given::Step))
        }
        None => ("123456".to_owned(), Given::Nothing),
    };
    match code {
        Code::Shown => at(now),
        Code::Used => at(factor.map_or(now - 10, |factor| factor.last_step)),
        Code::Wrong => (wrong(secret, now), Given::Nothing),
        Code::Recovery => match factor.and_then(|factor| factor.recovery.first()) {
            Some(code) => (code.clone(), Given::Recovery(code.clone())),
            None => ("no-such-code".to_owned(), Given::Nothing),
        },
        Code::OldRecovery => {
            let old = factor.and_then(|factor| factor.old.last());
            (old.cloned().unwrap_or_else(|| "no-such-code".to_owned()), Given::Nothing)
        }
        Code::OfAnother => match other.map(|other| totp::code(other, now)) {
            Some(text) if !near(secret, now).contains(&text) => (text, Given::Nothing),
            _ => (wrong(secret, now), Given::Nothing),
        },
    }
}

/// Digits that are no code of these minutes.
fn wrong(secret: Option<&[u8]>, now: i64) -> String {
    let valid = near(secret, now);
    (0..).map(|number| format!("{number:06}")).find(|code| !valid.contains(code)).unwrap()
}

/// The codes around now.
fn near(secret: Option<&[u8]>, now: i64) -> HashSet<String> {
    secret.map(|secret| (now - 3..=now + 3).map(|step| totp::code(secret, step)).collect()).unwrap_or_default()
}

pub(super) fn secret(payload: &Value) -> Vec<u8> {
    data_encoding::BASE32_NOPAD.decode(payload["secret"].as_str().unwrap().as_bytes()).unwrap()
}

pub(super) fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}
