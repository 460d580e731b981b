//! What of Hive Router's configuration is more than a key with another name.

use serde_json::{Value, json};

use super::{METRICS, STORES};
use crate::migrate::{Kind, Migration};
use crate::source::{Content, Node};
use crate::values::remote_keys;

pub(super) fn listen(migration: &mut Migration, _: &Node, _: &[String]) {
    let text = |path: &str, or: &str| {
        migration.source.at(path).map_or(or.to_owned(), |node| match node.text() {
            Some(text) => text.to_owned(),
            None => node.value().to_string(),
        })
    };
    let (host, port) = (text("http.host", "0.0.0.0"), text("http.port", "4000"));
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    migration.set("server.listen", &[], json!(format!("{host}:{port}")));
}

pub(super) fn supergraph(migration: &mut Migration, node: &Node, _: &[String]) {
    match node.get("source").and_then(Node::text) {
        Some("file") => {
            migration.only(node, &["source", "path", "poll_interval"]);
            if let Some(path) = node.get("path") {
                migration.set("schema.supergraph", &[], path.value());
            }
            if node.get("poll_interval").is_some() {
                migration.note(Kind::Differs, "poll_interval: the file is watched (reload.watch)");
            }
        }
        Some("storage") => migration.note(Kind::NoEqual, STORES),
        _ => migration.note(
            Kind::NoEqual,
            "the supergraph is a file (schema.supergraph), or composed from subgraphs (schema.subgraphs); fetch it to a file, which the router watches",
        ),
    }
}

pub(super) fn any_origin(migration: &mut Migration, node: &Node, names: &[String]) {
    let _ = names;
    cors(migration, node, "any_origin");
}

/// CORS is off where `enabled` does not say that it is on.
fn is_cors_on(migration: &Migration) -> bool {
    migration.source.is_on("cors.enabled")
}

pub(super) fn cors(migration: &mut Migration, node: &Node, ours: &str) {
    if !is_cors_on(migration) {
        return;
    }
    let is_any = migration.source.is_on("cors.allow_any_origin");
    match ours == "credentials" && is_any && node.is(true) {
        true => {
            migration.note(Kind::NoEqual, "pages of any origin never send credentials; list the origins to allow it")
        }
        false => migration.set(&format!("server.cors.{ours}"), &[], node.value()),
    }
}

pub(super) fn cors_policies(migration: &mut Migration, node: &Node, _: &[String]) {
    if !is_cors_on(migration) {
        return;
    }
    for policy in node.items() {
        migration.only(policy, &["origins", "match_origin", "methods"]);
        for origin in policy.get("origins").map(Node::items).unwrap_or_default() {
            migration.push("server.cors.origins", &[], origin.value());
        }
        if policy.get("match_origin").is_some() {
            migration.note(Kind::NoEqual, "match_origin: origins are named one by one, without patterns");
        }
    }
}

/// An expression has no equal; a plain value is taken by `take`.
fn plain(migration: &mut Migration, node: &Node, take: impl FnOnce(&mut Migration, &Node)) {
    match node.get("expression") {
        Some(_) => migration.note(Kind::NoEqual, "there are no expressions; give a fixed value, or ${env.NAME}"),
        None => take(migration, node),
    }
}

pub(super) fn timeout(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    plain(migration, node, |migration, node| {
        migration.set_duration(&format!("{ours}.timeout"), names, Some(node));
        migration.set_duration(&format!("{ours}.first_byte_timeout"), names, Some(node));
    });
}

pub(super) fn url(migration: &mut Migration, node: &Node, names: &[String]) {
    plain(migration, node, |migration, node| migration.set("traffic.subgraphs.*.url", names, node.value()));
}

pub(super) fn introspection(migration: &mut Migration, node: &Node, _: &[String]) {
    plain(migration, node, |migration, node| migration.set("exposure.introspection", &[], node.value()));
}

pub(super) fn label(migration: &mut Migration, node: &Node, names: &[String]) {
    match node.content {
        Content::Bool(on) => {
            migration.set("override_labels.labels.*", names, json!(if on { "always" } else { "never" }))
        }
        _ => migration.note(
            Kind::NoEqual,
            "a label is on, off, on for a share (percent(x)), or by a header: docs/configuration.md#override_labels",
        ),
    }
}

pub(super) fn client_tls(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    migration.only(node, &["cert_file", "client_auth", "insecure_skip_ca_verification"]);
    let pairs =
        [("cert_file", "authorities"), ("client_auth.cert_file", "certificate"), ("client_auth.key_file", "key")];
    files(migration, node, &pairs, ours, names);
    if node.is_on("insecure_skip_ca_verification") {
        migration.note(
            Kind::NoEqual,
            "insecure_skip_ca_verification: certificates are always verified; give the authority in tls.authorities",
        );
    }
}

pub(super) fn server_tls(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["cert_file", "key_file", "client_auth"]);
    let pairs = [("cert_file", "certificate"), ("key_file", "key"), ("client_auth.cert_file", "client_authorities")];
    files(migration, node, &pairs, "server.tls", &[]);
    if node.get("client_auth").is_some() {
        let required = node.at("client_auth.required").is_none_or(|required| required.is(true));
        migration.set("server.tls.client_certificate_optional", &[], json!(!required));
    }
}

fn files(migration: &mut Migration, node: &Node, pairs: &[(&str, &str)], ours: &str, names: &[String]) {
    for (theirs, mine) in pairs {
        let files = node.at(theirs).map(Node::one_or_many).unwrap_or_default();
        if let Some(file) = files.first() {
            migration.set(&format!("{ours}.{mine}"), names, file.value());
        }
        if files.len() > 1 {
            migration.note(Kind::NoEqual, &format!("{theirs}: put the files into one"));
        }
    }
}

pub(super) fn jwt(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(
        node,
        &[
            "enabled",
            "jwks_providers",
            "issuers",
            "audiences",
            "lookup_locations",
            "require_authentication",
            "allowed_algorithms",
            "forward_claims_to_upstream_extensions",
            "scopes_claim",
        ],
    );
    if !node.is_on("enabled") {
        return;
    }
    for (index, set) in node.get("jwks_providers").map(Node::items).unwrap_or_default().iter().enumerate() {
        let mut provider = json!({ "name": format!("keys-{}", index + 1) });
        for (theirs, ours, any) in [("issuers", "issuers", "any_issuer"), ("audiences", "audiences", "any_audience")] {
            match node.get(theirs).filter(|list| !list.items().is_empty()) {
                Some(list) => provider[ours] = list.value(),
                None => provider[any] = json!(true),
            }
        }
        if let Some(algorithms) = node.get("allowed_algorithms") {
            provider["algorithms"] = algorithms.value();
        }
        provider["keys"] = match set.get("path") {
            Some(path) => json!({ "file": path.value() }),
            None => json!({ "url": remote_keys(json!(set.get("url").map(Node::value)), set.get("polling_interval")) }),
        };
        migration.push("authentication.jwt.providers", &[], provider);
    }
    for place in node.get("lookup_locations").map(Node::items).unwrap_or_default() {
        let name = place.get("name").map(Node::value);
        let source = match place.get("source").and_then(Node::text) {
            Some("cookies") => json!({ "cookie": { "name": name } }),
            _ => {
                json!({ "header": { "name": name, "prefix": place.get("prefix").and_then(Node::text).unwrap_or_default() } })
            }
        };
        migration.push("authentication.jwt.sources", &[], source);
    }
    if let Some(required) = node.get("require_authentication") {
        migration.set("authentication.required", &[], required.value());
    }
    if let Some(claim) = node.get("scopes_claim") {
        migration.set("authorization.scope_claims", &[], json!([claim.value()]));
    }
    if node.is_on("forward_claims_to_upstream_extensions.enabled") {
        migration.note(Kind::NoEqual, "forward_claims_to_upstream_extensions: claims are passed on in headers (insert with `from`), or by traffic.all.forward_claims");
    }
}

pub(super) fn demand_control(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["enabled", "operation_cost", "default_list_size", "subgraphs_budget", "actual_cost_mode"]);
    if !node.is_on("enabled") {
        return;
    }
    for (theirs, ours) in
        [("operation_cost.mode", "mode"), ("operation_cost.max", "max"), ("default_list_size.all", "list_size")]
    {
        if let Some(value) = node.at(theirs) {
            migration.set(&format!("demand_control.{ours}"), &[], value.value());
        }
    }
    for header in ["estimated", "actual", "max"] {
        match node.at(&format!("operation_cost.expose_headers.{header}")).map(|node| &node.content) {
            Some(Content::Text(name)) => migration.set(&format!("demand_control.headers.{header}"), &[], json!(name)),
            Some(Content::Bool(true)) => {
                migration.set(&format!("demand_control.headers.{header}"), &[], json!(format!("x-cost-{header}")))
            }
            _ => {}
        }
    }
    for (key, budget) in node.at("subgraphs_budget.subgraphs").map(Node::entries).unwrap_or_default() {
        migration.set("demand_control.subgraphs.*.max", std::slice::from_ref(&key.name), budget.value());
    }
    for (theirs, why) in [
        ("subgraphs_budget.all", "each subgraph needs an entry of its own: demand_control.subgraphs.NAME.max"),
        ("default_list_size.subgraphs", "there is one size for all subgraphs: demand_control.list_size"),
    ] {
        if node.at(theirs).is_some() {
            migration.note(Kind::NoEqual, &format!("{theirs}: {why}"));
        }
    }
}

pub(super) fn persisted_documents(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["enabled", "require_id", "log_missing_id", "storage", "selectors"]);
    if !node.is_on("enabled") {
        return;
    }
    let mode = match node.get("require_id") {
        Some(required) if required.is(true) => "ids_only",
        Some(required) if required.get("expression").is_some() => {
            migration.note(
                Kind::NoEqual,
                "require_id: there are no expressions; persisted_operations.exempt says who may send other operations",
            );
            "ids_only"
        }
        _ if node.is_on("log_missing_id") => "log_unknown",
        _ => "allow",
    };
    let source = match node.at("storage.type").or(node.at("storage.source")).and_then(Node::text) {
        Some("file") => node.at("storage.path").map(|path| json!({ "file": path.value() })),
        Some("storage") => bucket(migration, node),
        _ => None,
    };
    match source {
        Some(source) => {
            migration.push("persisted_operations.sources", &[], source);
            migration.set("persisted_operations.mode", &[], json!(mode));
        }
        None => migration.note(Kind::NoEqual, &format!(
            "storage: give the list as persisted_operations.sources, with mode: {mode}. Until then ALL operations are executed"
        )),
    }
    for selector in node.get("selectors").map(Node::items).unwrap_or_default() {
        if let Some(name) = selector.get("name") {
            migration.set("persisted_operations.ids.query_parameter", &[], name.value());
        } else if let Some(template) = selector.get("template").and_then(Node::text) {
            migration.set("persisted_operations.ids.path", &[], json!(template.replace(":id", "{id}")));
        } else if let Some(path) = selector.get("path").and_then(Node::text).filter(|path| *path != "documentId") {
            migration.note(
                Kind::NoEqual,
                &format!(
                    "selectors: ids are not taken from {path}; documentId, extensions.persistedQuery and doc_id are"
                ),
            );
        }
    }
}

/// The bucket that persisted documents are in, if it says all that is needed.
fn bucket(migration: &Migration, node: &Node) -> Option<Value> {
    let id = node.at("storage.storage_id")?.text()?;
    let store = migration.source.get("storages")?.get(id)?;
    let text = |path: &str| store.at(path).and_then(Node::text).map(str::to_owned);
    let mut bucket = json!({
        "endpoint": text("endpoint")?,
        "bucket": text("bucket")?,
        "object": node.at("storage.location")?.value(),
        "region": text("region").unwrap_or_else(|| "us-east-1".to_owned()),
        "path_style": !store.is_on("virtual_hosted_style"),
    });
    for (theirs, ours) in
        [("access_key_id", "access_key_id"), ("secret_access_key", "secret_access_key"), ("token", "session_token")]
    {
        if let Some(value) = text(&format!("credentials.{theirs}")) {
            bucket[ours] = json!(value);
        }
    }
    Some(json!({ "bucket": bucket }))
}

pub(super) fn callback_url(migration: &mut Migration, node: &Node, _: &[String]) {
    plain(migration, node, |migration, node| {
        migration.set("traffic.all.subscriptions.callback.public_url", &[], node.value())
    });
}

pub(super) fn callback_subgraphs(migration: &mut Migration, node: &Node, _: &[String]) {
    for name in node.items().iter().filter_map(Node::text) {
        migration.set("traffic.subgraphs.*.subscriptions.protocol", &[name.to_owned()], json!("callback"));
    }
}

pub(super) fn websocket(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    migration.set(ours, names, json!("websocket"));
    if node.get("path").is_some() {
        migration.note(Kind::NoEqual, "path: give the whole address in traffic.subgraphs.NAME.subscriptions.url");
    }
}

pub(super) fn masked(migration: &mut Migration, node: &Node, names: &[String]) {
    match (node.is(false), names.first()) {
        (true, Some(name)) => migration.push("exposure.subgraph_errors_of", &[], json!(name)),
        _ => migration.note(Kind::NoEqual, "name the subgraphs whose errors are shown: exposure.subgraph_errors_of"),
    }
}

/// A map by name, of plain values, in `telemetry.trace.otlp`.
pub(super) fn named(migration: &mut Migration, node: &Node, ours: &str) {
    for (key, value) in node.entries() {
        migration.within(&key.name, key.place, |migration| {
            plain(migration, value, |migration, value| {
                let path = ["telemetry", "trace", "otlp", ours, &key.name].map(str::to_owned);
                migration.target.set(&path, value.value());
            });
        });
    }
}

pub(super) fn exporters(migration: &mut Migration, node: &Node, _: &[String]) {
    for exporter in node.items() {
        if exporter.get("enabled").is_some_and(|enabled| enabled.is(false)) {
            continue;
        }
        if exporter.get("kind").and_then(Node::text) != Some("otlp") {
            migration.note(Kind::NoEqual, "traces are exported over OTLP/HTTP only");
            continue;
        }
        if exporter.get("protocol").and_then(Node::text) != Some("http") {
            migration.note(
                Kind::Differs,
                "protocol: only http is supported; the endpoint is that of OTLP/HTTP, mostly at port 4318",
            );
        }
        if let Some(endpoint) = exporter.get("endpoint") {
            plain(migration, endpoint, |migration, endpoint| {
                migration.set("telemetry.trace.otlp.endpoint", &[], endpoint.value())
            });
        }
        if let Some(headers) = exporter.at("http.headers") {
            named(migration, headers, "headers");
        }
        let batch = |key: &str| exporter.at(&format!("batch_processor.{key}"));
        migration.set_duration("telemetry.trace.otlp.delay", &[], batch("scheduled_delay"));
        migration.set_duration("telemetry.trace.otlp.timeout", &[], batch("max_export_timeout"));
        for (theirs, ours) in [("max_queue_size", "max_queue"), ("max_export_batch_size", "max_batch")] {
            if let Some(value) = batch(theirs) {
                migration.set(&format!("telemetry.trace.otlp.{ours}"), &[], value.value());
            }
        }
    }
}

pub(super) fn metrics(migration: &mut Migration, node: &Node, _: &[String]) {
    for exporter in node.items() {
        if exporter.get("kind").and_then(Node::text) != Some("prometheus") {
            migration.note(Kind::NoEqual, METRICS);
            continue;
        }
        for key in ["enabled", "path"] {
            if let Some(value) = exporter.get(key) {
                migration.set(&format!("telemetry.metrics.{key}"), &[], value.value());
            }
        }
        if exporter.get("port").is_some() {
            migration.note(Kind::NoEqual, "port: metrics are served at server.listen; keep their path inside");
        }
    }
}
