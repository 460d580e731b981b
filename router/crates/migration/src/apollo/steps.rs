//! What of Apollo Router's configuration is more than a key with another name.

use serde_json::json;

use crate::migrate::{Kind, Migration};
use crate::source::{Content, Node, Place};
use crate::values::{duration, file, remote_keys};

pub(super) fn finish(migration: &mut Migration) {
    let path = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let credentials = migration.target.get(&path("server.cors.credentials")) == Some(&json!(true));
    if credentials && migration.target.get(&path("server.cors.any_origin")) == Some(&json!(true)) {
        migration.set("server.cors.credentials", &[], json!(false));
        let place = migration.source.at("cors.allow_credentials").map_or(Place::default(), |node| node.place);
        migration.within("cors.allow_credentials", place, |migration| {
            migration.note(Kind::NoEqual, "pages of any origin never send credentials; list the origins to allow it");
        });
    }
}

pub(super) fn sandbox(migration: &mut Migration, node: &Node, _: &[String]) {
    if node.is(true) {
        migration.set("server.playground.enabled", &[], json!(true));
    }
}

pub(super) fn cors_policies(migration: &mut Migration, node: &Node, _: &[String]) {
    let several = node.items().len() > 1;
    for policy in node.items() {
        migration.only(
            policy,
            &[
                "origins",
                "match_origins",
                "match_origin",
                "allow_credentials",
                "allow_headers",
                "expose_headers",
                "max_age",
                "methods",
            ],
        );
        for origin in policy.get("origins").map(Node::items).unwrap_or_default() {
            migration.push("server.cors.origins", &[], origin.value());
        }
        if policy.get("match_origins").or(policy.get("match_origin")).is_some() {
            migration.note(Kind::NoEqual, "origins are named one by one, without patterns");
        }
        let pairs =
            [("allow_credentials", "credentials"), ("allow_headers", "headers"), ("expose_headers", "expose_headers")];
        for (theirs, ours) in pairs {
            match policy.get(theirs) {
                Some(_) if several => {
                    migration.note(Kind::NoEqual, &format!("{theirs} is the same for all origins: server.cors.{ours}"))
                }
                Some(value) => migration.set(&format!("server.cors.{ours}"), &[], value.value()),
                None => {}
            }
        }
        migration.set_duration("server.cors.max_age", &[], policy.get("max_age"));
    }
}

pub(super) fn rate_limit(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["capacity", "interval"]);
    let (Some(capacity), Some(interval)) = (node.get("capacity"), node.get("interval")) else {
        return migration.note(Kind::Unknown, "it needs `capacity` and `interval`");
    };
    match duration(interval) {
        Ok(per) => {
            migration.push("rate_limits.rules", &[], json!({ "name": "all", "limit": capacity.value(), "per": per }));
            migration.note(Kind::Differs, "requests above it are answered 429");
        }
        Err(problem) => migration.note(Kind::NoEqual, &problem),
    }
}

pub(super) fn jwt(migration: &mut Migration, node: &Node, _: &[String]) {
    migration
        .only(node, &["jwks", "header_name", "header_value_prefix", "ignore_other_prefixes", "sources", "on_error"]);
    for (index, set) in node.get("jwks").map(Node::items).unwrap_or_default().iter().enumerate() {
        migration.only(
            set,
            &["url", "algorithms", "allow_missing_exp", "audiences", "issuers", "issuer", "headers", "poll_interval"],
        );
        let url = set.get("url").and_then(Node::text).unwrap_or_default();
        let mut provider = json!({ "name": format!("keys-{}", index + 1) });
        let issuers = set.get("issuers").or(set.get("issuer")).filter(|node| !matches!(node.content, Content::Null));
        match issuers {
            Some(issuers) => provider["issuers"] = issuers.one_or_many().into_iter().map(Node::value).collect(),
            None => provider["any_issuer"] = json!(true),
        }
        match set.get("audiences").filter(|node| !matches!(node.content, Content::Null)) {
            Some(audiences) => provider["audiences"] = audiences.value(),
            None => provider["any_audience"] = json!(true),
        }
        provider["keys"] = match url.strip_prefix("file://") {
            Some(path) => json!({ "file": path }),
            None => {
                let mut keys = remote_keys(json!(url), set.get("poll_interval"));
                for header in set.get("headers").map(Node::items).unwrap_or_default() {
                    let text = |key: &str| header.get(key).and_then(Node::text).unwrap_or_default().to_owned();
                    keys["headers"][text("name")] = json!(text("value"));
                }
                json!({ "url": keys })
            }
        };
        for key in ["algorithms", "allow_missing_exp"] {
            if let Some(value) = set.get(key).filter(|node| !matches!(node.content, Content::Null)) {
                provider[key] = value.value();
            }
        }
        migration.push("authentication.jwt.providers", &[], provider);
    }
    let ignore = node.is_on("ignore_other_prefixes");
    let mut header = |name: &str, prefix: &str| {
        let mut rule = json!({ "name": name, "prefix": prefix });
        if ignore {
            rule["ignore_other_prefixes"] = json!(true);
        }
        migration.push("authentication.jwt.sources", &[], json!({ "header": rule }));
    };
    let text = |node: &Node, key: &str, or: &str| node.get(key).and_then(Node::text).unwrap_or(or).to_owned();
    header(&text(node, "header_name", "authorization"), &text(node, "header_value_prefix", "Bearer"));
    for source in node.get("sources").map(Node::items).unwrap_or_default() {
        match source.get("type").and_then(Node::text) {
            Some("cookie") => {
                let name = text(source, "name", "authorization");
                migration.push("authentication.jwt.sources", &[], json!({ "cookie": { "name": name } }));
            }
            _ => {
                let rule = json!({ "name": text(source, "name", "authorization"), "prefix": text(source, "value_prefix", "Bearer") });
                migration.push("authentication.jwt.sources", &[], json!({ "header": rule }));
            }
        }
    }
    if node.get("on_error").and_then(Node::text) == Some("Continue") {
        migration.note(Kind::NoEqual, "on_error: a request with an invalid token is always answered 401");
    }
}

pub(super) fn passthrough(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    migration.only(node, &["protocol", "path", "heartbeat_interval"]);
    // The names are the other way round on the wire: `graphql_ws` is the newer subprotocol, graphql-transport-ws.
    let protocol = match node.get("protocol").and_then(Node::text) {
        Some("graphql_transport_ws") => "websocket_legacy",
        _ => "websocket",
    };
    migration.set(&format!("{ours}.protocol"), names, json!(protocol));
    if node.get("path").and_then(Node::text).is_some() {
        migration.note(Kind::NoEqual, "path: give the whole address in traffic.subgraphs.NAME.subscriptions.url");
    }
    if let Some(interval) = node.get("heartbeat_interval") {
        match duration(interval) {
            Ok(interval) => migration.set(&format!("{ours}.ping_interval"), names, interval),
            Err(_) => {
                migration.note(Kind::Differs, "heartbeat_interval: subgraphs are always pinged, every 15s by default")
            }
        }
    }
}

pub(super) fn callback(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["public_url", "subgraphs", "heartbeat_interval", "listen", "path"]);
    for subgraph in node.get("subgraphs").map(Node::items).unwrap_or_default() {
        let names = [subgraph.text().unwrap_or_default().to_owned()];
        migration.set("traffic.subgraphs.*.subscriptions.protocol", &names, json!("callback"));
    }
    if let Some(url) = node.get("public_url") {
        migration.set("traffic.all.subscriptions.callback.public_url", &[], url.value());
    }
    let heartbeat = node.get("heartbeat_interval").filter(|node| duration(node).is_ok());
    migration.set_duration("traffic.all.subscriptions.callback.heartbeat", &[], heartbeat);
    if node.get("listen").or(node.get("path")).is_some() {
        migration.note(Kind::NoEqual, "callbacks are taken at server.listen; see docs/subscriptions.md for their path");
    }
}

pub(super) fn redis(migration: &mut Migration, node: &Node, ours: &str) {
    migration.only(
        node,
        &[
            "urls",
            "timeout",
            "ttl",
            "namespace",
            "tls",
            "username",
            "password",
            "pool_size",
            "required_to_start",
            "reset_ttl",
            "metrics_interval",
        ],
    );
    let urls = node.get("urls").map(Node::items).unwrap_or_default();
    if let Some(url) = urls.first() {
        migration.set(&format!("{ours}.url"), &[], url.value());
    }
    if urls.len() > 1 {
        migration.note(Kind::NoEqual, "urls: several addresses are one URL: redis+cluster://host1:6379,host2:6379");
    }
    migration.set_duration(&format!("{ours}.timeout"), &[], node.get("timeout"));
    if !ours.starts_with("cache.") {
        migration.set_duration(&format!("{ours}.ttl"), &[], node.get("ttl"));
    }
    if let Some(namespace) = node.get("namespace").and_then(Node::text) {
        migration.set(&format!("{ours}.prefix"), &[], json!(format!("{namespace}:")));
    }
    if node.get("username").or(node.get("password")).is_some() {
        migration.note(Kind::NoEqual, "username and password are a part of the url: redis://user:password@host:6379");
    }
    if let Some(Ok(path)) = node.at("tls.certificate_authorities").map(file) {
        migration.set(&format!("{ours}.tls.authorities"), &[], path);
    }
    for (theirs, mine) in [("certificate_chain", "certificate"), ("key", "key")] {
        if let Some(Ok(path)) = node.at(&format!("tls.client_authentication.{theirs}")).map(file) {
            migration.set(&format!("{ours}.tls.{mine}"), &[], path);
        }
    }
    for key in ["pool_size", "required_to_start", "reset_ttl"] {
        if node.get(key).is_some() {
            migration.note(
                Kind::NoEqual,
                &format!("{key}: there is no setting for it; the router does without Redis when it is away"),
            );
        }
    }
}

pub(super) fn persisted_queries(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(
        node,
        &[
            "enabled",
            "safelist",
            "log_unknown",
            "local_manifests",
            "hot_reload",
            "experimental_prewarm_query_plan_cache",
        ],
    );
    if !node.is_on("enabled") {
        return;
    }
    let mode = match (node.is_on("safelist.enabled"), node.is_on("safelist.require_id"), node.is_on("log_unknown")) {
        (true, true, _) => "ids_only",
        (true, false, _) => "safelist",
        (false, _, true) => "log_unknown",
        (false, _, false) => "allow",
    };
    let manifests = node.get("local_manifests").map(Node::items).unwrap_or_default();
    for manifest in manifests {
        migration.push("persisted_operations.sources", &[], json!({ "file": manifest.value() }));
    }
    match manifests.is_empty() {
        false => migration.set("persisted_operations.mode", &[], json!(mode)),
        true => migration.note(Kind::NoEqual, &format!(
            "the list is in GraphOS: give it as persisted_operations.sources, with mode: {mode}. Until then ALL operations are executed"
        )),
    }
}

pub(super) fn subgraph_errors(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["all", "subgraphs"]);
    match node.get("all") {
        Some(Node { content: Content::Bool(shown), .. }) => {
            migration.set("exposure.subgraph_errors", &[], json!(shown))
        }
        Some(_) => migration.note(Kind::NoEqual, "all: errors are shown or hidden as a whole; they are hidden here"),
        None => {}
    }
    for (key, value) in node.get("subgraphs").map(Node::entries).unwrap_or_default() {
        match &value.content {
            Content::Bool(true) => migration.push("exposure.subgraph_errors_of", &[], json!(key.name)),
            Content::Bool(false) if !node.is_on("all") => {}
            _ => migration.within(&key.name, key.place, |migration| {
                migration.note(Kind::NoEqual, "name the subgraphs whose errors are shown: exposure.subgraph_errors_of");
            }),
        }
    }
}

pub(super) fn demand_mode(migration: &mut Migration, node: &Node, _: &[String]) {
    let enabled = migration.source.is_on("demand_control.enabled");
    let mode = if enabled { node.value() } else { json!("off") };
    migration.set("demand_control.mode", &[], mode);
}

pub(super) fn cache(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["enabled", "subgraph", "invalidation", "debug", "metrics"]);
    if let Some(enabled) = node.get("enabled") {
        migration.set("cache.enabled", &[], enabled.value());
    }
    if let Some(all) = node.at("subgraph.all") {
        cache_of(migration, all, "cache.all", &[]);
        if let Some(server) = all.get("redis") {
            redis(migration, server, "cache.store.redis");
        }
    }
    for (key, of) in node.at("subgraph.subgraphs").map(Node::entries).unwrap_or_default() {
        migration.within(&key.name, key.place, |migration| {
            cache_of(migration, of, "cache.subgraphs.*", std::slice::from_ref(&key.name));
        });
    }
    if node.get("invalidation").is_some() {
        migration
            .note(Kind::NoEqual, "invalidation: requests have another form; see cache.invalidation in docs/caching.md");
    }
}

fn cache_of(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    migration.only(node, &["enabled", "ttl", "redis", "private_id", "invalidation"]);
    if let Some(enabled) = node.get("enabled") {
        migration.set(&format!("{ours}.enabled"), names, enabled.value());
    }
    if let Some(Ok(ttl)) = node.get("ttl").map(duration) {
        migration.set(&format!("{ours}.max_age"), names, ttl);
    }
    if node.get("private_id").is_some() {
        migration.note(Kind::NoEqual, "private_id: who a client is for the cache is set by cache.viewer");
    }
    if !names.is_empty() && node.get("redis").is_some() {
        migration.note(Kind::NoEqual, "redis: all subgraphs share cache.store.redis");
    }
}

pub(super) fn resource(migration: &mut Migration, node: &Node, _: &[String]) {
    for (key, value) in node.entries() {
        let text = value.text().map_or_else(|| value.value().to_string(), str::to_owned);
        let path = ["telemetry", "trace", "otlp", "resource", &key.name].map(str::to_owned);
        migration.target.set(&path, json!(text));
    }
}

pub(super) fn namespace(migration: &mut Migration, node: &Node, _: &[String]) {
    let path = ["telemetry", "trace", "otlp", "resource", "service.namespace"].map(str::to_owned);
    migration.target.set(&path, node.value());
}

pub(super) fn sampler(migration: &mut Migration, node: &Node, _: &[String]) {
    let share = match node.text() {
        Some("always_on") => json!(1.0),
        Some("always_off") => json!(0.0),
        _ => node.value(),
    };
    migration.set("telemetry.trace.otlp.sampling", &[], share);
}

pub(super) fn otlp(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["enabled", "endpoint", "protocol", "http", "grpc", "batch_processor", "temporality"]);
    if !node.is_on("enabled") {
        return;
    }
    if node.get("protocol").and_then(Node::text) != Some("http") {
        migration.note(
            Kind::Differs,
            "protocol: only http is supported; the endpoint is that of OTLP/HTTP, mostly at port 4318",
        );
    }
    let endpoint = node.get("endpoint").and_then(Node::text).filter(|endpoint| *endpoint != "default");
    let endpoint = endpoint.unwrap_or("http://127.0.0.1:4318").trim_end_matches('/');
    let whole = if endpoint.ends_with("/v1/traces") { endpoint.to_owned() } else { format!("{endpoint}/v1/traces") };
    migration.set("telemetry.trace.otlp.endpoint", &[], json!(whole));
    for (key, value) in node.at("http.headers").map(Node::entries).unwrap_or_default() {
        let path = ["telemetry", "trace", "otlp", "headers", &key.name].map(str::to_owned);
        migration.target.set(&path, value.value());
    }
    if node.get("grpc").is_some() {
        migration.note(Kind::NoEqual, "grpc: there is no gRPC; TLS is set in telemetry.trace.otlp.tls");
    }
    let batch = |key: &str| node.at(&format!("batch_processor.{key}"));
    migration.set_duration("telemetry.trace.otlp.delay", &[], batch("scheduled_delay"));
    migration.set_duration("telemetry.trace.otlp.timeout", &[], batch("max_export_timeout"));
    for (theirs, ours) in [("max_queue_size", "max_queue"), ("max_export_batch_size", "max_batch")] {
        if let Some(value) = batch(theirs) {
            migration.set(&format!("telemetry.trace.otlp.{ours}"), &[], value.value());
        }
    }
}
