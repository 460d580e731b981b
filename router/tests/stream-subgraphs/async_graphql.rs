//! A subgraph of async-graphql and axum, in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::futures_util::{Stream, StreamExt, stream};
use async_graphql::http::ALL_WEBSOCKET_PROTOCOLS;
use async_graphql::{Context, Data, Object, Schema, Subscription};
use async_graphql_axum::{GraphQLProtocol, GraphQLRequest, GraphQLResponse, GraphQLWebSocket};
use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;

/// The number of subscriptions.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

/// One of them.
struct Open(Counter);

impl Open {
    fn new(counter: &Counter) -> Self {
        counter.0.fetch_add(1, Ordering::Relaxed);
        Self(counter.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct User(Option<String>);

struct Query;

#[Object]
impl Query {
    async fn open(&self, context: &Context<'_>) -> usize {
        context.data_unchecked::<Counter>().0.load(Ordering::Relaxed)
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn counted(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    async fn ticks(&self, context: &Context<'_>) -> impl Stream<Item = i32> {
        let open = Open::new(context.data_unchecked());
        stream::unfold((open, 1), |(open, tick)| async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((tick, (open, tick + 1)))
        })
    }

    async fn seen(&self, context: &Context<'_>) -> impl Stream<Item = Option<String>> {
        let seen = context.data_unchecked::<User>().0.clone();
        stream::once(async { seen })
    }

    async fn refused(&self) -> async_graphql::Result<stream::BoxStream<'static, Option<i32>>> {
        Err("nobody may".into())
    }
}

type Graph = Schema<Query, async_graphql::EmptyMutation, Events>;

/// Starts it. Returns its port.
pub async fn start() -> u16 {
    let schema = Schema::build(Query, async_graphql::EmptyMutation, Events).data(Counter::default()).finish();
    let by_http = {
        let schema = schema.clone();
        move |headers: HeaderMap, request: GraphQLRequest| over_http(schema, headers, request)
    };
    let by_socket = move |headers: HeaderMap, protocol: GraphQLProtocol, upgrade: WebSocketUpgrade| async move {
        let mut data = Data::default();
        data.insert(user(&headers));
        upgrade
            .protocols(ALL_WEBSOCKET_PROTOCOLS)
            .on_upgrade(move |socket| GraphQLWebSocket::new(socket, schema, protocol).with_data(data).serve())
    };
    let app = Router::new().route("/graphql", post(by_http).get(by_socket));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    port
}

async fn over_http(schema: Graph, headers: HeaderMap, request: GraphQLRequest) -> Response {
    let request = request.into_inner().data(user(&headers));
    let accepts = headers["accept"].to_str().unwrap();
    if !accepts.contains("multipart/mixed") {
        return GraphQLResponse::from(schema.execute(request).await).into_response();
    }
    let events = async_graphql::http::create_multipart_mixed_stream(
        schema.execute_stream(request).boxed(),
        async_graphql::runtime::TokioTimer::default(),
        Duration::from_secs(30),
    );
    let body = axum::body::Body::from_stream(events.map(Ok::<_, std::io::Error>));
    ([("content-type", "multipart/mixed;boundary=graphql;subscriptionSpec=1.0")], body).into_response()
}

fn user(headers: &HeaderMap) -> User {
    User(headers.get("x-user").map(|user| user.to_str().unwrap().to_owned()))
}
