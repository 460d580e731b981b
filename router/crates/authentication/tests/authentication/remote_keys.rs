//! Keys at an address that is slow, wrong or gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_authentication::{AuthenticationError as E, Authenticator};
use jsonwebtoken::Header;
use serde_json::{Value, json};

use crate::support::{Address, Answer, Issuer, bearer, set};

fn with_key_id(issuer: &Issuer, id: &str) -> String {
    issuer.token_with(&Header { kid: Some(id.to_owned()), ..issuer.header.clone() }, &json!({}))
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_cause_few_fetches() {
    let issuer = Issuer::es256("one");
    let address = Address::of(&[&issuer.jwk]).await;
    let trusting = address.authenticator("").await;
    for number in 0..200 {
        let refused = bearer(&trusting, &with_key_id(&issuer, &format!("made up {number}"))).await;
        assert_eq!(refused.unwrap_err(), E::UnknownKey);
    }
    bearer(&trusting, &issuer.token(&json!({}))).await.unwrap();
    // The one at the start, and the budget.
    assert_eq!(address.asked(), 3);
    // What is refused by its claims causes none.
    let (trusting, before) = (address.authenticator("").await, address.asked());
    for claims in [json!({ "exp": 1 }), json!({ "aud": "x" }), json!({ "iss": "x" })] {
        let header = Header { kid: Some("new".to_owned()), ..issuer.header.clone() };
        bearer(&trusting, &issuer.token_with(&header, &claims)).await.unwrap_err();
    }
    assert_eq!(address.asked(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_verify_at_once_while_the_address_hangs() {
    let issuer = Issuer::es256("one");
    let address = Address::of(&[&issuer.jwk]).await;
    let trusting = Arc::new(address.authenticator(", timeout: 1s").await);
    bearer(&trusting, &issuer.token(&json!({}))).await.unwrap();
    address.answers(Answer::Hang);
    let (waiting, unknown) = (trusting.clone(), with_key_id(&issuer, "new"));
    let waiting = tokio::spawn(async move { bearer(&waiting, &unknown).await });
    while address.asked() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut slowest = Duration::ZERO;
    for number in 0..50 {
        let token = issuer.token(&json!({ "sub": number.to_string() }));
        let started = Instant::now();
        bearer(&trusting, &token).await.unwrap();
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    assert_eq!(waiting.await.unwrap().unwrap_err(), E::KeysUnavailable);
    bearer(&trusting, &issuer.token(&json!({ "sub": "later" }))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_wait_wait_for_one_fetch() {
    let issuer = Issuer::es256("one");
    let address = Address::new(Answer::Hang).await;
    let trusting = Arc::new(address.authenticator(", timeout: 300ms").await);
    let token = issuer.token(&json!({}));
    let started = Instant::now();
    let ask = |_| {
        let (trusting, token) = (trusting.clone(), token.clone());
        tokio::spawn(async move { bearer(&trusting, &token).await })
    };
    let waiting: Vec<_> = (0..40).map(ask).collect();
    // The first hangs up; the fetch is everybody's and goes on.
    waiting[0].abort();
    for task in waiting.into_iter().skip(1) {
        assert_eq!(task.await.unwrap().unwrap_err(), E::KeysUnavailable);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(address.asked() <= 2, "{}", address.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_changes_nothing() {
    let issuer = Issuer::es256("one");
    let address = Address::of(&[&issuer.jwk]).await;
    let trusting = address.authenticator(", poll_interval: 1s").await;
    bearer(&trusting, &issuer.token(&json!({}))).await.unwrap();
    let mut encrypting = issuer.jwk.clone();
    encrypting["use"] = json!("enc");
    let swapped = Issuer::es256("one").jwk;
    let twice = set(&[&swapped]).replace("\"kid\":\"one\"", "\"kid\":\"one\",\"kid\":\"two\"");
    for (status, body) in [
        (200, "<html>".to_owned()),
        (200, "{}".to_owned()),
        (200, set(&[])),
        (200, set(&[&Value::Null, &json!({ "kty": "RSA" }), &encrypting])),
        (200, json!({ "keys": { "one": swapped } }).to_string()),
        (200, twice),
        (200, " ".repeat(2 << 20)),
        (200, json!({ "keys": vec![&swapped; 101] }).to_string()),
        (404, set(&[&swapped])),
        (302, String::new()),
        (500, String::new()),
    ] {
        address.answers(Answer::With(status, body.clone()));
        let before = address.asked();
        while address.asked() < before + 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let token = issuer.token(&json!({ "sub": body.len().to_string() }));
        bearer(&trusting, &token).await.unwrap_or_else(|error| panic!("{status} {body:.40}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_key_ends_its_tokens() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let address = Address::of(&[&old.jwk, &new.jwk]).await;
    let trusting = address.authenticator(", poll_interval: 1s").await;
    let (known, kept) = (old.token(&json!({})), new.token(&json!({})));
    bearer(&trusting, &known).await.unwrap();
    bearer(&trusting, &kept).await.unwrap();
    address.answers(Answer::With(200, set(&[&new.jwk])));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match bearer(&trusting, &known).await {
            Err(error) => break assert_eq!(error, E::UnknownKey),
            Ok(_) => assert!(Instant::now() < deadline),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bearer(&trusting, &kept).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_keys_of_an_address_that_is_gone() {
    let issuer = Issuer::es256("one");
    let address = Address::of(&[&issuer.jwk]).await;
    let first = address.authenticator("").await;
    bearer(&first, &issuer.token(&json!({}))).await.unwrap();
    address.answers(Answer::With(500, String::new()));
    let mut config = address.config("");
    config.jwt.providers[0].audiences = vec!["other".to_owned()];
    let next = Authenticator::new(&config, Some(&first)).unwrap();
    drop(first);
    bearer(&next, &issuer.token(&json!({ "aud": "other" }))).await.unwrap();
    assert_eq!(bearer(&next, &issuer.token(&json!({}))).await.unwrap_err(), E::Audience);
}
