//! From asking for an account to having one.

use serde_json::{Value, json};
use service::Viewer;

use super::world::{PASSWORD, World, codes, on_each, owner};

async fn register(world: &World, username: &str, email: &str) -> Value {
    let input = json!({ "username": username, "name": "New", "email": email, "password": PASSWORD });
    world.run(Viewer::Anonymous, "register", input).await
}

async fn confirm(world: &World, token: &str, password: &str) -> Value {
    world.run(Viewer::Anonymous, "confirmRegistration", json!({ "token": token, "password": password })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_exists_once_its_mail_was_read() {
    on_each(async |world| {
        assert_eq!(codes(&register(world, "New.One", " New@Shop.test").await), [""; 0]);
        let token = world.token_to("new@shop.test").await;
        assert_eq!(codes(&world.login("new.one", PASSWORD).await), ["BAD_CREDENTIALS"]);

        // Whoever has the mail must know the password, too.
        assert_eq!(codes(&confirm(world, &token, "another password").await), ["BAD_CREDENTIALS"]);
        assert_eq!(codes(&confirm(world, "not a token", PASSWORD).await), ["BAD_TOKEN"]);
        let confirmed = confirm(world, &token, PASSWORD).await;
        let user = &confirmed["session"]["user"];
        assert_eq!(
            (&user["username"], &user["email"], &user["roles"]),
            (&json!("new.one"), &json!("new@shop.test"), &json!(["CUSTOMER"]))
        );
        assert_eq!(codes(&confirm(world, &token, PASSWORD).await), ["BAD_TOKEN"]);

        let me = world.data(owner(&confirmed["session"]), "{ me { username roles } }", json!({})).await;
        assert_eq!(me["me"], json!({ "username": "new.one", "roles": ["CUSTOMER"] }));
        world.session("NEW@shop.test", PASSWORD).await;
    })
    .await;
}

/// A mail that could not be sent is tried again with another token; only the last one is valid.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_failed_is_sent_again() {
    on_each(async |world| {
        register(world, "unlucky", "unlucky@shop.test").await;
        world.mails.fails.store(true, std::sync::atomic::Ordering::SeqCst);
        world.deliver().await;
        world.mails.fails.store(false, std::sync::atomic::Ordering::SeqCst);
        assert!(world.mail_to("unlucky@shop.test").await.is_none(), "it is tried again later");
        world.sql("UPDATE mail_jobs SET due_at = 0").await;
        let token = world.token_to("unlucky@shop.test").await;
        assert_eq!(codes(&confirm(world, &token, PASSWORD).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_expires() {
    on_each(async |world| {
        register(world, "slow", "slow@shop.test").await;
        let token = world.token_to("slow@shop.test").await;
        world.sql("UPDATE registrations SET expires_at = 1").await;
        assert_eq!(codes(&confirm(world, &token, PASSWORD).await), ["BAD_TOKEN"]);
        assert!(crate::housekeeping::tidy(&world.database, world.config.token_life()).await.unwrap() >= 1);
    })
    .await;
}

/// Of several people who ask for the same name at the same time, one gets it; an address gets one account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_and_an_address_are_given_once() {
    on_each(async |world| {
        let (mut tokens, mut names) = (Vec::new(), Vec::new());
        for number in 0..4 {
            let email = format!("same{number}@shop.test");
            assert_eq!(codes(&register(world, "same", &email).await), [""; 0]);
            tokens.push(world.token_to(&email).await);
            let name = format!("other{number}");
            assert_eq!(codes(&register(world, &name, "one@shop.test").await), [""; 0]);
            names.push(world.token_to("one@shop.test").await);
        }
        for (tokens, code) in [(tokens, "USERNAME_TAKEN"), (names, "BAD_TOKEN")] {
            let done = futures_util::future::join_all(tokens.iter().map(|token| confirm(world, token, PASSWORD))).await;
            let won = done.iter().filter(|payload| !payload["session"].is_null()).count();
            assert_eq!(won, 1, "{done:?}");
            let lost = done.iter().flat_map(|payload| codes(payload)).collect::<Vec<_>>();
            assert_eq!(lost.len(), 3);
            assert!(lost.iter().all(|lost| *lost == code || *lost == "EMAIL_TAKEN"), "{lost:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_name_the_field() {
    on_each(async |world| {
        for (field, value, code) in [
            ("username", "a", "BAD_USER_INPUT"),
            ("username", "ada", "USERNAME_TAKEN"),
            ("name", " ", "BAD_USER_INPUT"),
            ("email", "nonsense", "BAD_USER_INPUT"),
            ("password", "short", "WEAK_PASSWORD"),
            ("password", "braid-sample", "WEAK_PASSWORD"),
        ] {
            let mut input =
                json!({ "username": "fine.name", "name": "N", "email": "fine@shop.test", "password": PASSWORD });
            input[field] = json!(value);
            let payload = world.run(Viewer::Anonymous, "register", input).await;
            let error = &payload["userErrors"][0];
            assert_eq!(
                (&payload["emailedTo"], &error["code"], &error["field"]),
                (&Value::Null, &json!(code), &json!(["input", field]))
            );
        }
    })
    .await;
}
