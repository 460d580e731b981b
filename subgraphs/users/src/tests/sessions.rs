//! Sessions: rotation, reuse, and every way to end one.

use serde_json::{Value, json};
use service::Viewer;

use super::world::{SAMPLE, World, codes, customer, on_each};

/// As if the token had been used a minute ago.
async fn a_minute_later(world: &World) {
    world.sql("UPDATE sessions SET rotated_at = rotated_at - 60000").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once() {
    on_each(async |world| {
        let first = world.session("grace", SAMPLE).await["refreshToken"].take();
        let second = world.refresh(&first).await["session"]["refreshToken"].take();
        let third = world.refresh(&second).await["session"]["refreshToken"].take();
        assert!(first != second && second != third && first != third);
        // The thief of the first one comes: the session ends for everybody, and its owner is told.
        assert_eq!(codes(&world.refresh(&first).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&third).await), ["SESSION_ENDED"]);
        assert_eq!(world.mail_to("grace@example.com").await.unwrap().subject, "You were signed out on one device");
        // Other sessions are not concerned.
        let other = world.session("grace", SAMPLE).await;
        assert_eq!(codes(&world.refresh(&other["refreshToken"]).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_refresh_at_the_same_time_get_the_same_token() {
    on_each(async |world| {
        let first = world.session("grace", SAMPLE).await["refreshToken"].take();
        let done = futures_util::future::join_all((0..8).map(|_| world.refresh(&first))).await;
        let next: Vec<&Value> = done.iter().map(|payload| &payload["session"]["refreshToken"]).collect();
        assert!(next[0].is_string() && next.iter().all(|token| *token == next[0]), "{done:?}");
        assert_eq!(codes(&world.refresh(next[0]).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_before_is_accepted_for_seconds_only() {
    on_each(async |world| {
        let first = world.session("grace", SAMPLE).await["refreshToken"].take();
        let second = world.refresh(&first).await["session"]["refreshToken"].take();
        assert_eq!(world.refresh(&first).await["session"]["refreshToken"], second);
        a_minute_later(world).await;
        assert_eq!(codes(&world.refresh(&first).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&second).await), ["SESSION_ENDED"]);
    })
    .await;
}

/// Nobody who does not have a token of the session can end it.
#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_token_ends_nothing() {
    on_each(async |world| {
        let token = world.session("grace", SAMPLE).await["refreshToken"].take();
        let text = token.as_str().unwrap();
        let mut family = text.to_owned();
        family.replace_range(30..31, if &text[30..31] == "A" { "B" } else { "A" });
        for wrong in ["", "x", &text[..80], &family, &"A".repeat(86), &"A".repeat(1 << 20), "\u{202e}😀"] {
            assert_eq!(codes(&world.refresh(&json!(wrong)).await), ["SESSION_ENDED"]);
            let out = world.run(Viewer::Anonymous, "logout", json!({ "refreshToken": wrong })).await;
            assert_eq!(out["signedOut"], true);
        }
        assert_eq!(codes(&world.refresh(&token).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_one_session_or_all() {
    on_each(async |world| {
        let (mut tokens, grace) = (Vec::new(), customer("grace"));
        for _ in 0..3 {
            tokens.push(world.session("grace", SAMPLE).await["refreshToken"].take());
        }
        let alan = world.session("alan", SAMPLE).await;
        let out = world.run(Viewer::Anonymous, "logout", json!({ "refreshToken": tokens[0] })).await;
        assert_eq!(out, json!({ "signedOut": true, "userErrors": [] }));
        assert_eq!(codes(&world.refresh(&tokens[0]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&tokens[1]).await), [""; 0]);
        let query = "mutation { logoutEverywhere { endedSessions } }";
        assert_eq!(world.data(grace, query, json!({})).await["logoutEverywhere"]["endedSessions"], 2);
        assert_eq!(codes(&world.refresh(&tokens[2]).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&alan["refreshToken"]).await), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself() {
    on_each(async |world| {
        let token = world.session("grace", SAMPLE).await["refreshToken"].take();
        world.sql("UPDATE sessions SET expires_at = 1").await;
        assert_eq!(codes(&world.refresh(&token).await), ["SESSION_ENDED"]);
        assert_eq!(crate::housekeeping::tidy(&world.database, world.config.token_life()).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_fifty_sessions_at_most() {
    on_each(async |world| {
        let user = super::world::sample_id("grace");
        let mut tickets = Vec::new();
        for _ in 0..52 {
            let life = world.config.session_life();
            let start =
                |tx: service::database::Transaction| async move { crate::session::start(&tx, user, life).await };
            tickets.push(world.database.write(start).await.unwrap().refresh);
            world.sql("UPDATE sessions SET rotated_at = rotated_at - 1000").await;
        }
        assert_eq!(codes(&world.refresh(&json!(tickets[1])).await), ["SESSION_ENDED"]);
        assert_eq!(codes(&world.refresh(&json!(tickets[2])).await), [""; 0]);
    })
    .await;
}

/// What the database has opens no session.
#[tokio::test(flavor = "multi_thread")]
async fn only_hashes_are_stored() {
    on_each(async |world| {
        use sea_orm::EntityTrait;
        let token = world.session("grace", SAMPLE).await["refreshToken"].take();
        let row = crate::entity::session::Entity::find().one(world.database.reader()).await.unwrap().unwrap();
        let shown = crate::secret::decode::<64>(token.as_str().unwrap()).unwrap();
        for stored in [&row.family_hash, &row.current_hash, &row.salt] {
            assert!(!shown.windows(8).any(|part| stored.windows(8).any(|other| part == other)));
        }
        let made = [row.id.as_bytes().to_vec(), row.family_hash[..16].to_vec(), row.current_hash].concat();
        assert_eq!(codes(&world.refresh(&json!(crate::secret::encode(&made))).await), ["SESSION_ENDED"]);
    })
    .await;
}
