//! What of a router.yaml has to fit together, whatever it was made from. Knows no peer.

use braid_settings::Duration;
use serde_json::{Map, Value, json};

use crate::target::Target;

/// Completes what would be incomplete or contradict itself.
pub(crate) fn settle(target: &mut Target) {
    let Some(Value::Object(traffic)) = target.section("traffic") else { return };
    let all = traffic.get("all").cloned().unwrap_or_default();
    if let Some(Value::Object(subgraphs)) = traffic.get_mut("subgraphs") {
        for subgraph in subgraphs.values_mut().filter_map(Value::as_object_mut) {
            inherit(subgraph, &all);
            subgraph.get_mut("subscriptions").into_iter().for_each(outlive_pings);
        }
    }
    let all = traffic.get_mut("all").and_then(|all| all.get_mut("subscriptions"));
    all.into_iter().for_each(outlive_pings);
}

/// A section of one subgraph replaces that of all subgraphs as a whole, so it needs what it does not change, too.
fn inherit(subgraph: &mut Map<String, Value>, all: &Value) {
    for (name, section) in subgraph.iter_mut() {
        if let (Value::Object(section), Some(Value::Object(from))) = (section, all.get(name)) {
            for (key, value) in from {
                section.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// A connection counts as dead after two lost pings at the earliest.
fn outlive_pings(subscriptions: &mut Value) {
    const DEFAULT: Duration = Duration::seconds(30);
    let duration = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|text| text.parse::<Duration>().ok());
    let Some(ping) = duration(subscriptions.get("ping_interval")) else { return };
    let dead = duration(subscriptions.get("dead_after")).unwrap_or(DEFAULT);
    let twice = Duration(ping.0.saturating_mul(2));
    if dead < twice {
        subscriptions["dead_after"] = json!(twice.to_string());
    }
}
