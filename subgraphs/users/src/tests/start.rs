//! What a database has after the start: nothing, the sample accounts, or an administrator; never two of them.

use serde_json::{Value, json};
use service::Viewer;
use service::database::Filled;
use service::testing::TestDatabase;

use super::world::{World, after, codes, on_each_with};
use crate::{Config, open, sample};

fn real(config: &mut Config) {
    config.bootstrap_admin_email = Some("Boss@shop.test".to_owned());
    config.mail.mail_file = Some("unused".into());
    *config = config.clone().settled().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_administrator_gets_a_password_by_mail() {
    for place in TestDatabase::each().await.unwrap() {
        let (one, two) = tokio::join!(World::open(&place, real), World::open(&place, real));
        two.deliver().await;
        let mail = match one.mail_to("boss@shop.test").await {
            Some(mail) => mail,
            None => two.mail_to("boss@shop.test").await.unwrap(),
        };
        let sent = one.mails.sent.lock().unwrap().len() + two.mails.sent.lock().unwrap().len();
        assert_eq!(sent, 1, "two that start together create one");
        let (username, password) = (after(&mail.text, "Username: "), after(&mail.text, "One-time password: "));
        assert_eq!(codes(&one.login(username, password).await), ["NEW_PASSWORD_REQUIRED"]);
        let input = json!({ "username": username, "password": password, "newPassword": "tr0ub4dor and three" });
        let session = one.run(Viewer::Anonymous, "login", input).await["session"].take();
        assert_eq!(session["user"]["roles"], json!(["CUSTOMER", "ADMIN"]));

        // Another start changes nothing.
        let again = World::open(&place, real).await;
        assert!(again.mail_to("boss@shop.test").await.is_none());
        again.session(username, "tr0ub4dor and three").await;
        for world in [one, two, again] {
            world.database.close().await.unwrap();
        }
        place.drop_it().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_there_becomes_the_administrator() {
    on_each_with(
        |config| config.service.sample_data = Some(false),
        async |world| {
            world.new_customer("boss").await;
            crate::first_admin::bootstrap(&world.database, "boss@shop.test").await.unwrap();
            let session = world.session("boss", super::world::PASSWORD).await;
            assert_eq!(session["user"]["roles"], json!(["CUSTOMER", "ADMIN"]));
        },
    )
    .await;
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let check = |change: fn(&mut Config), expected: Option<&str>| {
        let mut config = Config::new();
        change(&mut config);
        let found = config.settled().err().map(|error| error.to_string());
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()));
    };
    check(|_| {}, None);
    check(real, None);
    check(|config| config.bootstrap_admin_email = Some("a@b.c".to_owned()), Some("SMTP_URL"));
    // A real shop needs mail; with sample data, it can be looked at without.
    check(|config| config.service.database.url = "postgres://x/y".to_owned(), Some("nobody could register"));
    check(
        |config| {
            config.service.database.url = "postgres://x/y".to_owned();
            config.mail.mail_file = Some("unused".into());
        },
        None,
    );
    check(
        |config| {
            config.service.database.url = "postgres://x/y".to_owned();
            config.service.sample_data = Some(true);
        },
        None,
    );
    check(
        |config| {
            config.bootstrap_admin_email = Some("a@b.c".to_owned());
            config.service.sample_data = Some(true);
        },
        Some("SAMPLE_DATA"),
    );
}

/// A real shop never gets an administrator whose password is in the documentation.
#[tokio::test(flavor = "multi_thread")]
async fn sample_accounts_never_join_real_ones() {
    for place in TestDatabase::each().await.unwrap() {
        let world = World::open(&place, |config| config.service.sample_data = Some(false)).await;
        let again = World::open(&place, |config| config.service.sample_data = Some(true)).await;
        let table = "signing_keys".to_owned();
        assert_eq!(again.database.fill(sample::insert).await.unwrap(), Filled::HasData { table });
        let query = "{ users(first: 1) { totalCount nodes { username } } }";
        let found = again.data(super::world::admin(), query, json!({})).await;
        assert_eq!(found["users"], json!({ "totalCount": 0, "nodes": [] }));
        for world in [world, again] {
            world.database.close().await.unwrap();
        }
        place.drop_it().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_shop_does_not_start_with_published_passwords() {
    for place in TestDatabase::each().await.unwrap() {
        let sample = World::open(&place, |config| config.service.sample_data = Some(true)).await;
        let mut config = sample.config.clone();
        config.service.sample_data = Some(false);
        let refused = open(&config).await.unwrap_err().to_string();
        assert!(refused.contains("350 sample accounts") && refused.contains("SAMPLE_DATA"), "{refused}");
        // Once their passwords are others, they are accounts like all.
        sample.sql("UPDATE users SET password_hash = NULL").await;
        let database = open(&config).await.unwrap();
        for database in [&database, &sample.database] {
            database.close().await.unwrap();
        }
        place.drop_it().await.unwrap();
    }
}

/// Mail of development is in a file, which nobody else can read.
#[tokio::test(flavor = "multi_thread")]
async fn mails_of_development_are_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new();
    config.service.database.url = format!("sqlite://{}/users.db?mode=rwc", folder.path().display());
    let path = config.development_mail().unwrap();
    assert_eq!(path, folder.path().join("users.mail"));
    let mailer = crate::mail::mailer(&config.mail, Some(path.clone())).unwrap().unwrap();
    for number in 0..2 {
        let mail = crate::mail::Mail {
            to: format!("{number}@shop.test"),
            subject: "Hello".to_owned(),
            text: "Text".to_owned(),
        };
        mailer.send(&mail).await.unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "To: 0@shop.test\nSubject: Hello\n\nText\n----\nTo: 1@shop.test\nSubject: Hello\n\nText\n----\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    config.service.database.url = "postgres://x/y".to_owned();
    assert_eq!(config.development_mail(), None);
    let nothing: Value = json!(crate::mail::mailer(&config.mail, None).unwrap().is_none());
    assert_eq!(nothing, true);
}
