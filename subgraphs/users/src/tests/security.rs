//! Attempts to get what is not one's own. None gets through, and none is an internal error.

use serde_json::{Value, json};
use service::auth::Keys;
use service::graphql::id;
use service::{Authenticator, Viewer};

use super::world::{PASSWORD, SAMPLE, admin, customer, error_codes, on_each, sample_id};

fn encode(value: &Value) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, value.to_string())
}

/// Tokens that say more than they were signed for.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_were_not_issued_open_nothing() {
    on_each(async |world| {
        let authenticator = Authenticator::with_keys(&world.config.service.auth, Keys::watched(world.keys.public()));
        let accepts = async |token: &str| {
            let headers = axum::http::HeaderMap::from_iter([(
                axum::http::header::AUTHORIZATION,
                axum::http::HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
            )]);
            authenticator.authenticate(&headers).await
        };
        let token = world.session("grace", SAMPLE).await["accessToken"].as_str().unwrap().to_owned();
        let Viewer::User(user) = accepts(&token).await.unwrap() else { panic!("no user") };
        assert_eq!(user.id, sample_id("grace").to_string());

        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { panic!("{token}") };
        let read = |part: &str| {
            let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()
        };
        let with = |part: &str, name: &str, value: Value| {
            let mut changed = read(part);
            changed[name] = value;
            encode(&changed)
        };
        let none = with(header, "alg", json!("none"));
        for (what, wrong) in [
            ("another role", format!("{header}.{}.{signature}", with(claims, "roles", json!(["admin"])))),
            ("another user", format!("{header}.{}.{signature}", with(claims, "sub", json!(sample_id("ada"))))),
            ("a longer life", format!("{header}.{}.{signature}", with(claims, "exp", json!(9_999_999_999_u64)))),
            ("no algorithm", format!("{none}.{claims}.")),
            ("no algorithm but a signature", format!("{none}.{claims}.{signature}")),
            ("a shared secret", format!("{}.{claims}.{signature}", with(header, "alg", json!("HS256")))),
            ("another key", format!("{}.{claims}.{signature}", with(header, "kid", json!("../../etc/passwd")))),
            ("no signature", format!("{header}.{claims}.")),
            ("half a signature", format!("{header}.{claims}.{}", &signature[..40])),
            ("nonsense", "nonsense".to_owned()),
            ("a megabyte", "A".repeat(1 << 20)),
        ] {
            let refused = accepts(&wrong).await.map_err(|error| error.code().as_str());
            assert_eq!(refused.unwrap_err(), "UNAUTHENTICATED", "{what}");
        }
        let mut over = read(claims);
        over["exp"] = json!(service::clock::now().timestamp() - 60);
        let sign = |claims: &Value| {
            let signed = world.keys.sign(|key| {
                let mut header = jsonwebtoken::Header::new(crate::keys::ALGORITHM);
                header.kid = Some(key.id.clone());
                jsonwebtoken::encode(&header, claims, &key.key)
            });
            signed.unwrap().unwrap()
        };
        assert!(accepts(&sign(&over)).await.is_err());
        assert!(accepts(&sign(&read(claims))).await.is_ok());
        let mut elsewhere = world.config.service.auth.clone();
        elsewhere.jwt_audience = "another shop".to_owned();
        let token = crate::token::Issuer::new(world.keys.clone(), &elsewhere, std::time::Duration::from_secs(60));
        assert!(accepts(&token.issue(sample_id("ada"), &[]).unwrap().text).await.is_err());
    })
    .await;
}

/// Fields that a client must not set are not part of the schema.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themselves_what_only_others_give() {
    on_each(async |world| {
        for query in [
            "mutation { register(input: { username: \"evil\", name: \"E\", email: \"e@shop.test\", password: \"correct horse\", roles: [ADMIN] }) { emailedTo } }",
            "mutation { updateProfile(input: { name: \"E\", roles: [ADMIN] }) { user { id } } }",
            "mutation { updateProfile(input: { name: \"E\", id: \"x\" }) { user { id } } }",
            "mutation { updateProfile(input: { email: \"e@shop.test\" }) { user { id } } }",
            "mutation { changePassword(input: { userId: \"x\", oldPassword: \"x\", newPassword: \"y\" }) { session { accessToken } } }",
            "{ user(by: { id: \"x\", username: \"ada\" }) { email } }",
            "{ user(by: {}) { email } }",
            "mutation { updateProfile(input: { name: \"E\", totpEnabled: false }) { user { id } } }",
            "mutation { disableTotp(input: { password: \"x\" }) { session { accessToken } } }",
            "mutation { disableTotp(input: { password: \"x\", code: \"x\", userId: \"x\" }) { session { accessToken } } }",
            "mutation { enrollTotp(input: { password: \"x\", secret: \"AAAA\" }) { secret } }",
            "mutation { login(input: { username: \"grace\", password: \"x\", code: \"123456\" }) { session { accessToken } } }",
            "{ me { totpSecret } }",
            "{ me { recoveryCodes } }",
            "{ me { passwordHash } }",
            "{ me { password_hash } }",
        ] {
            let answer = world.ask(customer("grace"), query, json!({})).await;
            assert_eq!(error_codes(&answer).first(), Some(&"GRAPHQL_VALIDATION_FAILED"), "{query}: {answer}");
        }
    })
    .await;
}

/// What belongs to somebody else stays theirs.
#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_show_nothing_more() {
    on_each(async |world| {
        let ada = id::global("User", sample_id("ada"));
        let query = "query($id: ID!, $r: [_Any!]!) { user(by: { id: $id }) { email } _entities(representations: $r) { ... on User { email roles createdAt } } }";
        let variables = json!({ "id": ada, "r": [{ "__typename": "User", "id": ada }] });
        for viewer in [Viewer::Anonymous, customer("grace"), Viewer::Service] {
            let answer = world.data(viewer, query, variables.clone()).await;
            assert_eq!(answer, json!({ "user": null, "_entities": [{ "email": null, "roles": null, "createdAt": null }] }));
        }
    })
    .await;
}

/// Every text argument with every text that breaks things: an answer, never an internal error.
#[tokio::test(flavor = "multi_thread")]
async fn strange_texts_are_refused_or_kept_as_they_are() {
    on_each(async |world| {
        let long = "x".repeat(1 << 20);
        let texts = [
            "",
            " ",
            "a\0b",
            "😀😀😀😀",
            "\u{202e}nimda",
            "' OR 1=1 --",
            "%",
            "\u{feff}",
            "a\r\nBcc: x@shop.test",
            "\u{fdfa}\u{200d}",
            long.as_str(),
        ];
        for text in texts {
            let mutations = [
                (
                    Viewer::Anonymous,
                    "login",
                    json!({ "username": text, "password": text, "newPassword": text, "deviceToken": text }),
                ),
                (
                    Viewer::Anonymous,
                    "register",
                    json!({ "username": text, "name": text, "email": text, "password": text }),
                ),
                (
                    Viewer::Anonymous,
                    "register",
                    json!({ "username": "fine.name", "name": text, "email": text, "password": PASSWORD }),
                ),
                (Viewer::Anonymous, "confirmRegistration", json!({ "token": text, "password": text })),
                (Viewer::Anonymous, "refreshSession", json!({ "refreshToken": text })),
                (Viewer::Anonymous, "logout", json!({ "refreshToken": text })),
                (Viewer::Anonymous, "requestPasswordReset", json!({ "email": text })),
                (Viewer::Anonymous, "resetPassword", json!({ "token": text, "newPassword": text })),
                (Viewer::Anonymous, "confirmEmail", json!({ "token": text })),
                (customer("grace"), "changePassword", json!({ "oldPassword": text, "newPassword": text })),
                (customer("grace"), "changeEmail", json!({ "email": text, "password": text })),
                (customer("alan"), "updateProfile", json!({ "name": text })),
                (Viewer::Anonymous, "completeLogin", json!({ "challenge": text, "code": text })),
                (customer("alan"), "enrollTotp", json!({ "password": text })),
                (customer("alan"), "confirmTotp", json!({ "code": text })),
                (customer("alan"), "disableTotp", json!({ "password": text, "code": text })),
                (customer("alan"), "regenerateRecoveryCodes", json!({ "password": text, "code": text })),
                (admin(), "clearTotp", json!({ "userId": text })),
                (admin(), "grantRole", json!({ "userId": text, "role": "ADMIN" })),
            ];
            for (viewer, mutation, input) in mutations {
                let mut kind = mutation.to_owned();
                kind[..1].make_ascii_uppercase();
                let kind = if kind == "GrantRole" { "Role" } else { &kind };
                let query =
                    format!("mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{ userErrors {{ code }} }} }}");
                let answer = world.ask(viewer, &query, json!({ "i": input })).await;
                assert!(
                    error_codes(&answer).iter().all(|code| *code == "BAD_USER_INPUT"),
                    "{mutation} {:.20}: {answer}",
                    text
                );
                let accepted = answer["data"][mutation]["userErrors"] == json!([]);
                assert!(!accepted || matches!(mutation, "logout" | "updateProfile"), "{mutation} {text:.20}: {answer}");
            }
            for query in [
                "query($t: String!) { userByUsername(username: $t) { id } }",
                "query($t: String!) { user(by: { email: $t }) { id } }",
                "query($t: String!) { users(after: $t) { nodes { id } } }",
            ] {
                let answer = world.ask(admin(), query, json!({ "t": text })).await;
                assert!(
                    error_codes(&answer).iter().all(|code| *code == "BAD_USER_INPUT"),
                    "{query} {text:.20}: {answer}"
                );
            }
            let entity = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { id } } }";
            let answer = world
                .ask(
                    admin(),
                    entity,
                    json!({ "r": [{ "__typename": "User", "username": text }, { "__typename": "User", "id": text }] }),
                )
                .await;
            assert!(error_codes(&answer).iter().all(|code| *code == "BAD_USER_INPUT"), "{answer}");
        }
        world.session("grace", SAMPLE).await;
    })
    .await;
}

/// The private part of a key is never published.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_public_part_of_keys_is_published() {
    on_each(async |world| {
        let body = serde_json::to_value(&**world.keys.public().borrow()).unwrap();
        let key = &body["keys"][0];
        assert_eq!((&key["kty"], &key["use"], &key["crv"]), (&json!("EC"), &json!("sig"), &json!("P-256")));
        assert_eq!(key.get("d"), None);
    })
    .await;
}
