//! Who sees what of whom.

use serde_json::{Value, json};
use service::Viewer;
use service::graphql::id;

use super::world::{admin, customer, error_codes, on_each, sample_id, staff};

#[tokio::test(flavor = "multi_thread")]
async fn administrators_list_users_and_nobody_else_does() {
    on_each(async |world| {
        let query = "{ users(first: 2) { totalCount nodes { username name roles email } } }";
        let answer = world.data(admin(), query, json!({})).await;
        let ada = json!({ "username": "ada", "name": "Ada Lovelace", "roles": ["CUSTOMER", "ADMIN"], "email": "ada@example.com" });
        assert_eq!(answer["users"]["nodes"][0], ada);
        assert_eq!(answer["users"]["totalCount"], service::sample::users().len());
        for (viewer, code) in [
            (Viewer::Anonymous, "UNAUTHENTICATED"),
            (customer("grace"), "FORBIDDEN"),
            (staff("grace"), "FORBIDDEN"),
            (Viewer::Service, "FORBIDDEN"),
        ] {
            let answer = world.ask(viewer.clone(), query, json!({})).await;
            assert_eq!((&answer["data"], error_codes(&answer)), (&json!({ "users": null }), vec![code]), "{viewer:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_users_have_each_once() {
    on_each(async |world| {
        let query = "query($a: String) { users(first: 100, after: $a) { nodes { username roles } pageInfo { hasNextPage endCursor } } }";
        let (mut names, mut after) = (Vec::new(), Value::Null);
        loop {
            let before = world.database.statements();
            let page = world.data(admin(), query, json!({ "a": after })).await["users"].take();
            assert_eq!(world.database.statements() - before, 2, "the page, and the roles of all its users");
            names.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["username"].as_str().unwrap().to_owned()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        let expected: Vec<String> = service::sample::users().into_iter().map(|user| user.username).collect();
        assert_eq!(names, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_themself_and_administrators() {
    on_each(async |world| {
        let grace = sample_id("grace");
        let query = "query($id: ID!, $bare: ID!) {
            a: user(by: { id: $id }) { name } b: user(by: { username: \" Grace\" }) { name } c: user(by: { email: \"GRACE@example.com\" }) { name }
            d: user(id: $bare) { name } e: userByUsername(username: \"grace\") { name } me { username } }";
        let variables = json!({ "id": id::global("User", grace), "bare": grace });
        let found = json!({ "name": "Grace Hopper" });
        for (viewer, user, me) in [
            (customer("grace"), found.clone(), json!({ "username": "grace" })),
            (admin(), found, json!({ "username": "ada" })),
            (customer("alan"), Value::Null, json!({ "username": "alan" })),
            (Viewer::Anonymous, Value::Null, Value::Null),
        ] {
            let expected = json!({ "a": user, "b": user, "c": user, "d": user, "e": user, "me": me });
            assert_eq!(world.data(viewer.clone(), query, variables.clone()).await, expected, "{viewer:?}");
        }
        for wrong in ["{ user { name } }", "{ user(by: { username: \"ada\" }, id: \"x\") { name } }"] {
            assert_eq!(error_codes(&world.ask(admin(), wrong, json!({})).await), ["BAD_USER_INPUT"]);
        }
        let product = json!({ "id": id::global("Product", grace), "bare": "nonsense" });
        let answer = world.data(admin(), query, product).await;
        assert_eq!((&answer["a"], &answer["d"]), (&Value::Null, &Value::Null));
    })
    .await;
}

/// By either key, as the router asks: everybody sees the name, and the person and administrators see the rest.
#[tokio::test(flavor = "multi_thread")]
async fn entities_show_a_name_to_everybody() {
    on_each(async |world| {
        let grace = sample_id("grace");
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id username name email roles totpEnabled createdAt } } }";
        let representations = json!({ "r": [
            { "__typename": "User", "id": id::global("User", grace) },
            { "__typename": "User", "username": "grace" },
            { "__typename": "User", "id": "nonsense" },
        ] });
        for (viewer, sees) in [
            (Viewer::Anonymous, false),
            (customer("alan"), false),
            (staff("alan"), false),
            (customer("grace"), true),
            (admin(), true),
        ] {
            let answer = world.data(viewer.clone(), query, representations.clone()).await;
            let [first, second, third] = answer["_entities"].as_array().unwrap().as_slice() else { panic!("{answer}") };
            assert_eq!((first, third), (second, &Value::Null));
            assert_eq!((&first["username"], &first["name"]), (&json!("grace"), &json!("Grace Hopper")));
            for field in ["email", "roles", "totpEnabled", "createdAt"] {
                assert_eq!(!first[field].is_null(), sees, "{field} for {viewer:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_profile_changes_only_for_its_owner() {
    on_each(async |world| {
        let changed = world.run(customer("grace"), "updateProfile", json!({ "name": " Rear Admiral Grace " })).await;
        assert_eq!(changed["user"]["name"], "Rear Admiral Grace");
        let none = world.run(customer("grace"), "updateProfile", json!({})).await;
        assert_eq!(none["user"]["name"], "Rear Admiral Grace");
        let query = "mutation { updateProfile(input: { name: \"x\" }) { user { name } } }";
        for (viewer, code) in [
            (Viewer::Anonymous, "UNAUTHENTICATED"),
            (Viewer::Service, "FORBIDDEN"),
            (customer("nobody"), "UNAUTHENTICATED"),
        ] {
            let answer = world.ask(viewer, query, json!({})).await;
            assert_eq!((&answer["data"], error_codes(&answer)), (&json!({ "updateProfile": null }), vec![code]));
        }
    })
    .await;
}
