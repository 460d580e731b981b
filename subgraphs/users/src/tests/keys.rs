//! The keys that sign tokens: several instances, and replacing a key under way.

use std::time::Duration;

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use sea_orm::EntityTrait;
use serde_json::Value;
use service::Claims;
use service::testing::TestDatabase;

use super::world::{SAMPLE, World};
use crate::entity::signing_key;
use crate::keys::{self, ALGORITHM};

/// Whether the instance publishes the key of the token, and the token is signed by it.
fn verifies(world: &World, token: &Value) -> bool {
    let token = token["accessToken"].as_str().unwrap();
    let id = decode_header(token).unwrap().kid.unwrap();
    let keys = world.keys.public().borrow().clone();
    let Some(key) = keys.find(&id) else { return false };
    let mut validation = Validation::new(ALGORITHM);
    validation.set_audience(&["braid"]);
    validation.set_issuer(&["braid-users"]);
    decode::<Claims>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).is_ok()
}

fn key_of(session: &Value) -> String {
    decode_header(session["accessToken"].as_str().unwrap()).unwrap().kid.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_agree_while_a_key_is_replaced() {
    for place in TestDatabase::each().await.unwrap() {
        let sample = |config: &mut crate::Config| config.service.sample_data = Some(true);
        let (one, two) = tokio::join!(World::open(&place, sample), World::open(&place, sample));
        let life = one.config.token_life();
        let reload = async || {
            one.keys.reload(&one.database, life).await.unwrap();
            two.keys.reload(&two.database, life).await.unwrap();
        };
        let old = one.session("grace", SAMPLE).await;
        assert!(verifies(&one, &old) && verifies(&two, &old), "two that start together have the same key");

        // Published, and not used yet.
        keys::rotate(&one.database, Duration::from_secs(60)).await.unwrap();
        reload().await;
        assert_eq!(two.keys.public().borrow().keys.len(), 2);
        assert_eq!(key_of(&two.session("grace", SAMPLE).await), key_of(&old));

        // Its time has come: both sign with it, and what the old one has signed is still good.
        one.sql("UPDATE signing_keys SET signs_from = 1 WHERE number = 2").await;
        one.sql("UPDATE signing_keys SET signs_from = 0 WHERE number = 1").await;
        let (ring_one, ring_two) = (one_again(&one).await, one_again(&two).await);
        let new = ring_one.sign(|key| key.id.clone()).unwrap();
        assert_eq!(ring_two.sign(|key| key.id.clone()).unwrap(), new);
        assert_ne!(new, key_of(&old));

        // The last token of the old key is over.
        let now = service::clock::now_millis();
        let before = now - service::clock::millis(life) + 30_000;
        one.sql(&format!("UPDATE signing_keys SET signs_from = {before} WHERE number = 2")).await;
        reload().await;
        assert!(verifies(&one, &old), "not yet, because clocks differ");
        let over = now - service::clock::millis(life) - 90_000;
        one.sql(&format!("UPDATE signing_keys SET signs_from = {over} WHERE number = 2")).await;
        reload().await;
        assert!(!verifies(&one, &old) && !verifies(&two, &old));
        keys::forget_expired(&one.database, life).await.unwrap();
        let rows = signing_key::Entity::find().all(one.database.reader()).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2]);
        assert!(!format!("{rows:?}").contains("pkcs8"), "no private key in a log");
        assert!(verifies(&two, &one.session("grace", SAMPLE).await));

        for world in [one, two] {
            world.database.close().await.unwrap();
        }
        place.drop_it().await.unwrap();
    }
}

/// The ring of an instance that starts now: the times of keys do not change while one runs.
async fn one_again(world: &World) -> keys::KeyRing {
    keys::KeyRing::from_database(&world.database, Duration::from_secs(1 << 40)).await.unwrap()
}

/// Of many who rotate at the same time, each adds a key of its own or is told that another was faster.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_at_the_same_time() {
    super::world::on_each(async |world| {
        let done = futures_util::future::join_all((0..4).map(|_| keys::rotate(&world.database, keys::LEAD))).await;
        let added = done.iter().filter(|done| done.is_ok()).count();
        assert!(added >= 1);
        let rows = signing_key::Entity::find().all(world.database.reader()).await.unwrap();
        assert_eq!(rows.len(), added + 1);
    })
    .await;
}
