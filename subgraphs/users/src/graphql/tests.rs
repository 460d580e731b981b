//! The schema on both databases with the sample accounts: who sees what of whom, signing in, and bad input.

use async_graphql::{EmptySubscription, Request, Schema, Variables};
use serde_json::{Value, json};
use service::auth::User;
use service::database::Filled;
use service::testing::TestDatabase;
use service::{Database, Viewer};

use super::{Mutation, Query, schema, with_resources};
use crate::{Config, issuer, open, sample};

struct World {
    schema: Schema<Query, Mutation, EmptySubscription>,
}

/// Runs the test on every available database.
async fn on_each(test: impl AsyncFn(&World)) {
    for place in TestDatabase::each().await.unwrap() {
        let mut config = Config::new();
        config.service.database = place.config.clone();
        config.service.sample_data = Some(true);
        let database = open(&config).await.unwrap();
        let issuer = issuer(&config, &database).await.unwrap();
        test(&World { schema: with_resources(schema(&config.service.limits), &database, issuer) }).await;
        database.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}

impl World {
    async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    async fn data(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(viewer, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }
}

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

fn customer(username: &str) -> Viewer {
    let id = service::sample::id("user", username).to_string();
    Viewer::User(User { id, roles: vec!["customer".to_owned()] })
}

fn admin() -> Viewer {
    let id = service::sample::id("user", "ada").to_string();
    Viewer::User(User { id, roles: vec![service::auth::ADMIN.to_owned()] })
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_list_users_and_nobody_else_does() {
    on_each(async |world| {
        let query = "{ users(first: 2) { nodes { username name roles email } } }";
        let answer = world.data(admin(), query, json!({})).await;
        let ada = json!({ "username": "ada", "name": "Ada Lovelace", "roles": ["CUSTOMER", "ADMIN"], "email": "ada@example.com" });
        assert_eq!(answer["users"]["nodes"][0], ada);
        for (viewer, code) in [
            (Viewer::Anonymous, "UNAUTHENTICATED"),
            (customer("grace"), "FORBIDDEN"),
            (Viewer::Service, "FORBIDDEN"),
        ] {
            let answer = world.ask(viewer.clone(), query, json!({})).await;
            assert_eq!((&answer["data"], codes(&answer)), (&json!({ "users": null }), vec![code]), "{viewer:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_themself_and_administrators() {
    on_each(async |world| {
        let grace = service::sample::id("user", "grace");
        let query =
            "query($id: ID!) { user(id: $id) { name } userByUsername(username: \" Grace\") { name } me { username } }";
        let variables = || json!({ "id": grace });
        let found = json!({ "name": "Grace Hopper" });
        for (viewer, expected) in [
            (customer("grace"), json!({ "user": found, "userByUsername": found, "me": { "username": "grace" } })),
            (admin(), json!({ "user": found, "userByUsername": found, "me": { "username": "ada" } })),
            (customer("alan"), json!({ "user": null, "userByUsername": null, "me": { "username": "alan" } })),
            (Viewer::Anonymous, json!({ "user": null, "userByUsername": null, "me": null })),
        ] {
            assert_eq!(world.data(viewer.clone(), query, variables()).await, expected, "{viewer:?}");
        }
    })
    .await;
}

/// By either key, as the router asks: everybody sees the name, and the person and administrators see the rest.
#[tokio::test(flavor = "multi_thread")]
async fn entities_show_a_name_to_everybody() {
    on_each(async |world| {
        let grace = service::sample::id("user", "grace");
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id username name email roles createdAt } } }";
        let representations = json!({ "r": [
            { "__typename": "User", "id": grace },
            { "__typename": "User", "username": "grace" },
            { "__typename": "User", "id": "nonsense" },
        ] });
        for (viewer, sees) in [
            (Viewer::Anonymous, false),
            (customer("alan"), false),
            (customer("grace"), true),
            (admin(), true),
        ] {
            let answer = world.data(viewer.clone(), query, representations.clone()).await;
            let [first, second, third] = answer["_entities"].as_array().unwrap().as_slice() else { panic!("{answer}") };
            assert_eq!((first, third), (second, &Value::Null));
            assert_eq!((&first["username"], &first["name"]), (&json!("grace"), &json!("Grace Hopper")));
            for field in ["email", "roles", "createdAt"] {
                assert_eq!(!first[field].is_null(), sees, "{field} for {viewer:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_shows_the_person_everything() {
    on_each(async |world| {
        let query = "mutation($p: String!) { login(username: \"GRACE\", password: $p) { token user { email roles } } }";
        let answer = world.data(Viewer::Anonymous, query, json!({ "p": service::sample::PASSWORD })).await;
        assert_eq!(answer["login"]["user"], json!({ "email": "grace@example.com", "roles": ["CUSTOMER"] }));
        let answer = world.ask(Viewer::Anonymous, query, json!({ "p": "wrong" })).await;
        assert_eq!(codes(&answer), ["BAD_CREDENTIALS"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_password() {
    on_each(async |world| {
        let login =
            |alias: usize| format!("a{alias}: login(username: \"grace\", password: \"guess {alias}\") {{ token }} ");
        let started = std::time::Instant::now();
        let many: String = (0..150).map(login).collect();
        let answer = world.ask(Viewer::Anonymous, &format!("mutation {{ {many} }}"), json!({})).await;
        // The first is wrong, and that ends the request, because its fields are not nullable.
        assert_eq!(codes(&answer), ["BAD_CREDENTIALS"]);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());

        let right = format!("login(username: \"grace\", password: \"{}\") {{ token }}", service::sample::PASSWORD);
        let two = format!("mutation {{ a: {right} ...F }} fragment F on Mutation {{ b: {right} }}");
        let answer = world.ask(Viewer::Anonymous, &two, json!({})).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"]);
        let input = "{ username: \"new.one\", name: \"N\", email: \"n@example.com\", password: \"correct horse\" }";
        let both = format!("mutation {{ {right} register(input: {input}) {{ token }} }}");
        assert_eq!(codes(&world.ask(Viewer::Anonymous, &both, json!({})).await), ["BAD_USER_INPUT"]);
        // The next request may have a password again.
        world.data(Viewer::Anonymous, &format!("mutation {{ {right} }}"), json!({})).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_with_nul_are_bad_input() {
    on_each(async |world| {
        let register = "mutation($i: RegisterInput!) { register(input: $i) { token } }";
        let input =
            json!({ "username": "nul", "name": "N\0", "email": "nul@example.com", "password": "correct horse" });
        let entity = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }";
        for (query, variables) in [
            ("query($u: String!) { userByUsername(username: $u) { id } }", json!({ "u": "a\0" })),
            ("mutation($u: String!) { login(username: $u, password: \"x\") { token } }", json!({ "u": "a\0" })),
            (register, json!({ "i": input })),
            (entity, json!({ "r": [{ "__typename": "User", "username": "a\0" }] })),
        ] {
            assert_eq!(codes(&world.ask(admin(), query, variables).await), ["BAD_USER_INPUT"], "{query}");
        }
    })
    .await;
}

/// Two changes at the same time, of different fields.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_a_profile_at_the_same_time_all_hold() {
    on_each(async |world| {
        for round in 0..8 {
            let (name, email) = (format!("Grace {round}"), format!("grace{round}@example.com"));
            let changes = [json!({ "name": name }), json!({ "email": email })].map(|input| {
                let query = "mutation($i: UpdateProfileInput!) { updateProfile(input: $i) { id } }";
                let variables = Variables::from_json(json!({ "i": input }));
                let request = Request::new(query).variables(variables).data(customer("grace"));
                let schema = world.schema.clone();
                tokio::spawn(async move { schema.execute(request).await })
            });
            for change in changes {
                assert!(change.await.unwrap().errors.is_empty());
            }
            let answer = world.data(customer("grace"), "{ me { name email } }", json!({})).await;
            assert_eq!(answer["me"], json!({ "name": name, "email": email }));
        }
    })
    .await;
}

/// A real shop never gets an administrator whose password is in the documentation.
#[tokio::test(flavor = "multi_thread")]
async fn sample_accounts_never_join_real_ones() {
    for place in TestDatabase::each().await.unwrap() {
        let mut config = Config::new();
        config.service.database = place.config.clone();
        config.service.sample_data = Some(false);
        // The first start creates the signing key, so the database is in use from then on.
        let database = open(&config).await.unwrap();
        issuer(&config, &database).await.unwrap();
        config.service.sample_data = Some(true);
        let again: Database = open(&config).await.unwrap();
        let table = "signing_keys".to_owned();
        assert_eq!(again.fill(sample::insert).await.unwrap(), Filled::HasData { table });
        let issuer = issuer(&config, &again).await.unwrap();
        let world = World { schema: with_resources(schema(&config.service.limits), &again, issuer) };
        let query = "{ users(first: 1) { nodes { username } } }";
        assert_eq!(world.data(admin(), query, json!({})).await, json!({ "users": { "nodes": [] } }));
        database.close().await.unwrap();
        again.close().await.unwrap();
        place.drop_it().await.unwrap();
    }
}
