//! The configuration's JSON Schema, and the page that describes every option with an example. Both are made from the types;
//! the examples are in `examples.yaml`. Reads no files.

use std::fmt::Write;

use braid_transport::config::SubgraphTraffic;
use serde_json::{Map, Value, json};

use braid_settings::from_yaml;

use super::Config;

/// Configurations that are valid as they stand and together have every option.
pub const EXAMPLES: &str = include_str!("examples.yaml");

/// The JSON Schema of `router.yaml`.
pub fn json_schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let schema = json_schema();
    let mut config = Config::default();
    // Not given, these are taken from the defaults only where they are used.
    config.traffic.all = SubgraphTraffic::defaults();
    let defaults = serde_json::to_value(config).unwrap_or_default();
    let examples = EXAMPLES.split("\n---\n").filter_map(|text| from_yaml(text).ok()).collect();
    let mut page = Page { schema: &schema, examples, out: String::from(INTRODUCTION) };
    page.section(&schema, &defaults, "");
    page.out.push_str(VARIABLES);
    page.out
}

const INTRODUCTION: &str = "# Configuration of the router

`braid serve --config router.yaml` reads a YAML file. Every option is optional. Unknown keys are refused, with their place and the \
key that was probably meant. `braid config schema` prints the JSON Schema for editors; `braid config validate router.yaml` checks a \
file. The examples below show every option once, with values that often differ from the defaults; they are not recommendations.

`${env.NAME}` and `${env.NAME:-default}` are replaced by environment variables, `${file.path}` by the content of a file (relative to \
router.yaml), `$$` by a dollar sign. Durations are written as `250ms`, `10s`, `5m`, `1h`, sizes as `64KB`, `2MB`, `1GiB`.

The file is watched, and so are the certificates and keys that it names. Changes are taken up without dropping a request, except for \
`server.listen`, whether there is `server.tls`, `server.max_connections`, `server.header_timeout`, `server.max_headers`, \
`server.max_header_bytes`, `server.max_http2_streams`, `telemetry.access_log.enabled` and `telemetry.trace.otlp`: these need a restart.

<!-- Made by `braid config reference`; a test compares it with the code. -->
";

const VARIABLES: &str = "
## Variables of OpenTelemetry

The standard variables apply to `telemetry.trace.otlp`, for what router.yaml does not set. Headers and resource attributes of both are \
merged; those of router.yaml win. A variable whose value is not supported is ignored with a warning.

| variable | option |
|---|---|
| `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` added | `endpoint` |
| `OTEL_SDK_DISABLED=true`, `OTEL_TRACES_EXPORTER=none` | no `endpoint` from these variables |
| `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL` | none: only `http/protobuf` is supported |
| `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TRACES_HEADERS` | `headers` |
| `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT` | `timeout`, in milliseconds |
| `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE`, `…_CLIENT_KEY`, also with `TRACES_` | `tls` |
| `OTEL_SERVICE_NAME` | `service_name` |
| `OTEL_RESOURCE_ATTRIBUTES` | `resource`; its `service.name` is used if nothing else sets one |
| `OTEL_TRACES_SAMPLER`: `always_on`, `always_off`, `traceidratio`, also with `parentbased_`; `OTEL_TRACES_SAMPLER_ARG` | `sampling` and `follow_client` |
| `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` | `delay`, in milliseconds; `max_queue`; `max_batch` |
";

struct Page<'a> {
    schema: &'a Value,
    examples: Vec<Value>,
    out: String,
}

impl Page<'_> {
    /// An object of the configuration: its options, an example, the rules in its lists, and the objects in it.
    fn section(&mut self, schema: &Value, defaults: &Value, path: &str) {
        let (mut rows, mut lists, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for option in options(self.schema, schema) {
            let place = if path.is_empty() { option.name.to_owned() } else { format!("{path}.{}", option.name) };
            let default = &defaults[option.name];
            if option.schema["properties"].is_object() {
                below.push((place, option, default));
                continue;
            }
            let items = resolve(self.schema, &option.schema["items"]);
            let values = resolve(self.schema, &option.schema["additionalProperties"]);
            if items["oneOf"].is_array() || items["properties"].is_object() {
                lists.push((format!("{place}[]"), items));
            } else if values["oneOf"].is_array() {
                lists.push((format!("{place}.<name>"), values));
            }
            rows.push((option, shown(default)));
        }
        self.table(&rows);
        if !rows.is_empty() {
            let names: Vec<&str> = rows.iter().map(|(option, _)| option.name).collect();
            self.example(path, &names);
        }
        for (place, items) in lists {
            self.items(&place, items);
        }
        for (place, option, default) in below {
            let _ = write!(self.out, "\n## `{place}`\n\n{}\n", option.description);
            self.section(option.schema, default, &place);
        }
    }

    /// What can be in a list or map: objects of one kind, or one of several rules.
    fn items(&mut self, place: &str, items: &Value) {
        let Some(rules) = items["oneOf"].as_array() else {
            let _ = write!(self.out, "\n### `{place}`\n\n{}\n", text(items));
            return self.fields(items);
        };
        for rule in rules {
            let Some((name, fields)) = rule["properties"].as_object().and_then(|keys| keys.iter().next()) else {
                continue;
            };
            let _ = write!(self.out, "\n### `{place}.{name}`\n\n{}\n", text(rule));
            let fields = resolve(self.schema, fields);
            if fields["properties"].is_object() {
                self.fields(fields);
            }
        }
    }

    /// The options of a rule or of an object in a list, whose defaults only the schema has.
    fn fields(&mut self, schema: &Value) {
        let is_required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
        };
        let options = options(self.schema, schema);
        let rows = options.into_iter().map(|option| {
            let default = match is_required(option.name) {
                true => "required".to_owned(),
                false => shown(&option.default),
            };
            (option, default)
        });
        let rows: Vec<_> = rows.collect();
        self.table(&rows);
    }

    fn table(&mut self, rows: &[(Opt<'_>, String)]) {
        if rows.is_empty() {
            return;
        }
        self.out.push_str("\n| option | type | default | what it does |\n|---|---|---|---|\n");
        for (option, default) in rows {
            let kind = kind(self.schema, option.schema);
            let _ = writeln!(self.out, "| `{}` | {kind} | {default} | {} |", option.name, option.description);
        }
    }

    /// What the examples have of these options.
    fn example(&mut self, path: &str, names: &[&str]) {
        for example in &self.examples {
            let keys: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
            let found = keys.iter().try_fold(example, |value, key| value.get(key)).and_then(Value::as_object);
            let own: Map<String, Value> = found
                .into_iter()
                .flatten()
                .filter(|(key, _)| names.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if own.is_empty() {
                continue;
            }
            let nested = keys.iter().rev().fold(Value::Object(own), |value, key| json!({ *key: value }));
            let yaml = serde_saphyr::to_string(&nested).unwrap_or_default();
            let _ = write!(self.out, "\n```yaml\n{}\n```\n", yaml.trim_end());
        }
    }
}

/// One option of an object.
struct Opt<'a> {
    name: &'a str,
    schema: &'a Value,
    default: Value,
    description: String,
}

fn options<'a>(root: &'a Value, schema: &'a Value) -> Vec<Opt<'a>> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let option = |(name, property): (&'a String, &'a Value)| {
        let resolved = resolve(root, property);
        let own = text(property);
        let described = if own.is_empty() { text(resolved) } else { own };
        let description = format!("{described}{}", meanings(resolved));
        Opt { name, schema: resolved, default: property["default"].clone(), description }
    };
    properties.map(option).collect()
}

/// The values of an enumeration, if they are described.
fn meanings(schema: &Value) -> String {
    let values = schema["oneOf"].as_array().into_iter().flatten();
    let described = values.filter_map(|value| Some(format!(" `{}`: {}", value["const"].as_str()?, text(value))));
    described.collect()
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
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
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl braid_settings::expand::Values for Nothing {
        fn env(&self, _: &str) -> Option<String> {
            None
        }

        fn file(&self, path: &str) -> Result<String, String> {
            Err(format!("{path}: there are no files here"))
        }
    }

    #[test]
    fn examples_are_valid() {
        for example in EXAMPLES.split("\n---\n") {
            Config::parse(example, &Nothing).unwrap();
        }
    }

    /// Every option of a schema must be in one of the values, and so must every rule that a list can have.
    fn check(root: &Value, schema: &Value, values: &[&Value], place: &str, missing: &mut Vec<String>) {
        let schema = resolve(root, schema);
        let schemas: Vec<&Value> = match schema["oneOf"].as_array() {
            Some(rules) if rules.iter().any(|rule| rule["properties"].is_object()) => rules.iter().collect(),
            _ => vec![schema],
        };
        for (name, property) in schemas.iter().filter_map(|schema| schema["properties"].as_object()).flatten() {
            let place = format!("{place}.{name}");
            let found: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
            if found.is_empty() {
                missing.push(place);
                continue;
            }
            let items = resolve(root, property)["items"].clone();
            let inside: Vec<&Value> = found.iter().filter_map(|value| value.as_array()).flatten().collect();
            check(root, property, &found, &place, missing);
            check(root, &items, &inside, &place, missing);
            let values = resolve(root, property)["additionalProperties"].clone();
            if resolve(root, &values)["oneOf"].is_array() {
                let inside: Vec<&Value> =
                    found.iter().filter_map(|map| map.as_object()).flat_map(|map| map.values()).collect();
                check(root, &values, &inside, &place, missing);
            }
        }
    }

    #[test]
    fn examples_have_every_option() {
        let schema = json_schema();
        let examples: Vec<Value> = EXAMPLES.split("\n---\n").map(|text| from_yaml(text).unwrap()).collect();
        let mut missing = Vec::new();
        check(&schema, &schema, &examples.iter().collect::<Vec<_>>(), "", &mut missing);
        // One address for all subgraphs would be a mistake.
        assert_eq!(missing, [".traffic.all.url"]);
    }

    #[test]
    fn blocks_of_the_page_are_valid() {
        let page = markdown();
        let blocks: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(blocks.len() > 15, "{}", blocks.len());
        for block in blocks {
            Config::parse(block, &Nothing).unwrap_or_else(|problem| panic!("{problem}\n{block}"));
        }
    }
}
