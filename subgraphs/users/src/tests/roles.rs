//! Who gives roles, and that somebody always can.

use serde_json::{Value, json};
use service::graphql::id;
use service::{Viewer, auth};

use super::world::{SAMPLE, World, admin, codes, customer, error_codes, on_each, sample_id};

async fn role(world: &World, mutation: &str, username: &str, role: &str) -> Value {
    let input = json!({ "userId": id::global("User", sample_id(username)), "role": role });
    world.run(admin(), mutation, input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_give_and_take_roles() {
    on_each(async |world| {
        let token = async || {
            let session = world.session("grace", SAMPLE).await;
            let payload = session["accessToken"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
            let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
            serde_json::from_slice::<Value>(&claims).unwrap()
        };
        assert_eq!(token().await["roles"], json!(["customer"]));
        for _ in 0..2 {
            let granted = role(world, "grantRole", "grace", "ADMIN").await;
            assert_eq!(granted["user"]["roles"], json!(["CUSTOMER", "ADMIN"]));
        }
        let claims = token().await;
        assert_eq!(claims["roles"], json!(["customer", "admin"]));
        assert!(claims["scope"].as_str().unwrap().contains("accounts:write"));
        for _ in 0..2 {
            assert_eq!(role(world, "revokeRole", "grace", "ADMIN").await["user"]["roles"], json!(["CUSTOMER"]));
        }
        assert_eq!(token().await["roles"], json!(["customer"]));
        assert_eq!(codes(&role(world, "revokeRole", "ada", "ADMIN").await), ["LAST_ADMIN"]);
        assert_eq!(codes(&role(world, "grantRole", "nobody", "ADMIN").await), ["NOT_FOUND"]);
        assert_eq!(codes(&role(world, "revokeRole", "nobody", "CUSTOMER").await), ["NOT_FOUND"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_administrators_who_depose_each_other_leave_one() {
    on_each(async |world| {
        for _ in 0..6 {
            role(world, "grantRole", "grace", "ADMIN").await;
            role(world, "grantRole", "ada", "ADMIN").await;
            let (one, two) =
                tokio::join!(role(world, "revokeRole", "grace", "ADMIN"), role(world, "revokeRole", "ada", "ADMIN"));
            let found = [codes(&one), codes(&two)].concat();
            assert_eq!(found, ["LAST_ADMIN"], "{one} {two}");
            assert!(crate::account::roles::has_admin(world.database.reader()).await.unwrap());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_gives_roles() {
    on_each(async |world| {
        let query = "mutation($i: RoleInput!) { grantRole(input: $i) { user { id } } }";
        let input = json!({ "i": { "userId": sample_id("grace"), "role": "ADMIN" } });
        let made_up = Viewer::User(auth::User {
            id: sample_id("grace").to_string(),
            roles: vec!["Admin".to_owned(), "admin ".to_owned()],
        });
        for (viewer, code) in [
            (Viewer::Anonymous, "UNAUTHENTICATED"),
            (Viewer::Service, "FORBIDDEN"),
            (customer("grace"), "FORBIDDEN"),
            (super::world::staff("grace"), "FORBIDDEN"),
            (made_up, "FORBIDDEN"),
        ] {
            let answer = world.ask(viewer, query, input.clone()).await;
            assert_eq!((&answer["data"], error_codes(&answer)), (&json!({ "grantRole": null }), vec![code]));
        }
    })
    .await;
}
