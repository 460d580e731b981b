//! A CDN in front of the router, nginx and Varnish with little set up: it keeps what is public, and nothing else. Both are skipped if they
//! are not installed, unless `CDN=required`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod world;

use std::time::Duration;

use world::{Answer, Cdn, World, credentials, nginx, varnish};

async fn both(check: impl AsyncFn(&World, &Cdn)) {
    for start in [nginx as fn(_) -> _, varnish] {
        let world = World::start().await;
        if let Some(cdn) = start(world.address) {
            cdn.ready().await;
            check(&world, &cdn).await;
        }
    }
}

fn check(cdn: &Cdn, answers: &[Answer], are_equal: bool) {
    let first = &answers[0];
    let message = || format!("{}: {answers:#?}\n{}", cdn.name, cdn.log());
    assert!(answers.iter().all(|answer| answer.status == first.status), "{}", message());
    assert!(answers[1..].iter().all(|answer| (answer.body == first.body) == are_equal), "{}", message());
}

#[tokio::test]
async fn what_is_public_comes_from_the_cdn() {
    both(async |world, cdn| {
        let (query, ada) = ("query={public}", credentials());
        let answers =
            [cdn.get(query, &[]).await, cdn.get(query, &[]).await, cdn.get(query, &[("authorization", &ada)]).await];
        check(cdn, &answers, true);
        assert_eq!(world.asked(), 1);
        assert_eq!(answers[1].header("cache-control"), Some("max-age=60, public"));
        check(cdn, &[cdn.get(query, &[]).await, cdn.get("query={public%20a:public}", &[]).await], false);
    })
    .await;
}

#[tokio::test]
async fn nothing_else_does() {
    both(async |_, cdn| {
        let ada = credentials();
        let ada = [("authorization", ada.as_str())];
        for (query, headers) in [
            ("query={private}", &[][..]),
            ("query={public%20private}", &[]),
            ("query={uncached}", &[]),
            ("query={public%20uncached}", &[]),
            ("query={secret}", &ada[..]),
            ("query={secret%20public}", &ada[..]),
        ] {
            check(cdn, &[cdn.get(query, headers).await, cdn.get(query, headers).await], false);
        }
        // An error, and all of a permission.
        let broken = cdn.get("query={public%20broken}", &[]).await;
        assert!(broken.body.contains("errors") && broken.header("cache-control") == Some("no-store"), "{broken:?}");
        check(cdn, &[broken, cdn.get("query={public%20broken}", &[]).await], false);
        let shown = cdn.get("query={secret}", &ada[..]).await;
        assert!(shown.body.contains("secret of"), "{shown:?}");
        let hidden = cdn.get("query={secret}", &[]).await;
        assert!(!hidden.body.contains("secret of"), "{hidden:?}");
        check(cdn, &[cdn.post("mutation { pay }").await, cdn.post("mutation { pay }").await], false);
        check(cdn, &[cdn.post("{ public }").await, cdn.post("{ public }").await], false);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    both(async |world, cdn| {
        // 401, then somebody with credentials.
        let wrong = cdn.get("query={public}", &[("authorization", "Bearer nobody")]).await;
        assert_eq!((wrong.status, wrong.header("cache-control")), (401, Some("no-store")), "{wrong:?}");
        assert_eq!(cdn.get("query={public}", &[]).await.status, 200);
        // Also where it is sent with 200.
        let wrong = cdn.get("query={nothing}", &[]).await;
        assert_eq!((wrong.status, wrong.header("cache-control")), (200, Some("no-store")), "{wrong:?}");
        assert_eq!(cdn.get("query={__typename}", &[]).await.header("cache-control"), Some("no-store"));
        // 429, then there is room again.
        world.limit(true);
        cdn.get("query={uncached}", &[]).await;
        let refused = cdn.get("query={stable}", &[]).await;
        assert_eq!((refused.status, refused.header("cache-control")), (429, Some("no-store")), "{refused:?}");
        world.limit(false);
        assert_eq!(cdn.get("query={stable}", &[]).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn what_answers_depend_on_is_told() {
    both(async |world, cdn| {
        let german = cdn.get("query={translated}", &[("accept-language", "de")]).await;
        let french = cdn.get("query={translated}", &[("accept-language", "fr")]).await;
        assert!(german.body.contains(" de") && french.body.contains(" fr"), "{german:?} {french:?}");
        check(cdn, &[german, cdn.get("query={translated}", &[("accept-language", "de")]).await], true);
        let accept = "application/graphql-response+json";
        let newer = cdn.get("query={public}", &[("accept", accept)]).await;
        let older = cdn.get("query={public}", &[("accept", "application/json")]).await;
        assert!(newer.header("content-type").unwrap().starts_with(accept), "{newer:?}");
        assert!(older.header("content-type").unwrap().starts_with("application/json"), "{older:?}");
        // Who can't unpack gets it as it is.
        let packed = cdn.get("query={large}", &[("accept-encoding", "gzip")]).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{packed:?}");
        let plain = cdn.get("query={large}", &[]).await;
        assert!(plain.header("content-encoding").is_none() && plain.body.contains("large"), "{plain:?}");
        assert!(world.asked() >= 4);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_asked_for_again() {
    both(async |world, cdn| {
        world.lasts(Duration::from_secs(2));
        let answers = [cdn.get("query={public}", &[]).await, cdn.get("query={stable}", &[]).await];
        assert!(answers[0].header("etag").unwrap().starts_with("W/\""), "{answers:?}");
        tokio::time::sleep(Duration::from_millis(3200)).await;
        check(cdn, &[answers[0].clone(), cdn.get("query={public}", &[]).await], false);
        // The body is the same, so that it is not sent again.
        let before = world.count("3xx");
        let again = cdn.get("query={stable}", &[]).await;
        check(cdn, &[answers[1].clone(), again], true);
        assert_eq!(world.count("3xx"), before + 1.0, "{}", cdn.log());
        assert_eq!(world.asked(), 4);
        // A client that has it gets no body from the CDN either.
        let tag = answers[1].header("etag").unwrap();
        let known = cdn.get("query={stable}", &[("if-none-match", tag)]).await;
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{known:?}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_old_already_is_kept_for_what_is_left() {
    both(async |world, cdn| {
        world.is_old(Duration::from_secs(58));
        let first = cdn.get("query={public}", &[]).await;
        assert_eq!(first.header("cache-control"), Some("max-age=60, public"), "{first:?}");
        tokio::time::sleep(Duration::from_millis(3200)).await;
        check(cdn, &[first, cdn.get("query={public}", &[]).await], false);
    })
    .await;
}

#[tokio::test]
async fn varnish_throws_out_by_tag() {
    let world = World::start().await;
    let Some(cdn) = varnish(world.address) else { return };
    cdn.ready().await;
    let (public, stable) = (cdn.get("query={public}", &[]).await, cdn.get("query={stable}", &[]).await);
    let asked = world.asked();
    assert_eq!(cdn.purge("tag%20of%20public").await.status, 200);
    check(&cdn, &[public, cdn.get("query={public}", &[]).await], false);
    check(&cdn, &[stable, cdn.get("query={stable}", &[]).await], true);
    assert_eq!(world.asked(), asked + 1);
}

#[tokio::test]
async fn a_head_of_304_says_what_the_whole_one_would() {
    let world = World::start().await;
    let direct = Cdn::none(world.address);
    let whole = direct.get("query={stable}", &[]).await;
    let tag = whole.header("etag").unwrap();
    let known = direct.get("query={stable}", &[("if-none-match", &format!("\"other\", {tag}"))]).await;
    assert_eq!((known.status, known.body.as_str()), (304, ""), "{known:?}");
    for name in ["cache-control", "etag", "vary", "date", "xkey"] {
        assert!(known.header(name).is_some() && known.header(name).is_some() == whole.header(name).is_some(), "{name}");
    }
    assert_eq!((known.header("content-type"), known.header("content-length")), (None, None), "{known:?}");
    let packed = direct.get("query={large}", &[("accept-encoding", "gzip")]).await;
    let plain = direct.get("query={large}", &[]).await;
    assert_eq!(packed.header("etag"), plain.header("etag"), "a weak tag is that of all encodings");
    let headers = [("accept-encoding", "gzip"), ("if-none-match", packed.header("etag").unwrap())];
    let known = direct.get("query={large}", &headers).await;
    assert_eq!((known.status, known.header("content-encoding")), (304, None), "{known:?}");
    let private = direct.get("query={private}", &[("if-none-match", "*")]).await;
    assert_eq!(private.status, 304);
    let uncached = direct.get("query={uncached}", &[("if-none-match", "*")]).await;
    assert_eq!((uncached.status, uncached.header("etag")), (200, None), "{uncached:?}");
}
