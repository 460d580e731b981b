//! The service in a test: a database, the schema over it, and a postman who keeps the mails.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_graphql::{EmptySubscription, Request, Schema, Variables};
use async_trait::async_trait;
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use service::auth::{ClientAddress, User};
use service::testing::TestDatabase;
use service::{Database, Viewer};
use uuid::Uuid;

use crate::graphql::{self, Resources};
use crate::keys::KeyRing;
use crate::mail::post::{Post, send_next};
use crate::mail::{Mail, Mailer, SendsMail};
use crate::token::Issuer;
use crate::{Config, key_ring, open};

pub(super) struct World {
    pub(super) config: Config,
    pub(super) database: Database,
    pub(super) keys: KeyRing,
    pub(super) post: Post,
    pub(super) mails: Arc<Postman>,
    schema: AccountSchema,
}

type AccountSchema = Schema<crate::graphql::query::Query, crate::graphql::Mutation, EmptySubscription>;

/// Runs the test with the sample accounts on every available database.
pub(super) async fn on_each(test: impl AsyncFn(&World)) {
    on_each_with(|config| config.service.sample_data = Some(true), test).await;
}

/// Runs the test on every available database, at the same time.
pub(super) async fn on_each_with(change: impl Fn(&mut Config), test: impl AsyncFn(&World)) {
    let on = async |place: TestDatabase| {
        let world = World::open(&place, &change).await;
        test(&world).await;
        world.database.close().await.unwrap();
        place.drop_it().await.unwrap();
    };
    join_all(TestDatabase::each().await.unwrap().into_iter().map(on)).await;
}

impl World {
    /// An instance of the service on the database.
    pub(super) async fn open(place: &TestDatabase, change: impl Fn(&mut Config)) -> Self {
        let mut config = Config::new();
        config.service.database = place.config.clone();
        change(&mut config);
        let database = open(&config).await.unwrap();
        let keys = key_ring(&config, &database).await.unwrap();
        let resources = Resources {
            issuer: Issuer::new(keys.clone(), &config.service.auth, config.token_life()),
            session_life: config.session_life(),
            sends_mail: SendsMail(true),
            totp_issuer: config.totp_issuer.clone(),
        };
        let schema = graphql::with_resources(graphql::schema(&config.service.limits), &database, resources);
        let mails = Arc::new(Postman::default());
        let post = Post::new(database.clone(), mails.clone(), None);
        Self { config, database, keys, post, mails, schema }
    }

    pub(super) async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        self.ask_from(None, viewer, query, variables).await
    }

    pub(super) async fn ask_from(
        &self,
        address: Option<IpAddr>,
        viewer: Viewer,
        query: &str,
        variables: Value,
    ) -> Value {
        let mut request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        if let Some(address) = address {
            request = request.data(ClientAddress(address));
        }
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    /// The data of an answer without errors.
    pub(super) async fn data(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(viewer, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
        answer["data"].take()
    }

    /// The payload of a mutation: all of its fields that are leaves or the session.
    pub(super) async fn run(&self, viewer: Viewer, mutation: &str, input: Value) -> Value {
        self.run_from(None, viewer, mutation, input).await
    }

    pub(super) async fn run_from(
        &self,
        address: Option<IpAddr>,
        viewer: Viewer,
        mutation: &str,
        input: Value,
    ) -> Value {
        let mut kind = mutation.to_owned();
        kind[..1].make_ascii_uppercase();
        let kind = match kind.as_str() {
            "GrantRole" | "RevokeRole" => "Role".to_owned(),
            other => other.to_owned(),
        };
        let fields = fields(mutation);
        let query = format!(
            "mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{ {fields} userErrors {{ code message field }} }} }}"
        );
        let mut answer = self.ask_from(address, viewer, &query, json!({ "i": input })).await;
        assert_eq!(answer.get("errors"), None, "{mutation}: {answer}");
        answer["data"][mutation].take()
    }

    /// Signs in; the payload.
    pub(super) async fn login(&self, username: &str, password: &str) -> Value {
        self.run(Viewer::Anonymous, "login", json!({ "username": username, "password": password })).await
    }

    /// The session of one who knows the password.
    pub(super) async fn session(&self, username: &str, password: &str) -> Value {
        let mut payload = self.login(username, password).await;
        assert_eq!(codes(&payload), [""; 0], "{username}");
        payload["session"].take()
    }

    pub(super) async fn refresh(&self, token: &Value) -> Value {
        self.run(Viewer::Anonymous, "refreshSession", json!({ "refreshToken": token })).await
    }

    /// Sends the mails that are due.
    pub(super) async fn deliver(&self) {
        while send_next(&self.post).await.unwrap() {}
    }

    /// The last mail to the address, after all were sent.
    pub(super) async fn mail_to(&self, address: &str) -> Option<Mail> {
        self.deliver().await;
        let mails = self.mails.sent.lock().unwrap();
        mails.iter().rev().find(|mail| mail.to == address).cloned()
    }

    /// The token in the last mail to the address.
    pub(super) async fn token_to(&self, address: &str) -> String {
        let mail = self.mail_to(address).await.unwrap_or_else(|| panic!("no mail to {address}"));
        after(&mail.text, "Token: ").to_owned()
    }

    pub(super) async fn sql(&self, sql: &str) {
        self.database.reader().execute_unprepared(sql).await.unwrap();
    }

    /// A customer who has confirmed their account.
    pub(super) async fn new_customer(&self, username: &str) -> Value {
        let email = format!("{username}@shop.test");
        let input = json!({ "username": username, "name": "Somebody", "email": email, "password": PASSWORD });
        let asked = self.run(Viewer::Anonymous, "register", input).await;
        assert_eq!(asked, json!({ "emailedTo": email, "userErrors": [] }));
        let input = json!({ "token": self.token_to(&email).await, "password": PASSWORD });
        let mut confirmed = self.run(Viewer::Anonymous, "confirmRegistration", input).await;
        assert_eq!(codes(&confirmed), [""; 0]);
        confirmed["session"].take()
    }
}

/// What of a payload is asked for.
fn fields(mutation: &str) -> &'static str {
    match mutation {
        "login" => {
            "session { accessToken refreshToken deviceToken user { id username email roles } } challenge { token expiresAt }"
        }
        "confirmRegistration" | "refreshSession" | "changePassword" | "disableTotp" | "completeLogin" => {
            "session { accessToken refreshToken deviceToken user { id username email roles } }"
        }
        "enrollTotp" => "secret otpauthUri",
        "confirmTotp" => "recoveryCodes session { refreshToken deviceToken user { id } }",
        "regenerateRecoveryCodes" => "recoveryCodes",
        "clearTotp" => "user { username totpEnabled }",
        "register" | "requestPasswordReset" | "changeEmail" => "emailedTo",
        "resetPassword" => "username deviceToken",
        "logout" => "signedOut",
        _ => "user { username name email roles }",
    }
}

/// The codes of the user errors of a payload.
pub(super) fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{payload}"));
    errors.iter().map(|error| error["code"].as_str().unwrap()).collect()
}

/// The codes of the errors of an answer.
pub(super) fn error_codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

/// What stands after the words, up to the end of the line.
pub(super) fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("no `{words}` in {text}"));
    rest.lines().next().unwrap().trim()
}

pub(super) fn sample_id(username: &str) -> Uuid {
    service::sample::id("user", username)
}

pub(super) fn customer(username: &str) -> Viewer {
    Viewer::User(User { id: sample_id(username).to_string(), roles: vec!["customer".to_owned()] })
}

pub(super) fn staff(username: &str) -> Viewer {
    let roles = vec!["customer".to_owned(), service::auth::STAFF.to_owned()];
    Viewer::User(User { id: sample_id(username).to_string(), roles })
}

pub(super) fn admin() -> Viewer {
    Viewer::User(User { id: sample_id("ada").to_string(), roles: vec![service::auth::ADMIN.to_owned()] })
}

/// The user of a session, as the router vouches for them.
pub(super) fn owner(session: &Value) -> Viewer {
    let id = service::graphql::id::parse("User", session["user"]["id"].as_str().unwrap()).unwrap();
    Viewer::User(User { id: id.to_string(), roles: vec!["customer".to_owned()] })
}

pub(super) fn address(number: u32) -> Option<IpAddr> {
    Some(IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
}

/// The password of the accounts that tests make.
pub(super) const PASSWORD: &str = "correct horse battery";
/// The password of the sample accounts.
pub(super) const SAMPLE: &str = service::sample::PASSWORD;

/// Keeps the mails.
#[derive(Default)]
pub(super) struct Postman {
    pub(super) sent: Mutex<Vec<Mail>>,
    /// Whether the server takes no mails.
    pub(super) fails: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Mailer for Postman {
    async fn send(&self, mail: &Mail) -> anyhow::Result<()> {
        anyhow::ensure!(!self.fails.load(std::sync::atomic::Ordering::SeqCst), "the server takes no mails");
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }
}
