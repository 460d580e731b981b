//! How something that is sent was made, as JSON in `extensions.braid`: a whole answer, a part of one, or an event. Knows no request.

use std::time::Duration;

use braid_executor::{FetchRecord, FetchReport};
use braid_query_plan::explanation::explanation;
use braid_query_plan::print::print;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::SubgraphId;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Exposed, Exposes};
use crate::answer::Made;

/// A longer body of a subgraph's response is cut off where it is shown.
const MAX_SHOWN: usize = 1 << 20;

/// What is known of how something that is sent was made.
pub(crate) struct Making<'a> {
    /// What is known of all of the answer.
    pub(crate) beginning: Option<Beginning>,
    pub(crate) executed_in: Duration,
    pub(crate) fetches: &'a [FetchReport],
    /// What came beside the bodies of their responses, in the order they came.
    pub(crate) beside: &'a [(SubgraphId, SubgraphHeaders)],
    /// Whether events may be missing before this one.
    pub(crate) has_gap: bool,
}

/// What is said once: with a whole answer, with the first part of one, and with the first event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    /// Whether the operation was in the cache.
    pub(crate) cached: bool,
    pub(crate) found_after: Duration,
    pub(crate) made: Made,
}

impl Exposed {
    /// The members of `extensions`; none where there is nothing to show.
    pub(crate) fn extensions(&self, making: &Making<'_>) -> Option<Vec<u8>> {
        let Exposes { plan, explain, timings, cache, exchanges, dry_run } = self.exposes;
        let mut braid = Map::new();
        if dry_run {
            braid.insert("dryRun".to_owned(), true.into());
        }
        if making.has_gap {
            braid.insert("gap".to_owned(), true.into());
        }
        // It is kept, since it may be exposed.
        let kept = self.operation.result.as_ref().ok()?.plan().filter(|_| making.beginning.is_some());
        if let Some(kept) = kept.filter(|_| plan) {
            braid.insert("plan".to_owned(), print(kept, &self.supergraph).into());
        }
        if let Some(kept) = kept.filter(|_| explain) {
            let mut explained = serde_json::to_value(explanation(kept, &self.supergraph)).ok()?;
            for (fetch, cost) in &self.fetch_costs {
                explained["fetches"][fetch.0 as usize]["cost"] = (*cost).into();
            }
            if let Some(estimate) = &self.estimate {
                explained["cost"] = estimate.cost.into();
                explained["costMax"] = estimate.max.into();
            }
            braid.insert("explain".to_owned(), explained);
        }
        if timings {
            braid.insert("timings".to_owned(), self.timings(making));
        }
        if cache {
            let report = |(id, headers): &(SubgraphId, SubgraphHeaders)| {
                let mut report = cache_report(headers)?;
                report["subgraph"] = self.supergraph.subgraph(*id).name.as_str().into();
                Some(report)
            };
            braid.insert("cache".to_owned(), making.beside.iter().filter_map(report).collect());
        }
        if braid.is_empty() && making.beginning.is_none() && !exchanges {
            return None;
        }
        match exchanges {
            false => serde_json::to_vec(&json!({ "braid": braid })).ok(),
            true => with_exchanges(&braid, making.fetches),
        }
    }

    fn timings(&self, making: &Making<'_>) -> Value {
        // What came beside responses is in the order in which they came, as the reports are.
        let mut beside = making.beside.iter().peekable();
        let fetches = making.fetches.iter().map(|fetch| {
            let has_come = fetch.status.is_some();
            let headers = beside.next_if(|(subgraph, _)| has_come && *subgraph == fetch.subgraph);
            json!({
                "fetch": fetch.fetch,
                "subgraph": self.supergraph.subgraph(fetch.subgraph).name,
                "startMs": millis(fetch.started),
                "tookMs": millis(fetch.took),
                "status": fetch.status,
                "requestBytes": fetch.request_bytes,
                "responseBytes": fetch.response_bytes,
                "failure": fetch.failure,
                "cost": self.estimate.map(|_| fetch.weight),
                "errors": fetch.record.as_ref().map(|record| &record.errors),
                "cache": headers.and_then(|(_, headers)| cache_report(headers)),
            })
        });
        let fetches: Vec<_> = fetches.collect();
        let mut timings = json!({ "executeMs": millis(making.executed_in), "fetches": fetches });
        if let Some(Beginning { cached, found_after, made }) = making.beginning {
            timings["cache"] = if cached { "hit" } else { "miss" }.into();
            timings["compileMs"] = millis(found_after).into();
            timings["made"] = match made {
                Made::Own => "executed",
                Made::Shared => "shared",
                Made::Kept => "kept",
                Made::Planned => "planned",
            }
            .into();
        }
        timings
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn cache_report(headers: &SubgraphHeaders) -> Option<Value> {
    let found = headers.cache.as_deref()?;
    Some(json!({
        "fresh": found.fresh,
        "stale": found.stale,
        "missing": found.missing,
        "fromRedis": found.from_redis,
        "private": found.is_private,
        "freshUntilMs": found.fresh_until,
        "keptUntilMs": headers.cacheability.as_ref().map(|cacheability| cacheability.fresh_until),
    }))
}

/// Bodies are written as they are, and not read into values.
fn with_exchanges(braid: &Map<String, Value>, reports: &[FetchReport]) -> Option<Vec<u8>> {
    let records = reports.iter().filter_map(|report| Some(Exchange::of(report.fetch, report.record.as_deref()?)));
    let exchanges = serde_json::value::to_raw_value(&records.collect::<Vec<_>>()).ok()?;
    let mut members: Vec<(&str, Box<RawValue>)> = Vec::with_capacity(braid.len() + 1);
    for (name, value) in braid {
        members.push((name, serde_json::value::to_raw_value(value).ok()?));
    }
    members.push(("exchanges", exchanges));
    let braid: indexmap::IndexMap<_, _> = members.into_iter().collect();
    serde_json::to_vec(&indexmap::IndexMap::from([("braid", braid)])).ok()
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchange<'a> {
    fetch: usize,
    entities: usize,
    request: Option<Box<RawValue>>,
    response: Option<Box<RawValue>>,
    failure: Option<&'a str>,
    known: Option<Box<RawValue>>,
    known_entities: Option<usize>,
}

impl<'a> Exchange<'a> {
    fn of(fetch: usize, record: &'a FetchRecord) -> Self {
        Self {
            fetch,
            entities: record.entities,
            request: shown(&record.request),
            response: record.response.as_ref().and_then(shown),
            failure: record.failure.as_deref(),
            known: record.known.as_ref().and_then(|(body, _)| shown(body)),
            known_entities: record.known.as_ref().map(|(_, count)| *count),
        }
    }
}

/// A body as JSON; as a string if it is none, or too long.
fn shown(body: &Bytes) -> Option<Box<RawValue>> {
    let json = std::str::from_utf8(body).ok().filter(|text| text.len() <= MAX_SHOWN);
    if let Some(raw) = json.and_then(|text| serde_json::from_str::<&RawValue>(text).ok()) {
        return Some(raw.to_owned());
    }
    let (text, rest) = body.split_at(body.len().min(MAX_SHOWN));
    let mut text = String::from_utf8_lossy(text).into_owned();
    if !rest.is_empty() {
        text.push_str(&format!("… {} more bytes", rest.len()));
    }
    serde_json::value::to_raw_value(&text).ok()
}
