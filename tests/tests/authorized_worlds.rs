//! Random federated worlds in which some fields may be seen by nobody, against their monoliths with the same rule: data byte for byte,
//! an error wherever the monolith has one, and no request to a subgraph for such a field.
//!
//! A short run is part of the tests. A long one: `WORLDS=300 OPS=40 cargo test --release -p braid-tests --test authorized_worlds -- --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;

use braid_graphql::Node;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::ast::Directive;
use braid_graphql::compiler::schema::ExtendedType;
use braid_tests::trial::Trial;
use braid_tests::world::{Random, World};
use serde_json::Value;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The words in a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

/// Fields of object types to refuse. Keys and what fields require of one another are fetched whoever asks, so they are left alone.
fn choose(world: &World, random: &mut Random) -> BTreeSet<(String, String)> {
    let needed: BTreeSet<&str> =
        world.subgraphs.iter().flat_map(|(_, sdl)| sdl.split('"').skip(1).step_by(2)).flat_map(words).collect();
    let schema = Schema::parse(&world.monolith, "monolith.graphql").unwrap();
    let mut refused = BTreeSet::new();
    let names: BTreeSet<String> = schema
        .types
        .values()
        .filter_map(|ty| ty.as_object())
        .flat_map(|object| object.fields.keys().map(ToString::to_string))
        .filter(|name| !needed.contains(name.as_str()))
        .filter(|_| random.below(4) == 0)
        .collect();
    for object in schema.types.values().filter_map(|ty| ty.as_object()) {
        for name in object.fields.keys().filter(|name| names.contains(name.as_str())) {
            refused.insert((object.name.to_string(), name.to_string()));
        }
    }
    refused
}

/// The supergraph with a requirement on these fields.
fn protect(supergraph: &str, refused: &BTreeSet<(String, String)>) -> String {
    let mut schema = Schema::parse(supergraph, "supergraph.graphql").unwrap();
    for (ty, name) in refused {
        let Some(ExtendedType::Object(object)) = schema.types.get_mut(ty.as_str()) else { continue };
        let Some(field) = object.make_mut().fields.get_mut(name.as_str()) else { continue };
        let directive = Directive { name: braid_graphql::Name::new("authenticated").unwrap(), arguments: Vec::new() };
        field.make_mut().directives.push(Node::new(directive));
    }
    let link = "schema @link(url: \"https://specs.apollo.dev/authenticated/v0.1\", for: SECURITY)";
    let text = schema.to_string().replacen("schema", link, 1);
    format!("{text}\ndirective @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM\n")
}

#[test]
fn what_nobody_may_see_is_asked_of_nobody() {
    let (worlds, operations, first) = (setting("WORLDS", 40), setting("OPS", 8), setting("SEED", 1));
    let (mut run, mut with_refusals, mut found) = (0, 0, Vec::new());
    for seed in first..first + worlds {
        let world = World::random(seed);
        let refused = choose(&world, &mut Random::new(seed));
        let Ok(supergraph) = world.compose() else { continue };
        let trial = Trial::refusing(&world, &protect(&supergraph, &refused), refused.clone()).unwrap();
        for number in 0..operations {
            let operation = trial.operation(seed * 1000 + number);
            let (expected, answer) = trial.both(&operation).unwrap_or_else(|panic| panic!("seed {seed}: {panic}"));
            run += 1;
            let paths = |errors: &[Value]| -> BTreeSet<String> {
                errors.iter().map(|error| error["path"].to_string()).collect()
            };
            let wanted = paths(expected["errors"].as_array().map_or(&[], Vec::as_slice));
            with_refusals += u64::from(!wanted.is_empty());
            let mut problem =
                |what: String| found.push(format!("seed {seed} operation {number}: {what}\n{}", operation.text));
            let data = expected["data"].to_string();
            if data != answer.data {
                problem(format!("found    {}\nexpected {}\n{:?}", answer.data, data, answer.errors));
            } else if wanted.is_empty() != answer.errors.is_empty() {
                problem(format!("errors at {wanted:?}, found {:?}", answer.errors));
            }
            for (subgraph, request) in &answer.requests {
                // Variables may be called as fields are, and a field as the kind of an operation.
                let text = request.query.strip_prefix("query").unwrap_or(&request.query);
                let asked = text.split('$').enumerate().flat_map(|(at, part)| {
                    let rest = part.trim_start_matches(|c: char| at > 0 && (c.is_alphanumeric() || c == '_'));
                    words(rest)
                });
                let asked: BTreeSet<&str> = asked.collect();
                if let Some((_, name)) = refused.iter().find(|(_, name)| asked.contains(name.as_str())) {
                    problem(format!("{subgraph} is asked for {name}: {}", request.query));
                }
            }
        }
    }
    found.iter().take(5).for_each(|problem| println!("{problem}\n"));
    println!("{run} operations, {with_refusals} with something refused, {} differences", found.len());
    assert!(found.is_empty(), "{} differences", found.len());
    assert!(with_refusals * 10 > run, "only {with_refusals} of {run} operations had something refused");
}
