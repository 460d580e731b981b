//! A small service of a test's own, in process, on a free port.

use std::time::Duration;

use async_graphql::{Context, EmptySubscription, Object};
use reqwest::{Client, RequestBuilder};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use service::graphql::Executable;
use service::testing::TestDatabase;
use service::{
    Authenticator, Config, Database, Error, EventBus, Keys, Result, Run, ServiceInfo, Subgraph, Viewer, viewer,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const INFO: ServiceInfo = ServiceInfo { name: "probe", port: 0, about: "A service for tests" };

pub(crate) struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "world"
    }

    async fn who(&self, ctx: &Context<'_>) -> String {
        match viewer(ctx) {
            Viewer::Anonymous => "nobody".to_owned(),
            Viewer::Service => "a service".to_owned(),
            Viewer::User(user) => format!("{} {:?}", user.id, user.roles),
        }
    }

    async fn address(&self, ctx: &Context<'_>) -> Option<String> {
        service::client_address(ctx).map(|address| address.to_string())
    }

    async fn echo(&self, text: Option<String>) -> Option<String> {
        text
    }

    /// What a statement gives back.
    async fn stored(&self, ctx: &Context<'_>) -> Result<String> {
        let database = service::graphql::database(ctx)?.reader();
        let (backend, value) = (database.get_database_backend(), ["a secret".into()]);
        let row = database.query_one_raw(Statement::from_sql_and_values(backend, "SELECT ? AS text", value)).await?;
        Ok(row.unwrap().try_get("", "text")?)
    }

    async fn deep(&self) -> Query {
        Query
    }

    async fn slow(&self) -> bool {
        tokio::time::sleep(Duration::from_millis(600)).await;
        true
    }

    async fn ours(&self) -> Option<Result<i32>> {
        Some(Err(Error::not_found("There is no such thing.")))
    }

    async fn internal(&self) -> Option<Result<i32>> {
        Some(Err(Error::internal(anyhow::anyhow!("the table `secrets` is missing"))))
    }

    async fn foreign(&self) -> Option<async_graphql::Result<i32>> {
        Some("x".parse::<i32>().map_err(Into::into))
    }

    async fn explode(&self) -> bool {
        let nothing: Option<bool> = std::hint::black_box(None);
        nothing.expect("a bug")
    }

    #[graphql(complexity = "service::graphql::page::cost(first, last, child_complexity)")]
    async fn page(&self, first: Option<i32>, last: Option<i32>) -> i32 {
        first.or(last).unwrap_or(-1)
    }
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> bool {
        true
    }
}

/// The service while it runs.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) database: Database,
    stop: oneshot::Sender<()>,
    served: JoinHandle<anyhow::Result<()>>,
    _place: TestDatabase,
}

impl World {
    pub(crate) async fn start(keys: Option<Keys>, change: impl FnOnce(&mut Config)) -> Self {
        let place = TestDatabase::sqlite().unwrap();
        let mut config = Config::new(&INFO);
        config.database = place.config.clone();
        config.auth.internal_token = Some("between us".to_owned());
        config.auth.router_token = Some("of the router".to_owned());
        change(&mut config);
        let database = Database::connect(&config.database).await.unwrap();
        database.migrate(|| vec![Box::new(service::events::CreateOutbox)]).await.unwrap();
        let authenticator = match keys {
            Some(keys) => Authenticator::with_keys(&config.auth, keys),
            None => Authenticator::new(&config.auth).unwrap(),
        };
        let schema = service::graphql::builder(Query, Mutation, EmptySubscription, &config.limits);
        let schema = service::graphql::with_database(schema, &database).finish();
        let subgraph = Subgraph {
            info: INFO,
            schema: Executable::new(schema),
            database: database.clone(),
            authenticator,
            work: Vec::new(),
            events: Some(EventBus::in_process()),
            metrics: service::Metrics::new(INFO.name),
            routes: axum::Router::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = Box::pin(async { drop(stopped.await) });
        let served =
            tokio::spawn(async move { service::serve(Run::Serve(listener), subgraph, &config, shutdown).await });
        Self { url, client: Client::new(), database, stop, served, _place: place }
    }

    pub(crate) fn post(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.client.post(format!("{}/graphql", self.url));
        request.header("content-type", "application/json").header("accept", MODERN).body(body)
    }

    /// As a modern client asks by GET.
    pub(crate) fn get(&self, parameters: &[(&str, &str)]) -> RequestBuilder {
        let url = reqwest::Url::parse_with_params(&format!("{}/graphql", self.url), parameters).unwrap();
        self.client.get(url).header("accept", MODERN)
    }

    pub(crate) fn query(&self, query: &str) -> RequestBuilder {
        self.post(serde_json::json!({ "query": query }).to_string())
    }

    /// Stops, and waits until it has stopped.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

pub(crate) const MODERN: &str = "application/graphql-response+json";

/// The status and the body of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The status and the code of the first error of an answer.
pub(crate) async fn refusal(request: RequestBuilder) -> (u16, String) {
    let (status, body) = answer(request).await;
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned())
}
