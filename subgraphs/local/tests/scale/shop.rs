//! The shop in this process, and those who ask it. Knows no operation.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use braid_telemetry::config::OtlpConfig;
use local::{Federation, Ports, Storage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::databases::{Databases, SERVICES};

pub(crate) struct Shop {
    federation: Federation,
    _folder: TempDir,
}

/// Somebody who asks the shop, from an address of their own: the router counts requests by address.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

impl Shop {
    pub(crate) async fn start(databases: &Databases) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let ports = Ports { router: free, users: free, orders: free, inventory: free };
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage { data: folder.path().to_owned(), postgres: Some(databases.url()), operations: None };
        let federation = local::start(ports, &storage, &OtlpConfig::default()).await.unwrap();
        Self { federation, _folder: folder }
    }

    pub(crate) async fn stop(self) {
        self.federation.stop().await.unwrap();
    }

    /// One who has not signed in. Clients with the same number have the same address.
    pub(crate) fn client(&self, number: u32) -> Client {
        let [_, high, low] = [0, number / 250, 1 + number % 250].map(|part| u8::try_from(part).unwrap());
        let address = IpAddr::V4(Ipv4Addr::new(127, 1, high, low));
        let http = reqwest::Client::builder().local_address(address).timeout(Duration::from_secs(30)).build().unwrap();
        Client { http, url: format!("http://{}/graphql", self.federation.ports.router), token: None }
    }

    /// One who has signed in.
    pub(crate) async fn user(&self, number: u32, username: &str) -> Client {
        let mut client = self.client(number);
        let query = "mutation($input: LoginInput!) { login(input: $input) { session { accessToken } } }";
        let input = json!({ "username": username, "password": service::sample::PASSWORD });
        let data = client.data(query, json!({ "input": input })).await;
        let token = data["login"]["session"]["accessToken"].as_str().unwrap_or_else(|| panic!("{username}: {data}"));
        client.token = Some(token.to_owned());
        client
    }

    /// The numbers at the services' `/metrics` that have no label.
    pub(crate) async fn numbers(&self) -> BTreeMap<String, f64> {
        let Ports { users, orders, inventory, .. } = self.federation.ports;
        let mut numbers = BTreeMap::new();
        for (service, address) in SERVICES.into_iter().zip([users, orders, inventory]) {
            let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
            assert!(text.contains(service), "{text}");
            let lines = text.lines().filter_map(|line| line.split_once(' '));
            numbers.extend(lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))));
        }
        numbers
    }
}

impl Client {
    /// The data of an answer without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let response = self.request(query, &variables).send().await.unwrap();
        let mut answer: Value = response.json().await.unwrap();
        assert_eq!(answer.get("errors"), None, "{query} with {variables}: {answer}");
        answer["data"].take()
    }

    /// Begins a subscription, does the work, and waits for the first event, of which this is the data.
    pub(crate) async fn first_event(&self, query: &str, variables: Value, work: impl Future<Output = ()>) -> Value {
        let request = self.request(query, &variables).header("accept", "text/event-stream");
        let mut response = request.send().await.unwrap();
        // The subscription reaches its service after the response has begun.
        tokio::time::sleep(Duration::from_millis(500)).await;
        work.await;
        let mut received = String::new();
        let next = async {
            loop {
                let chunk = response.chunk().await.unwrap().expect("the stream goes on");
                received.push_str(std::str::from_utf8(&chunk).unwrap());
                let data =
                    received.split("\n\n").find_map(|event| event.lines().find_map(|l| l.strip_prefix("data: ")));
                if let Some(event) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) {
                    return event;
                }
            }
        };
        let mut event = tokio::time::timeout(Duration::from_secs(20), next).await.expect("an event in time");
        assert_eq!(event.get("errors"), None, "{query} with {variables}: {event}");
        event["data"].take()
    }

    fn request(&self, query: &str, variables: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(&self.url).json(&json!({ "query": query, "variables": variables }));
        self.token.iter().fold(request, |request, token| request.bearer_auth(token))
    }
}
