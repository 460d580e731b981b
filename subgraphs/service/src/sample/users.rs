//! The people of the sample data. Knows no password hash and no database.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::graphql::DateTime;

use super::{Dice, id, today};

/// The password of every sample user: sample data is for trying things out.
pub const PASSWORD: &str = "braid-sample";

/// A person of the sample data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleUser {
    /// The id, the same on every machine.
    pub id: Uuid,
    /// The name to sign in with.
    pub username: String,
    /// The full name.
    pub name: String,
    /// The address, in a domain that never receives mail.
    pub email: String,
    /// What the person is allowed to be, as tokens spell it.
    pub roles: &'static [&'static str],
    /// When the account was made.
    pub created_at: DateTime,
}

/// The people, oldest account first. The first, `ada`, is an administrator; the second, `grace`, is not.
pub fn users() -> Vec<SampleUser> {
    let mut dice = Dice::new("users");
    let known = KNOWN.iter().map(|(username, name)| ((*username).to_owned(), (*name).to_owned()));
    // The lists' lengths have no common factor, so the pairings do not come again within so few.
    let others = (0..OTHERS).map(|index| {
        let first = FIRST_NAMES[index % FIRST_NAMES.len()];
        let last = LAST_NAMES[(index * 7 + index / FIRST_NAMES.len()) % LAST_NAMES.len()];
        (format!("{first}.{last}").to_lowercase(), format!("{first} {last}"))
    });
    let people: Vec<_> = known.chain(others).collect();
    let count = people.len() as i64;
    let mut user = |(index, (username, name)): (usize, (String, String))| SampleUser {
        id: id("user", &username),
        email: format!("{username}@example.com"),
        roles: if index == 0 { &["admin", "customer"] } else { &["customer"] },
        created_at: account_date(index as i64, count, &mut dice),
        username,
        name,
    };
    people.into_iter().enumerate().map(&mut user).collect()
}

/// Accounts spread over the two years before today, in order, at odd times of day.
fn account_date(index: i64, count: i64, dice: &mut Dice) -> DateTime {
    let slot = TimeDelta::days(730).num_seconds() / count;
    let ago = slot * (count - index) - dice.between(0, slot - 1);
    today() - TimeDelta::seconds(ago)
}

const KNOWN: [(&str, &str); 6] = [
    ("ada", "Ada Lovelace"),
    ("grace", "Grace Hopper"),
    ("alan", "Alan Turing"),
    ("barbara", "Barbara Liskov"),
    ("edsger", "Edsger Dijkstra"),
    ("katherine", "Katherine Johnson"),
];

const OTHERS: usize = 344;

const FIRST_NAMES: [&str; 40] = [
    "Aisha", "Ben", "Carla", "Dmitri", "Elena", "Felix", "Giulia", "Hassan", "Ingrid", "Jonas", "Keiko", "Liam",
    "Maria", "Nikhil", "Olga", "Pablo", "Quinn", "Rosa", "Samuel", "Tamar", "Umar", "Vera", "Wei", "Ximena", "Yusuf",
    "Zofia", "Anton", "Bianca", "Chidi", "Dana", "Emil", "Fatima", "Goran", "Hana", "Ivan", "Jasmin", "Kofi", "Lucia",
    "Mateo", "Nora",
];

const LAST_NAMES: [&str; 43] = [
    "Abe", "Baker", "Costa", "Diallo", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen", "Kowalski",
    "Lindholm", "Moreau", "Nakamura", "Okafor", "Petrov", "Quispe", "Rossi", "Silva", "Tanaka", "Ueda", "Vogel",
    "Walsh", "Xu", "Yilmaz", "Zhang", "Almeida", "Bauer", "Chen", "Dubois", "Evans", "Ferrari", "Gruber", "Horvat",
    "Ito", "Janssen", "Khan", "Larsen", "Mendes", "Novak", "Oliveira", "Patel", "Romano",
];
