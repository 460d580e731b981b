//! Guessing passwords, and that it keeps nobody out of their own account.

use serde_json::{Value, json};
use service::Viewer;

use super::world::{SAMPLE, World, address, codes, customer, on_each};
use crate::limits::{self, Limit};

async fn login_from(world: &World, number: u32, password: &str, device: &Value) -> Value {
    let input = json!({ "username": "grace", "password": password, "deviceToken": device });
    world.run_from(address(number), Viewer::Anonymous, "login", input).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_guesses_is_ten_guesses() {
    on_each(async |world| {
        let flood = (0..40).map(|_| login_from(world, 1, "guess", &Value::Null));
        let done = futures_util::future::join_all(flood).await;
        let count = |code: &str| done.iter().filter(|payload| codes(payload) == [code]).count();
        assert_eq!((count("BAD_CREDENTIALS"), count("TOO_MANY_ATTEMPTS")), (10, 30));
        assert_eq!(codes(&login_from(world, 1, SAMPLE, &Value::Null).await), ["TOO_MANY_ATTEMPTS"]);
        world.sql("UPDATE attempts SET resets_at = 1").await;
        assert_eq!(codes(&login_from(world, 1, SAMPLE, &Value::Null).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_of_others_keep_nobody_out() {
    on_each(async |world| {
        let mine = login_from(world, 1, SAMPLE, &Value::Null).await["session"].take();
        for _ in 0..10 {
            login_from(world, 2, "guess", &Value::Null).await;
        }
        assert_eq!(codes(&login_from(world, 2, SAMPLE, &Value::Null).await), ["TOO_MANY_ATTEMPTS"]);
        // From elsewhere, on a device that is known, and with an open session.
        assert_eq!(codes(&login_from(world, 3, SAMPLE, &Value::Null).await), [""; 0]);
        assert_eq!(codes(&login_from(world, 2, SAMPLE, &mine["deviceToken"]).await), [""; 0]);
        assert_eq!(codes(&world.refresh(&mine["refreshToken"]).await), [""; 0]);

        // From so many places that nobody unknown may guess any more.
        for _ in 0..110 {
            let _ = limits::take(&world.database, &[Limit::from_everywhere("grace")]).await;
        }
        assert_eq!(codes(&login_from(world, 4, SAMPLE, &Value::Null).await), ["TOO_MANY_ATTEMPTS"]);
        assert_eq!(codes(&login_from(world, 4, SAMPLE, &mine["deviceToken"]).await), [""; 0]);
        world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": "grace@example.com" })).await;
        let token = world.token_to("grace@example.com").await;
        let new = "tr0ub4dor and three";
        let input = json!({ "token": token, "newPassword": new });
        let device = world.run(Viewer::Anonymous, "resetPassword", input).await["deviceToken"].take();
        assert_eq!(codes(&login_from(world, 5, new, &device).await), [""; 0]);

        // A device is known to its own account only, and a made-up one to none.
        let alan = world.session("alan", SAMPLE).await;
        for foreign in [&alan["deviceToken"], &json!("made up"), &json!("A".repeat(43))] {
            assert_eq!(codes(&login_from(world, 6, new, foreign).await), ["TOO_MANY_ATTEMPTS"]);
        }
    })
    .await;
}

/// A device that was stolen can't guess for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_has_ten_guesses_too() {
    on_each(async |world| {
        let device = world.session("grace", SAMPLE).await["deviceToken"].take();
        for _ in 0..10 {
            assert_eq!(codes(&login_from(world, 1, "guess", &device).await), ["BAD_CREDENTIALS"]);
        }
        assert_eq!(codes(&login_from(world, 1, SAMPLE, &device).await), ["TOO_MANY_ATTEMPTS"]);
        // The same for the passwords of mutations behind a token.
        for _ in 0..10 {
            let input = json!({ "oldPassword": "guess", "newPassword": "tr0ub4dor and three" });
            assert_eq!(codes(&world.run(customer("alan"), "changePassword", input).await), ["BAD_CREDENTIALS"]);
        }
        let input = json!({ "email": "x@shop.test", "password": SAMPLE });
        assert_eq!(codes(&world.run(customer("alan"), "changeEmail", input).await), ["TOO_MANY_ATTEMPTS"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_guesses_at_many_accounts_so_often() {
    on_each(async |world| {
        for _ in 0..200 {
            limits::take(&world.database, &[limits::per_address(address(1))]).await.unwrap();
        }
        assert_eq!(codes(&login_from(world, 1, SAMPLE, &Value::Null).await), ["TOO_MANY_ATTEMPTS"]);
        assert_eq!(codes(&login_from(world, 2, SAMPLE, &Value::Null).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_flooded_with_mails() {
    on_each(async |world| {
        for (email, number) in [("grace@example.com", 1), ("nobody@shop.test", 2)] {
            for round in 0..7 {
                let input = json!({ "email": email });
                let payload = world.run_from(address(number), Viewer::Anonymous, "requestPasswordReset", input).await;
                let expected: &[&str] = if round < 5 { &[] } else { &["TOO_MANY_ATTEMPTS"] };
                assert_eq!(codes(&payload), expected, "{email}");
            }
        }
        world.deliver().await;
        assert_eq!(world.mails.sent.lock().unwrap().len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_password() {
    on_each(async |world| {
        let login = |alias: usize| {
            format!("a{alias}: login(input: {{ username: \"grace\", password: \"guess {alias}\" }}) {{ userErrors {{ code }} }} ")
        };
        let many: String = (0..150).map(login).collect();
        let answer = world.data(Viewer::Anonymous, &format!("mutation {{ {many} }}"), json!({})).await;
        let found: Vec<&str> = answer.as_object().unwrap().values().flat_map(codes).collect();
        assert_eq!((found.len(), found[0]), (150, "BAD_CREDENTIALS"));
        assert!(found[1..].iter().all(|code| *code == "BAD_USER_INPUT"));
    })
    .await;
}
