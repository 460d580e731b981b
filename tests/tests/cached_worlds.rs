//! Random federated worlds whose data changes, asked by several viewers through two routers with caches: after an acknowledged
//! invalidation, every answer is the monolith's of now, and nobody gets what is for somebody else.
//!
//! A short run is part of the tests. A long one: `WORLDS=200 OPS=40 cargo test --release -p braid-tests --test cached_worlds -- --nocapture`.
//! With `REDIS_URL` the routers share a Redis; without it, they are told separately.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use braid_cache::config::CacheConfig;
use braid_cache_store::Invalidation;
use braid_graphql::compiler::Schema;
use braid_tests::cached::{CachedRouter, VIEWER};
use braid_tests::subgraph::Request;
use braid_tests::world::{Random, Running, World, operation};
use serde_json::json;

const VIEWERS: usize = 3;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn cache(redis: Option<&str>, prefix: &str) -> CacheConfig {
    let redis = redis.map(|url| json!({ "url": url, "prefix": prefix, "timeout": "2s" }));
    let config = json!({
        "enabled": true,
        "store": { "memory": "16MB", "redis": redis },
        "viewer": { "headers": [VIEWER] },
    });
    serde_json::from_value(config).unwrap()
}

/// Names of fields that are for one viewer each. Keys are the same for all.
fn choose_private(world: &World, random: &mut Random) -> BTreeSet<String> {
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
    };
    let needed: BTreeSet<String> =
        world.subgraphs.iter().flat_map(|(_, sdl)| sdl.split('"').skip(1).step_by(2)).flat_map(words).collect();
    let schema = Schema::parse(&world.monolith, "monolith.graphql").unwrap();
    let fields = schema.types.values().filter_map(|ty| ty.as_object()).flat_map(|object| object.fields.keys());
    let names: BTreeSet<String> = fields.map(ToString::to_string).filter(|name| !needed.contains(name)).collect();
    names.into_iter().filter(|_| random.below(8) == 0).collect()
}

fn object_types(world: &World) -> Vec<String> {
    let schema = Schema::parse(&world.monolith, "monolith.graphql").unwrap();
    let objects = schema.types.values().filter_map(|ty| ty.as_object()).map(|object| object.name.to_string());
    objects.filter(|name| !name.starts_with("__") && name != "Mutation" && name != "Subscription").collect()
}

/// Whether a change of a type is told by the name of the type. Values that are no entities and have the type are within something that contains it.
async fn invalidate(routers: &[CachedRouter], is_group: bool, ty: &str, random: &mut Random) {
    let all = [Invalidation::Type { subgraph: None, ty: ty.to_owned() }];
    if is_group {
        let router = &routers[random.below(2)];
        router.store().invalidate(&all).await.unwrap();
        return;
    }
    for router in routers {
        router.store().invalidate(&all).await.unwrap();
    }
}

fn expected(
    world: &Running,
    query: &str,
    variables: &serde_json::Map<String, serde_json::Value>,
    viewer: u64,
) -> String {
    world.look_as(viewer);
    let answer = world.monolith.execute(Request { query: query.to_owned(), variables: variables.clone() });
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_tell_what_is_true_now_and_to_whom() {
    let redis = std::env::var("REDIS_URL").ok();
    if redis.is_none() {
        println!("REDIS_URL is not set: the routers don't share a Redis");
    }
    let (worlds, operations, first) = (setting("WORLDS", 12), setting("OPS", 8), setting("SEED", 1));
    let (mut run, mut asked, mut fetches, mut changes, mut found) = (0_usize, 0, 0, 0, Vec::new());
    for seed in first..first + worlds {
        let world = World::random(seed);
        let Ok(supergraph) = world.compose() else { continue };
        let mut random = Random::new(seed);
        let private = choose_private(&world, &mut random);
        let types = object_types(&world);
        let running = Arc::new(world.run());
        running.make_private(&private);
        let prefix = format!("braid-test:{}:{seed}:", std::process::id());
        let cache = cache(redis.as_deref(), &prefix);
        let routers: Vec<CachedRouter> =
            (0..2).map(|_| CachedRouter::new(&supergraph, &running, &private, &cache)).collect();
        let uncached: CacheConfig =
            serde_json::from_value(json!({ "enabled": true, "all": { "enabled": false } })).unwrap();
        let uncached = CachedRouter::new(&supergraph, &running, &private, &uncached);
        let api_schema = routers[0].supergraph().api_schema.clone();
        let asked_of: Vec<_> =
            (0..operations).map(|number| operation(&api_schema, &mut Random::new(seed * 1000 + number))).collect();
        let queries: Vec<_> = asked_of.iter().filter(|operation| !operation.text.starts_with("mutation")).collect();
        if queries.is_empty() {
            continue;
        }
        for _ in 0..queries.len() * VIEWERS * 2 {
            if random.below(5) == 0 {
                let ty = &types[random.below(types.len())];
                running.change(ty);
                invalidate(&routers, redis.is_some(), ty, &mut random).await;
                changes += 1;
            }
            let operation = queries[random.below(queries.len())];
            let (viewer, router) = (1 + random.below(VIEWERS) as u64, &routers[random.below(2)]);
            let wanted = expected(&running, &operation.text, &operation.variables, viewer);
            let before = router.asked();
            let answer = router.ask(&operation.text, &operation.variables, viewer).await.unwrap();
            fetches += router.asked() - before;
            run += 1;
            let wanted = format!("{{\"data\":{wanted}}}");
            if answer != wanted {
                let text = &operation.text;
                found.push(format!(
                    "seed {seed} viewer {viewer} {private:?}\n{text}\nfound    {answer}\nexpected {wanted}"
                ));
            }
            let before = uncached.asked();
            uncached.ask(&operation.text, &operation.variables, viewer).await.unwrap();
            asked += uncached.asked() - before;
        }
    }
    found.iter().take(setting("SHOW", 3) as usize).for_each(|problem| println!("{problem}\n"));
    println!(
        "{run} answers, {changes} changes, {} differences; {fetches} requests to subgraphs instead of {asked}",
        found.len()
    );
    assert!(found.is_empty(), "{} of {run} answers differ", found.len());
    assert!(
        changes > 0 && fetches * 10 < asked * 9,
        "the caches were of no use: {fetches} requests instead of {asked}"
    );
}
