//! How an answer was made, as JSON in `extensions.braid`, for a client that asked for it and may see it. Knows no request.

use std::time::Duration;

use braid_executor::{FetchRecord, FetchReport};
use braid_gateway::{Executed, Exposes, Gateway, Made};
use braid_query_plan::explanation::explanation;
use braid_query_plan::print::print;
use braid_request_context::headers::SubgraphHeaders;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// A longer body of a subgraph's response is cut off where it is shown.
const MAX_SHOWN: usize = 1 << 20;

/// The answer with how it was made in `extensions`, if its client sees that.
pub(crate) fn exposed<S>(gateway: &Gateway<S>, answer: &Executed) -> Option<Bytes> {
    let inside = answer.exposed.as_ref()?;
    let Exposes { plan, explain, timings: times, cache, exchanges, dry_run } = inside.exposes;
    let compiled = answer.operation.result.as_ref().ok()?;
    let mut braid = Map::new();
    if dry_run {
        braid.insert("dryRun".to_owned(), true.into());
    }
    // It is kept, since it may be exposed.
    let kept = compiled.plan();
    if let Some(kept) = kept.filter(|_| plan) {
        braid.insert("plan".to_owned(), print(kept, &gateway.supergraph).into());
    }
    if let Some(kept) = kept.filter(|_| explain) {
        let mut explained = serde_json::to_value(explanation(kept, &gateway.supergraph)).ok()?;
        for (fetch, cost) in &inside.fetch_costs {
            explained["fetches"][fetch.0 as usize]["cost"] = (*cost).into();
        }
        if let Some(cost) = &answer.cost {
            explained["cost"] = cost.estimated.into();
            explained["costMax"] = cost.max.into();
        }
        braid.insert("explain".to_owned(), explained);
    }
    if times {
        braid.insert("timings".to_owned(), timings(gateway, answer));
    }
    if cache {
        let reports = answer.response.subgraph_answers.iter();
        let report = |(id, headers): &(_, SubgraphHeaders)| {
            let mut report = cache_report(headers)?;
            report["subgraph"] = gateway.supergraph.subgraph(*id).name.as_str().into();
            Some(report)
        };
        braid.insert("cache".to_owned(), reports.filter_map(report).collect());
    }
    let extensions = match exchanges {
        false => serde_json::to_vec(&json!({ "braid": braid })).ok()?,
        true => with_exchanges(&braid, &answer.response.fetches)?,
    };
    Some(answer.response.bytes_with_extensions(&extensions))
}

fn timings<S>(gateway: &Gateway<S>, answer: &Executed) -> Value {
    let response = &answer.response;
    // What came beside responses is in the order in which they came, as the reports are.
    let mut beside = response.subgraph_answers.iter().peekable();
    let fetches = response.fetches.iter().map(|fetch| {
        let has_come = fetch.status.is_some();
        let headers = beside.next_if(|(subgraph, _)| has_come && *subgraph == fetch.subgraph);
        json!({
            "fetch": fetch.fetch,
            "subgraph": gateway.supergraph.subgraph(fetch.subgraph).name,
            "startMs": millis(fetch.started),
            "tookMs": millis(fetch.took),
            "status": fetch.status,
            "requestBytes": fetch.request_bytes,
            "responseBytes": fetch.response_bytes,
            "failure": fetch.failure,
            "cost": answer.cost.map(|_| fetch.weight),
            "errors": fetch.record.as_ref().map(|record| &record.errors),
            "cache": headers.and_then(|(_, headers)| cache_report(headers)),
        })
    });
    let fetches: Vec<_> = fetches.collect();
    json!({
        "cache": if answer.cached { "hit" } else { "miss" },
        "made": match answer.made {
            Made::Own => "executed",
            Made::Shared => "shared",
            Made::Kept => "kept",
            Made::Planned => "planned",
        },
        "compileMs": millis(answer.found_after),
        "executeMs": millis(answer.executed_in),
        "fetches": fetches,
    })
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
