//! `braid cache`: tells running routers that something they keep is not true any more.

use std::path::PathBuf;
use std::time::Duration;

use braid_cache_invalidation::Item;
use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, chain};
use bytes::Bytes;
use clap::{Args, Subcommand};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::terminal::{Failure, block_on, complain, print};

/// Tell running routers what is not true any more.
#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// Have routers ask subgraphs again for something that they keep
    Invalidate(Invalidate),
}

impl CacheCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Invalidate(command) => command.run(),
        }
    }
}

/// Have routers ask subgraphs again for something that they keep.
///
/// Ends successfully once no router of the group serves what it kept before. One router is enough; it tells those with which it shares a
/// Redis.
#[derive(Debug, Args)]
pub(super) struct Invalidate {
    /// Where the router takes invalidations (cache.invalidation in its configuration)
    #[arg(long, value_name = "URL", env = "BRAID_CACHE_URL", default_value = "http://127.0.0.1:4100/invalidation")]
    url: String,
    /// The secret of cache.invalidation. Other users of this machine can see options, but not the variable
    #[arg(long, value_name = "SECRET", env = "BRAID_CACHE_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// A PEM file with the certificate authorities that are trusted for https, instead of the system's
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Only what this subgraph gave; alone, all of it. Can be repeated
    #[arg(long = "subgraph", value_name = "NAME")]
    subgraphs: Vec<String>,
    /// All of a type, and what contains something of it. Can be repeated
    #[arg(long = "type", value_name = "NAME")]
    types: Vec<String>,
    /// One entity of the type: the fields of its key, such as '{"id":"1"}'. Can be repeated
    #[arg(long = "key", value_name = "JSON", requires = "types")]
    keys: Vec<String>,
    /// All that has a cache tag. Can be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Everything
    #[arg(long, conflicts_with_all = ["subgraphs", "types", "keys", "tags"])]
    all: bool,
}

const MAX_BYTES: usize = 1 << 20;
/// A router waits for others of its group before it answers.
const TIMEOUT: Duration = Duration::from_secs(90);

impl Invalidate {
    fn run(self) -> Result<(), Failure> {
        let items = self.items()?;
        block_on(self.send(&items))
    }

    fn items(&self) -> Result<Vec<Item>, Failure> {
        let subgraphs = || (None, self.subgraphs.clone());
        if self.all {
            return Ok(vec![Item::All {}]);
        }
        let mut items = Vec::new();
        let keys = self.keys.iter().map(|key| object(key)).collect::<Result<Vec<_>, _>>()?;
        match (self.types.as_slice(), keys.is_empty()) {
            (types, true) => items.extend(types.iter().map(|ty| {
                let (subgraph, subgraphs) = subgraphs();
                Item::Type { subgraph, subgraphs, ty: ty.clone() }
            })),
            ([ty], false) => items.extend(keys.into_iter().map(|key| {
                let (subgraph, subgraphs) = subgraphs();
                Item::Entity { subgraph, subgraphs, ty: ty.clone(), key }
            })),
            _ => return Err(Failure::Usage("--key needs exactly one --type".to_owned())),
        }
        items.extend(self.tags.iter().map(|tag| {
            let (subgraph, subgraphs) = subgraphs();
            Item::CacheTag { subgraph, subgraphs, cache_tag: tag.clone() }
        }));
        if items.is_empty() && !self.subgraphs.is_empty() {
            let (subgraph, subgraphs) = subgraphs();
            items.push(Item::Subgraph { subgraph, subgraphs });
        }
        match items.is_empty() {
            true => Err(Failure::Usage("say what to invalidate: --all, --subgraph, --type, --key or --tag".to_owned())),
            false => Ok(items),
        }
    }

    async fn send(&self, items: &[Item]) -> Result<(), Failure> {
        let authorities = self.authorities.as_ref().map(|file| file.display().to_string());
        let tls = TlsClientConfig { authorities, ..TlsClientConfig::default() };
        let endpoint = Endpoint::new(&self.url, &tls, MAX_BYTES, TIMEOUT)
            .map_err(|error| Failure::Usage(format!("--url: {}", chain(&error))))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(secret) = &self.secret {
            let value = HeaderValue::try_from(format!("Bearer {secret}"));
            headers.insert(
                AUTHORIZATION,
                value.map_err(|_| Failure::Usage("the secret can't be sent in a header".to_owned()))?,
            );
        }
        let body = Bytes::from(json!(items).to_string());
        let sent = endpoint.send(Method::POST, headers, body).await;
        let response = sent.map_err(|error| Failure::Other(format!("{}: {}", self.url, chain(&error))))?;
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let said = body["errors"][0]["message"].as_str().unwrap_or("it gave no reason");
        match response.status() {
            StatusCode::OK => {
                print(&format!("Invalidated, at position {}\n", body["position"].as_str().unwrap_or("?")))
            }
            StatusCode::BAD_REQUEST => {
                complain(&format!("{said}\n"));
                Err(Failure::Negative)
            }
            status => Err(Failure::Other(format!("{} answered {status}: {said}", self.url))),
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::Usage(format!("--key must be a JSON object such as {{\"id\":\"1\"}}, and \"{text}\" is none: {error}"))
    })
}
