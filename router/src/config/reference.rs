//! The configuration's JSON Schema and the page that describes every option, both made from the types. Reads no files.

use serde_json::Value;

use super::Config;

/// The JSON Schema of `router.yaml`.
pub fn json_schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let schema = json_schema();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut out = String::from(INTRODUCTION);
    section(&schema, &schema, &defaults, "", &mut out);
    out
}

const INTRODUCTION: &str = "# Configuration of the router

`braid serve --config router.yaml` reads a YAML file. Every option is optional. Unknown keys are refused, with the place and the key \
that was probably meant. `braid config schema` prints the JSON Schema for editors, `braid config validate router.yaml` checks a file.

`${env.NAME}` and `${env.NAME:-default}` stand for environment variables, `${file.path}` for the content of a file (relative to \
router.yaml), `$$` for a dollar sign. Durations are written `250ms`, `10s`, `5m`, `1h`, sizes `64KB`, `2MB`, `1GiB`.

The file is watched: what changes is taken up without dropping a request, except for what concerns sockets (`server.listen`, \
`server.tls`, `server.max_connections`, `server.header_timeout`, `server.max_headers`, `server.max_header_bytes`, `server.max_http2_streams`) \
and `telemetry.access_log.enabled`, which take a restart.

<!-- Made by `braid config reference`; a test holds it to the code. -->
";

fn section(root: &Value, schema: &Value, defaults: &Value, path: &str, out: &mut String) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let (mut rows, mut below) = (String::new(), Vec::new());
    for (name, property) in properties {
        let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let resolved = resolve(root, property);
        let default = &defaults[name.as_str()];
        let described = property["description"].as_str().or(resolved["description"].as_str());
        let described = described.unwrap_or_default().replace('\n', " ");
        if resolved["properties"].is_object() {
            below.push((place, resolved, default, described));
        } else {
            rows.push_str(&format!("| `{name}` | {} | {} | {described} |\n", kind(root, resolved), shown(default)));
        }
    }
    if !rows.is_empty() {
        out.push_str("\n| option | type | default | what it does |\n|---|---|---|---|\n");
        out.push_str(&rows);
    }
    for (place, schema, default, described) in below {
        out.push_str(&format!("\n## `{place}`\n\n{described}\n"));
        section(root, schema, default, &place, out);
    }
}

/// The schema that a reference, or an optional value, stands for.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return resolve(root, &root["$defs"][name]);
    }
    let choices = schema["anyOf"].as_array().or(schema["allOf"].as_array());
    match choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null")) {
        Some(choice) => resolve(root, choice),
        None => schema,
    }
}

fn kind(root: &Value, schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("`{}`", value.as_str().unwrap_or("?")))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let name = |choice: &Value| {
            let keys = choice["properties"].as_object().and_then(|properties| properties.keys().next().cloned());
            keys.or(choice["const"].as_str().map(str::to_owned)).map(|name| format!("`{name}`"))
        };
        return choices.iter().filter_map(name).collect::<Vec<_>>().join(", ");
    }
    if schema["examples"].is_array() {
        return if schema["description"].as_str().unwrap_or_default().contains("duration") {
            "duration"
        } else {
            "size"
        }
        .to_owned();
    }
    let named = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any").to_owned()
        }
        _ => "any".to_owned(),
    };
    match named.as_str() {
        "array" => format!("list of {}", kind(root, resolve(root, &schema["items"]))),
        "object" if schema["additionalProperties"].is_object() => "map by name".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn shown(default: &Value) -> String {
    match default {
        Value::Null => "not set".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
