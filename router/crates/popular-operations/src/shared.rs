//! Texts and how often they were used, in Redis. Without it, routers know what was used at them alone. Knows no request.
//!
//! The uses of a day are one sorted set, and each text is a key of its own. Both expire when they have not been added to for two days, so what
//! nobody uses any more is forgotten, and nothing has to be tidied up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use braid_redis::{Redis, RedisSetupError, Setup};
use braid_telemetry::metrics::Metrics;
use redis::{Cmd, FromRedisValue, RedisResult, Value};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_128;

use crate::config::SharedOperationsConfig;

/// Why Redis can't be used at all.
#[derive(Debug, thiserror::Error)]
#[error("reload.shared_operations can't be used")]
pub struct PopularOperationsError(#[from] RedisSetupError);

/// An operation, as requests have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PopularOperation {
    /// The text of the document, as a JSON string with its quotes.
    pub query: String,
    /// The name of the operation, as a JSON string with its quotes.
    pub operation_name: Option<String>,
}

/// What is used at all routers that share it.
#[derive(Debug)]
pub struct PopularOperations {
    redis: Arc<Redis>,
    prefix: String,
    most: usize,
    timeout: Duration,
}

/// Longer texts are not shared.
const MAX_TEXT: usize = 64 << 10;
/// The most bytes of texts that are read.
const MAX_BYTES: usize = 8 << 20;
/// The most commands that are sent at once.
const MAX_COMMANDS: usize = 256;
const DAY: u64 = 24 * 60 * 60;

impl PopularOperations {
    /// Must be called on a runtime. No connection is opened yet.
    pub fn new(config: &SharedOperationsConfig, metrics: &Metrics) -> Result<Self, PopularOperationsError> {
        let setup = Setup {
            url: &config.url.0,
            tls: &config.tls,
            timeout: config.timeout.0,
            is_patient: false,
            purpose: "popular operations",
        };
        Ok(Self {
            redis: Redis::new(setup, metrics.redis("popular_operations"))?,
            prefix: config.prefix.clone(),
            most: config.most,
            timeout: config.timeout.0,
        })
    }

    /// Adds uses of operations.
    pub async fn add(&self, uses: &[(PopularOperation, u64)]) {
        let uses: Vec<_> = uses.iter().filter_map(|(operation, uses)| Some((text(operation)?, *uses))).collect();
        let today = self.uses(today());
        for some in uses.chunks(MAX_COMMANDS / 2) {
            let mut commands = Vec::with_capacity(2 * some.len() + 2);
            for (text, uses) in some {
                let id = id(text);
                commands.push(command("SET", |set| set.arg(self.text(&id)).arg(text).arg("EX").arg(2 * DAY)));
                commands.push(command("ZINCRBY", |add| add.arg(&today).arg(*uses).arg(id)));
            }
            commands.push(command("EXPIRE", |expire| expire.arg(&today).arg(2 * DAY)));
            // What is used little may become popular, so more is counted than shared.
            let rest = -(4 * self.most as i64) - 1;
            commands.push(command("ZREMRANGEBYRANK", |trim| trim.arg(&today).arg(0).arg(rest)));
            if self.ask(commands).await.is_none() {
                return;
            }
        }
    }

    /// The most used operations, first of all the most used one. Empty if Redis is away.
    pub async fn read(&self) -> Vec<PopularOperation> {
        let days = [today(), today() - 1];
        let range = |day: u64| {
            command("ZREVRANGE", |range| range.arg(self.uses(day)).arg(0).arg(self.most - 1).arg("WITHSCORES"))
        };
        let Some(days) = self.ask(days.map(range).into()).await else { return Vec::new() };
        let mut scores: HashMap<String, f64> = HashMap::new();
        // What was used yesterday counts half.
        for (day, factor) in days.into_iter().zip([1.0, 0.5]) {
            let day: Vec<(String, f64)> = read_as(day).unwrap_or_default();
            for (id, score) in day {
                *scores.entry(id).or_default() += factor * score;
            }
        }
        let mut popular: Vec<_> = scores.into_iter().collect();
        popular.sort_by(|(one, score), (other, other_score)| other_score.total_cmp(score).then_with(|| one.cmp(other)));
        popular.truncate(self.most);
        let (mut operations, mut bytes) = (Vec::with_capacity(popular.len()), 0);
        for some in popular.chunks(32) {
            let get = |(id, _): &(String, f64)| command("GETRANGE", |get| get.arg(self.text(id)).arg(0).arg(MAX_TEXT));
            let Some(texts) = self.ask(some.iter().map(get).collect()).await else { return operations };
            for text in texts.into_iter().filter_map(read_as::<String>) {
                bytes += text.len();
                if bytes > MAX_BYTES {
                    return operations;
                }
                operations.extend(operation(&text));
            }
        }
        operations
    }

    async fn ask(&self, commands: Vec<Cmd>) -> Option<Vec<RedisResult<Value>>> {
        self.redis.ask_each(self.timeout, commands).await
    }

    fn uses(&self, day: u64) -> String {
        format!("{}uses:{day}", self.prefix)
    }

    fn text(&self, id: &str) -> String {
        format!("{}text:{id}", self.prefix)
    }
}

fn command(name: &str, arguments: impl FnOnce(&mut Cmd) -> &mut Cmd) -> Cmd {
    let mut command = redis::cmd(name);
    arguments(&mut command);
    command
}

fn read_as<T: FromRedisValue>(answer: RedisResult<Value>) -> Option<T> {
    T::from_redis_value(answer.ok()?).ok()
}

/// Days since the epoch.
fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs() / DAY)
}

fn id(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The form in Redis: a list of text and name. `None` if that is too long.
fn text(operation: &PopularOperation) -> Option<String> {
    let name = operation.operation_name.as_deref().unwrap_or("null");
    let text = format!("[{},{name}]", operation.query);
    (text.len() <= MAX_TEXT).then_some(text)
}

/// What is in Redis may be anything.
fn operation(text: &str) -> Option<PopularOperation> {
    let [query, name]: [&RawValue; 2] = serde_json::from_str(text).ok().filter(|_| text.len() <= MAX_TEXT)?;
    let is_text = |value: &&RawValue| value.get().starts_with('"');
    let operation_name = match name.get() {
        "null" => None,
        _ => Some(Some(name).filter(is_text)?.get().to_owned()),
    };
    Some(PopularOperation { query: Some(query).filter(is_text)?.get().to_owned(), operation_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_keep_their_bytes() {
        for (query, name) in [("\"{ a }\"", None), ("\"query A { a\\u0020}\"", Some("\"A\""))] {
            let given = PopularOperation { query: query.to_owned(), operation_name: name.map(str::to_owned) };
            assert_eq!(text(&given).and_then(|text| operation(&text)), Some(given));
        }
        let long = PopularOperation { query: format!("\"{}\"", "a".repeat(MAX_TEXT)), operation_name: None };
        assert_eq!(text(&long), None);
        for other in ["", "[]", "[\"a\"]", "[1,null]", "[\"a\",1]", "[\"a\",null,1]", "{}", "[\"a\",nul"] {
            assert_eq!(operation(other), None, "{other}");
        }
    }
}
