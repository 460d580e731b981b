//! The commands for operators, as processes on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::process::{Command, Output};

use sea_orm::ConnectionTrait;
use service::testing::TestDatabase;

fn run(place: &TestDatabase, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_users"));
    command.env_clear().env("DATABASE_URL", &place.config.url).args(arguments);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn an_operator_creates_an_administrator_once() {
    for place in TestDatabase::each().await.unwrap() {
        let create = ["admin", "create", "--username", "boss", "--email", "boss@shop.test"];
        let made = run(&place, &create);
        let printed = text(&made.stdout);
        assert!(made.status.success() && printed.contains("One-time password"), "{printed} {}", text(&made.stderr));
        let again = run(&place, &create);
        assert!(!again.status.success() && text(&again.stderr).contains("`boss` is taken"), "{}", text(&again.stderr));
        let wrong = run(&place, &["admin", "create", "--username", "x", "--email", "boss@shop.test"]);
        assert!(text(&wrong.stderr).contains("3 to 32"), "{}", text(&wrong.stderr));
        place.drop_it().await.unwrap();
    }
}

#[tokio::test]
async fn an_operator_takes_a_lost_second_factor_from_a_user() {
    for place in TestDatabase::each().await.unwrap() {
        let made = run(&place, &["admin", "create", "--username", "boss", "--email", "boss@shop.test"]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let database = sea_orm::Database::connect(&place.config.url).await.unwrap();
        let factor = "INSERT INTO totp_factors SELECT id, '12345678901234567890', 0, 1, 1 FROM users";
        database.execute_unprepared(factor).await.unwrap();
        let cleared = run(&place, &["totp", "clear", "--username", "Boss"]);
        assert!(text(&cleared.stdout).contains("`boss` has no second factor"), "{}", text(&cleared.stderr));
        let removed = database.execute_unprepared("DELETE FROM totp_factors").await.unwrap();
        assert_eq!(removed.rows_affected(), 0);
        let nobody = run(&place, &["totp", "clear", "--username", "nobody"]);
        assert!(text(&nobody.stderr).contains("there is no user `nobody`"), "{}", text(&nobody.stderr));
        database.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}

#[tokio::test]
async fn an_operator_rotates_keys_that_are_in_the_database() {
    for place in TestDatabase::each().await.unwrap() {
        let rotated = run(&place, &["keys", "rotate"]);
        assert!(
            rotated.status.success() && text(&rotated.stdout).contains("A new key was added"),
            "{}",
            text(&rotated.stderr)
        );
        let fixed = run(&place, &["--jwt-private-key", "a key", "keys", "rotate"]);
        assert!(!fixed.status.success() && text(&fixed.stderr).contains("JWT_PRIVATE_KEY"), "{}", text(&fixed.stderr));
        place.drop_it().await.unwrap();
    }
}

/// The migrations as a step of their own: before it the service does not start, and it can be looked at and undone.
#[tokio::test]
async fn an_operator_migrates_the_database() {
    for place in TestDatabase::each().await.unwrap() {
        let state = |arguments: &[&str]| {
            let done = run(&place, arguments);
            assert!(done.status.success(), "{}", text(&done.stderr));
            let lines = text(&done.stdout);
            lines.lines().map(|line| line.ends_with(": has run")).collect::<Vec<_>>()
        };
        let before = state(&["migrate", "status"]);
        assert!(before.len() > 2 && before.iter().all(|has_run| !has_run), "{before:?}");
        let refused = run(&place, &["--migrate", "false", "--listen", "127.0.0.1:0", "--sample-data", "true"]);
        assert!(!refused.status.success() && text(&refused.stderr).contains("run `users migrate up` first"));
        for _ in 0..2 {
            assert!(state(&["migrate", "up"]).iter().all(|has_run| *has_run));
        }
        let undone = state(&["migrate", "down", "--steps", "1"]);
        assert_eq!(undone.iter().filter(|has_run| !**has_run).count(), 1);
        let too_many = run(&place, &["migrate", "down", "--steps", "99"]);
        assert!(text(&too_many.stderr).contains("have run"), "{}", text(&too_many.stderr));
        assert!(state(&["migrate", "up"]).iter().all(|has_run| *has_run));
        place.drop_it().await.unwrap();
    }
}
