//! New passwords: by the old one, by mail, and in place of a one-time password.

use serde_json::{Value, json};
use service::Viewer;

use super::world::{PASSWORD, SAMPLE, World, codes, customer, on_each};

const NEW: &str = "tr0ub4dor and three";

async fn change(world: &World, old: &str, new: &str) -> Value {
    world.run(customer("grace"), "changePassword", json!({ "oldPassword": old, "newPassword": new })).await
}

async fn ask_for_reset(world: &World, email: &str) -> Value {
    world.run(Viewer::Anonymous, "requestPasswordReset", json!({ "email": email })).await
}

async fn reset(world: &World, token: &str, new: &str) -> Value {
    world.run(Viewer::Anonymous, "resetPassword", json!({ "token": token, "newPassword": new })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_a_password_takes_the_old_one_and_ends_all_other_sessions() {
    on_each(async |world| {
        let before = world.session("grace", SAMPLE).await;
        let refused = change(world, "wrong", NEW).await;
        assert_eq!(
            (codes(&refused), &refused["userErrors"][0]["field"]),
            (vec!["BAD_CREDENTIALS"], &json!(["input", "oldPassword"]))
        );
        assert_eq!(codes(&change(world, SAMPLE, "short").await), ["WEAK_PASSWORD"]);
        assert_eq!(codes(&world.refresh(&before["refreshToken"]).await), [""; 0]);

        let changed = change(world, SAMPLE, NEW).await;
        assert_eq!(codes(&world.refresh(&changed["session"]["refreshToken"]).await), [""; 0]);
        assert_eq!(codes(&world.refresh(&before["refreshToken"]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.login("grace", SAMPLE).await), ["BAD_CREDENTIALS"]);
        world.session("grace", NEW).await;
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "Your password was changed");
    })
    .await;
}

/// Of two changes from the same password at the same time, one is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_changes_at_the_same_time() {
    on_each(async |world| {
        let (one, two) = tokio::join!(change(world, SAMPLE, NEW), change(world, SAMPLE, PASSWORD));
        let mut found = [codes(&one), codes(&two)].concat();
        found.sort_unstable();
        assert_eq!(found, ["BAD_CREDENTIALS"]);
        world.session("grace", if codes(&one).is_empty() { NEW } else { PASSWORD }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_forgotten_password_is_replaced_by_mail_once() {
    on_each(async |world| {
        let session = world.session("grace", SAMPLE).await;
        let asked = ask_for_reset(world, "Grace@example.com").await;
        assert_eq!(asked, json!({ "emailedTo": "grace@example.com", "userErrors": [] }));
        let unused = world.token_to("grace@example.com").await;
        ask_for_reset(world, "grace@example.com").await;
        let token = world.token_to("grace@example.com").await;
        assert_eq!(codes(&reset(world, &token, "short").await), ["WEAK_PASSWORD"]);

        let done = futures_util::future::join_all((0..4).map(|_| reset(world, &token, NEW))).await;
        assert_eq!(done.iter().filter(|payload| payload["username"] == "grace").count(), 1, "{done:?}");
        assert!(done.iter().flat_map(|payload| codes(payload)).all(|code| code == "BAD_TOKEN"));
        assert_eq!(codes(&reset(world, &unused, PASSWORD).await), ["BAD_TOKEN"], "other mails are void, too");
        assert_eq!(codes(&world.refresh(&session["refreshToken"]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.login("grace", SAMPLE).await), ["BAD_CREDENTIALS"]);
        world.session("grace", NEW).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_of_a_reset_expires_and_opens_nothing_else() {
    on_each(async |world| {
        ask_for_reset(world, "grace@example.com").await;
        let token = world.token_to("grace@example.com").await;
        let elsewhere = world.run(Viewer::Anonymous, "confirmEmail", json!({ "token": token })).await;
        assert_eq!(codes(&elsewhere), ["BAD_TOKEN"]);
        world.sql("UPDATE mail_tokens SET expires_at = 1").await;
        assert_eq!(codes(&reset(world, &token, NEW).await), ["BAD_TOKEN"]);
        world.session("grace", SAMPLE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_password_is_replaced_at_the_first_sign_in() {
    on_each(async |world| {
        let password = crate::first_admin::create(&world.database, "Boss", "boss@shop.test", None).await.unwrap();
        let login = async |password: &str, new: Value| {
            let input = json!({ "username": "boss", "password": password, "newPassword": new });
            world.run(Viewer::Anonymous, "login", input).await
        };
        assert_eq!(codes(&login("wrong", json!(NEW)).await), ["BAD_CREDENTIALS"]);
        assert_eq!(codes(&login(&password, Value::Null).await), ["NEW_PASSWORD_REQUIRED"]);
        assert_eq!(codes(&login(&password, json!("short")).await), ["WEAK_PASSWORD"]);
        let session = login(&password, json!(NEW)).await["session"].take();
        assert_eq!(session["user"]["roles"], json!(["CUSTOMER", "ADMIN"]));
        assert_eq!(codes(&login(&password, json!(PASSWORD)).await), ["BAD_CREDENTIALS"]);
        // From now on it is an ordinary password; a new one takes `changePassword`.
        assert_eq!(codes(&login(NEW, json!(PASSWORD)).await), [""; 0]);
        world.session("boss", NEW).await;

        let password = crate::first_admin::create(&world.database, "late", "late@shop.test", None).await.unwrap();
        world.sql("UPDATE users SET one_time_until = 1 WHERE username = 'late'").await;
        let input = json!({ "username": "late", "password": password, "newPassword": NEW });
        assert_eq!(codes(&world.run(Viewer::Anonymous, "login", input).await), ["BAD_CREDENTIALS"]);
    })
    .await;
}
