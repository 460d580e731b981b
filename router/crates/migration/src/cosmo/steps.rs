//! What of Cosmo Router's configuration is more than a key with another name.

use serde_json::json;

use super::SAME_FOR_LISTED;
use crate::migrate::{Kind, Migration};
use crate::source::{Content, Node, Place};
use crate::values::{duration, remote_keys, size};

pub(super) fn finish(migration: &mut Migration) {
    let has = |migration: &Migration, path: &str| {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        migration.target.get(&path).is_some()
    };
    if has(migration, "server.tls") && !has(migration, "server.tls.certificate") {
        migration
            .within("tls.server", Place::default(), |migration| migration.note(Kind::NoEqual, "it has no cert_file"));
    }
}

pub(super) fn listen(migration: &mut Migration, node: &Node, _: &[String]) {
    let text = node.text().unwrap_or_default();
    let address = match text.rsplit_once(':') {
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        Some(("", port)) => format!("0.0.0.0:{port}"),
        _ => text.to_owned(),
    };
    migration.set("server.listen", &[], json!(address));
}

pub(super) fn server_tls(migration: &mut Migration, node: &Node, ours: &str) {
    if migration.source.is_on("tls.server.enabled") {
        migration.set(&format!("server.tls.{ours}"), &[], node.value());
    }
}

pub(super) fn client_required(migration: &mut Migration, node: &Node, _: &[String]) {
    if migration.source.is_on("tls.server.enabled") {
        migration.set("server.tls.client_certificate_optional", &[], json!(!node.is(true)));
    }
}

fn is_cors_on(migration: &Migration) -> bool {
    !migration.source.at("cors.enabled").is_some_and(|enabled| enabled.is(false))
}

fn is_any_origin(migration: &Migration) -> bool {
    let origins = migration.source.at("cors.allow_origins").map(Node::items).unwrap_or_default();
    origins.iter().any(|origin| origin.text() == Some("*"))
}

pub(super) fn origins(migration: &mut Migration, node: &Node, _: &[String]) {
    if !is_cors_on(migration) {
        return;
    }
    if is_any_origin(migration) {
        return migration.set("server.cors.any_origin", &[], json!(true));
    }
    for origin in node.items() {
        match origin.text().is_some_and(|text| text.contains('*')) {
            true => migration.note(Kind::NoEqual, "origins are named one by one, without patterns"),
            false => migration.push("server.cors.origins", &[], origin.value()),
        }
    }
}

pub(super) fn cors(migration: &mut Migration, node: &Node, ours: &str) {
    if !is_cors_on(migration) {
        return;
    }
    match ours == "credentials" && is_any_origin(migration) && node.is(true) {
        true => {
            migration.note(Kind::NoEqual, "pages of any origin never send credentials; list the origins to allow it")
        }
        false => migration.set(&format!("server.cors.{ours}"), &[], node.value()),
    }
}

pub(super) fn header_bytes(migration: &mut Migration, node: &Node, _: &[String]) {
    match size(node) {
        // Nothing is its word for the default.
        Ok(value) if value.as_str().is_some_and(|text| text.starts_with('0')) => {}
        Ok(value) => migration.set("server.max_header_bytes", &[], value),
        Err(problem) => migration.note(Kind::NoEqual, &problem),
    }
}

/// Zero stands for no limit, and for the default.
pub(super) fn unless_zero(migration: &mut Migration, node: &Node, ours: &str, names: &[String]) {
    if duration(node) != Ok(json!("0s")) {
        migration.set_duration(ours, names, Some(node));
    }
}

pub(super) fn subscription_protocol(migration: &mut Migration, node: &Node, names: &[String]) {
    let protocol = match node.text() {
        Some("ws") => "websocket",
        Some("sse" | "sse_post") => "sse",
        _ => {
            return migration
                .note(Kind::NoEqual, "the protocol is websocket, websocket_legacy, sse, multipart or callback");
        }
    };
    migration.set("traffic.subgraphs.*.subscriptions.protocol", names, json!(protocol));
}

pub(super) fn subprotocol(migration: &mut Migration, node: &Node, names: &[String]) {
    let protocol = match node.text() {
        Some("graphql-ws") => "websocket_legacy",
        Some("graphql-transport-ws") => "websocket",
        _ => return,
    };
    migration.set("traffic.subgraphs.*.subscriptions.protocol", names, json!(protocol));
}

pub(super) fn jwt(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["jwks", "header_name", "header_value_prefix", "header_sources", "scope_claim"]);
    for (index, set) in node.get("jwks").map(Node::items).unwrap_or_default().iter().enumerate() {
        migration.only(
            set,
            &[
                "url",
                "algorithms",
                "audiences",
                "refresh_interval",
                "secret",
                "symmetric_algorithm",
                "header_key_id",
                "allowed_use",
            ],
        );
        let mut provider = json!({ "name": format!("keys-{}", index + 1), "any_issuer": true });
        match set.get("audiences") {
            Some(audiences) => provider["audiences"] = audiences.value(),
            None => provider["any_audience"] = json!(true),
        }
        if let Some(algorithms) = set.get("algorithms") {
            provider["algorithms"] = algorithms.value();
        }
        provider["keys"] = match set.get("secret") {
            Some(secret) => {
                provider["algorithms"] = json!([set.get("symmetric_algorithm").map_or(json!("HS256"), Node::value)]);
                json!({ "secret": secret.value() })
            }
            None => json!({ "url": remote_keys(json!(set.get("url").map(Node::value)), set.get("refresh_interval")) }),
        };
        migration.push("authentication.jwt.providers", &[], provider);
    }
    let text = |node: &Node, key: &str, or: &str| node.get(key).and_then(Node::text).unwrap_or(or).to_owned();
    let header = |name: String, prefix: String| json!({ "header": { "name": name, "prefix": prefix } });
    let first = header(text(node, "header_name", "Authorization"), text(node, "header_value_prefix", "Bearer"));
    migration.push("authentication.jwt.sources", &[], first);
    for source in node.get("header_sources").map(Node::items).unwrap_or_default() {
        let prefixes = source.get("value_prefixes").map(Node::items).unwrap_or_default();
        let prefixes: Vec<&str> =
            if prefixes.is_empty() { vec![""] } else { prefixes.iter().filter_map(Node::text).collect() };
        for prefix in prefixes {
            migration.push(
                "authentication.jwt.sources",
                &[],
                header(text(source, "name", "Authorization"), prefix.to_owned()),
            );
        }
    }
    if let Some(claim) = node.get("scope_claim") {
        migration.set("authorization.scope_claims", &[], json!([claim.value()]));
    }
}

pub(super) fn rate_limit(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(
        node,
        &[
            "enabled",
            "strategy",
            "simple_strategy",
            "storage",
            "debug",
            "key_suffix_expression",
            "error_extension_code",
        ],
    );
    if !node.is_on("enabled") {
        return;
    }
    let simple = |key: &str| node.at(&format!("simple_strategy.{key}"));
    let (Some(rate), Some(Ok(per))) = (simple("rate"), simple("period").map(duration)) else {
        return migration.note(Kind::Unknown, "it needs simple_strategy.rate and simple_strategy.period");
    };
    let mut rule = json!({ "name": "all", "limit": rate.value(), "per": per });
    if let Some(burst) = simple("burst") {
        rule["burst"] = burst.value();
    }
    if simple("reject_exceeding_requests").is_some_and(|reject| reject.is(false)) {
        rule["dry_run"] = json!(true);
    }
    migration.push("rate_limits.rules", &[], rule);
    migration.note(
        Kind::Differs,
        "one rule counts all requests together; `by` counts them for each client, see docs/rate-limits.md",
    );
    for (key, why) in [
        ("key_suffix_expression", "there are no expressions; `by` names what is counted by"),
        ("simple_strategy.overrides", "a rule of its own is needed for each kind of client"),
    ] {
        if node.at(key).is_some() {
            migration.note(Kind::NoEqual, &format!("{key}: {why}"));
        }
    }
    let urls = node.at("storage.urls").map(Node::items).unwrap_or_default();
    let cluster = node.at("storage.cluster_enabled");
    redis(migration, urls, cluster, "rate_limits.redis");
    if !urls.is_empty() {
        // In a cluster the part in braces says which node has the keys.
        let prefix = node.at("storage.key_prefix").and_then(Node::text).unwrap_or("cosmo_rate_limit");
        let is_cluster = cluster.is_some_and(|cluster| cluster.is(true));
        let prefix = if is_cluster { format!("{{{prefix}}}:") } else { format!("{prefix}:") };
        migration.set("rate_limits.redis.prefix", &[], json!(prefix));
    }
}

/// Addresses of Redis. Several of a cluster are one URL.
pub(super) fn redis(migration: &mut Migration, urls: &[Node], cluster: Option<&Node>, ours: &str) {
    let hosts: Vec<&str> = urls.iter().filter_map(Node::text).collect();
    let plain = |url: &str| url.split_once("://").map_or(url.to_owned(), |(_, host)| host.to_owned());
    let Some(first) = hosts.first() else { return };
    let tls = if first.starts_with("rediss://") { "rediss" } else { "redis" };
    let url = match cluster.is_some_and(|cluster| cluster.is(true)) {
        true => {
            let hosts: Vec<String> = hosts.iter().map(|host| plain(host)).collect();
            // The user stands once, before all hosts.
            let (user, _) = hosts.first().and_then(|host| host.split_once('@')).unwrap_or_default();
            let user = if user.is_empty() { String::new() } else { format!("{user}@") };
            let hosts: Vec<&str> = hosts.iter().map(|host| host.rsplit('@').next().unwrap_or(host)).collect();
            format!("{tls}+cluster://{user}{}", hosts.join(","))
        }
        false => format!("{tls}://{}", plain(first)),
    };
    migration.set(&format!("{ours}.url"), &[], json!(url));
}

pub(super) fn events(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["providers"]);
    for (key, providers) in node.get("providers").map(Node::entries).unwrap_or_default() {
        migration.within(&key.name, key.place, |migration| {
            if key.name != "nats" {
                return migration.note(Kind::NoEqual, "events come from NATS only");
            }
            for provider in providers.items() {
                let Some(id) = provider.get("id").and_then(Node::text) else { continue };
                let names = [id.to_owned()];
                migration.set("events.brokers.*.nats.urls", &names, json!([provider.get("url").map(Node::value)]));
                for (theirs, ours) in
                    [("token", "token"), ("user_info.username", "user"), ("user_info.password", "password")]
                {
                    if let Some(value) = provider.at(&format!("authentication.{theirs}")) {
                        migration.set(&format!("events.brokers.*.nats.{ours}"), &names, value.value());
                    }
                }
            }
            migration.note(
                Kind::Differs,
                "which field has which subject is set in events.fields, or by @event in the schema",
            );
        });
    }
}

pub(super) fn initial_payload(migration: &mut Migration, node: &Node, _: &[String]) {
    if migration.source.is_on("websocket.authentication.from_initial_payload.enabled") {
        let rule = json!({ "connection_init": { "name": node.value(), "prefix": "Bearer" } });
        migration.push("authentication.jwt.sources", &[], rule);
    }
}

pub(super) fn block_unlisted(migration: &mut Migration, node: &Node, _: &[String]) {
    let enabled = node.is_on("enabled");
    if enabled && (node.get("condition").is_some() || migration.source.at("persisted_operations.storage").is_none()) {
        migration.note(Kind::NoEqual, "persisted_operations.mode: ids_only, with sources, refuses what is not listed. Until then ALL operations are executed");
    }
}

pub(super) fn limit(migration: &mut Migration, node: &Node, ours: &str) {
    migration.only(node, &["enabled", "limit", "cache_size", "ignore_persisted_operations"]);
    if !node.is_on("enabled") {
        return;
    }
    if let Some(limit) = node.get("limit").filter(|limit| limit.value() != json!(0)) {
        migration.set(&format!("limits.{ours}"), &[], limit.value());
    }
    if node.is_on("ignore_persisted_operations") {
        migration.note(Kind::NoEqual, SAME_FOR_LISTED);
    }
}

pub(super) fn cost_control(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["enabled", "mode", "max_estimated_limit", "estimated_list_size", "expose_headers"]);
    if !node.is_on("enabled") {
        return;
    }
    let mode = node.get("mode").map_or(json!("measure"), Node::value);
    migration.set("demand_control.mode", &[], mode);
    for (theirs, ours) in [("max_estimated_limit", "max"), ("estimated_list_size", "list_size")] {
        if let Some(value) = node.get(theirs).filter(|value| value.value() != json!(0)) {
            migration.set(&format!("demand_control.{ours}"), &[], value.value());
        }
    }
    if node.is_on("expose_headers") {
        migration.note(Kind::NoEqual, "expose_headers: demand_control.headers names the headers");
    }
}

/// The provider of a kind that has an id.
fn provider(migration: &Migration, kind: &str, id: Option<&Node>) -> Option<Node> {
    let id = id.and_then(Node::text)?;
    let all = migration.source.at(&format!("storage_providers.{kind}"))?;
    all.items().iter().find(|provider| provider.get("id").and_then(Node::text) == Some(id)).cloned()
}

pub(super) fn persisted_operations(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["disabled", "safelist", "log_unknown", "cache", "storage", "manifest"]);
    if node.is_on("disabled") {
        return;
    }
    let blocked = |key: &str| migration.source.at(&format!("security.block_non_persisted_operations.{key}"));
    let only_ids = blocked("enabled").is_some_and(|enabled| enabled.is(true)) && blocked("condition").is_none();
    let mode = if only_ids {
        "ids_only"
    } else if node.is_on("safelist.enabled") {
        "safelist"
    } else if node.is_on("log_unknown") {
        "log_unknown"
    } else {
        "allow"
    };
    let id = node.at("storage.provider_id");
    let prefix = node.at("storage.object_prefix").and_then(Node::text).unwrap_or_default().trim_matches('/').to_owned();
    let manifest = node.is_on("manifest.enabled");
    let name = node.at("manifest.file_name").and_then(Node::text).unwrap_or("manifest.json").to_owned();
    let object = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let source = if let Some(bucket) = provider(migration, "s3", id).filter(|_| manifest) {
        let text = |key: &str, or: &str| bucket.get(key).and_then(Node::text).unwrap_or(or).to_owned();
        let scheme = if bucket.get("secure").is_some_and(|secure| secure.is(false)) { "http" } else { "https" };
        Some(json!({ "bucket": {
            "endpoint": format!("{scheme}://{}", text("endpoint", "")),
            "bucket": text("bucket", ""),
            "object": object,
            "region": text("region", "us-east-1"),
            "access_key_id": bucket.get("access_key").map(Node::value),
            "secret_access_key": bucket.get("secret_key").map(Node::value),
            "path_style": true,
        } }))
    } else {
        provider(migration, "file_system", id).filter(|_| manifest).and_then(|folder| {
            folder.get("path").and_then(Node::text).map(|path| json!({ "file": format!("{path}/{object}") }))
        })
    };
    match source {
        Some(source) => {
            migration.push("persisted_operations.sources", &[], source);
            migration.set("persisted_operations.mode", &[], json!(mode));
            migration.note(Kind::Differs, "the manifest has to be in Apollo's or Relay's format; `braid operations` makes one");
        }
        None => migration.note(Kind::NoEqual, &format!(
            "give a manifest as persisted_operations.sources, with mode: {mode}. Until then ALL operations are executed"
        )),
    }
    migration.set_duration("persisted_operations.poll", &[], node.at("manifest.poll_interval").filter(|_| manifest));
}

pub(super) fn apq_redis(migration: &mut Migration, node: &Node, _: &[String]) {
    migration.only(node, &["provider_id", "object_prefix"]);
    let Some(server) = provider(migration, "redis", node.get("provider_id")) else {
        return migration.note(Kind::NoEqual, "texts are shared in Redis: persisted_operations.automatic.redis");
    };
    let ours = "persisted_operations.automatic.redis";
    redis(migration, server.get("urls").map(Node::items).unwrap_or_default(), server.get("cluster_enabled"), ours);
    if let Some(prefix) = node.get("object_prefix").and_then(Node::text) {
        migration.set("persisted_operations.automatic.redis.prefix", &[], json!(format!("{prefix}:")));
    }
}

pub(super) fn resource(migration: &mut Migration, node: &Node, _: &[String]) {
    for attribute in node.items() {
        let text = |key: &str| attribute.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let path = ["telemetry".to_owned(), "trace".to_owned(), "otlp".to_owned(), "resource".to_owned(), text("key")];
        migration.target.set(&path, json!(text("value")));
    }
}

pub(super) fn exporters(migration: &mut Migration, node: &Node, _: &[String]) {
    if !migration.source.is_on("telemetry.tracing.enabled") {
        return;
    }
    for exporter in node.items().iter().filter(|exporter| !exporter.is_on("disabled")) {
        migration.only(
            exporter,
            &["exporter", "disabled", "endpoint", "path", "headers", "batch_timeout", "export_timeout"],
        );
        if exporter.get("exporter").and_then(Node::text) == Some("grpc") {
            migration.note(
                Kind::Differs,
                "exporter: only http is supported; the endpoint is that of OTLP/HTTP, mostly at port 4318",
            );
        }
        if let Some(endpoint) = exporter.get("endpoint").and_then(Node::text) {
            let path = exporter.get("path").and_then(Node::text).unwrap_or("/v1/traces");
            let whole = format!("{}/{}", endpoint.trim_end_matches('/'), path.trim_start_matches('/'));
            migration.set("telemetry.trace.otlp.endpoint", &[], json!(whole));
        }
        for (key, value) in exporter.get("headers").map(Node::entries).unwrap_or_default() {
            let text = match &value.content {
                Content::Text(text) => text.clone(),
                _ => value.value().to_string(),
            };
            let path = ["telemetry", "trace", "otlp", "headers", &key.name].map(str::to_owned);
            migration.target.set(&path, json!(text));
        }
        migration.set_duration("telemetry.trace.otlp.delay", &[], exporter.get("batch_timeout"));
        migration.set_duration("telemetry.trace.otlp.timeout", &[], exporter.get("export_timeout"));
    }
}
