//! The standard variables of OpenTelemetry as settings of [`OtlpConfig`]. What a configuration file sets takes precedence over them, and
//! they over the defaults. Does not read the environment itself.
//!
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::str::FromStr;

use braid_settings::Duration;
use indexmap::IndexMap;
use serde_json::Value;

use crate::config::OtlpConfig;

/// Sets what the variables set and a file does not: `given` is what the file has of these settings, and null if there is none. Returns the
/// variables that are ignored, with the reasons: a program should not fail to start because of a variable that is meant for all programs
/// of a machine.
pub fn apply(otlp: &mut OtlpConfig, given: &Value, env: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut variables = Variables { env, ignored: Vec::new() };
    let is_unset = |key: &str| given[key].is_null();
    if is_unset("endpoint") {
        otlp.endpoint = variables.endpoint();
    }
    if is_unset("sampling")
        && is_unset("follow_client")
        && let Some(Sampler { share, follow_client }) = variables.sampler()
    {
        (otlp.sampling, otlp.follow_client) = (share, follow_client);
    }
    let mut resource = variables.pairs("OTEL_RESOURCE_ATTRIBUTES");
    let named = resource.shift_remove("service.name");
    if is_unset("service_name") {
        let name = variables.text("OTEL_SERVICE_NAME").or(named);
        otlp.service_name = name.unwrap_or_else(|| std::mem::take(&mut otlp.service_name));
    }
    resource.extend(std::mem::take(&mut otlp.resource));
    otlp.resource = resource;
    let mut headers = variables.pairs("OTEL_EXPORTER_OTLP_HEADERS");
    headers.extend(variables.pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS"));
    headers.extend(std::mem::take(&mut otlp.headers));
    otlp.headers = headers;
    let mut millis = |key: &str, names: &[&str], setting: &mut Duration| {
        if is_unset(key) {
            let set = names.iter().find_map(|name| variables.number::<u64>(name));
            *setting = set.map_or(*setting, Duration::millis);
        }
    };
    millis("timeout", &["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"], &mut otlp.timeout);
    millis("delay", &["OTEL_BSP_SCHEDULE_DELAY"], &mut otlp.delay);
    let mut count = |key: &str, name: &str, setting: &mut usize| {
        if is_unset(key) {
            *setting = variables.number(name).unwrap_or(*setting);
        }
    };
    count("max_queue", "OTEL_BSP_MAX_QUEUE_SIZE", &mut otlp.max_queue);
    count("max_batch", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &mut otlp.max_batch);
    if is_unset("tls") {
        let tls = &mut otlp.tls;
        tls.authorities = variables.of_traces("CERTIFICATE");
        tls.certificate = variables.of_traces("CLIENT_CERTIFICATE");
        tls.key = variables.of_traces("CLIENT_KEY");
    }
    variables.ignored
}

struct Sampler {
    share: f64,
    follow_client: bool,
}

struct Variables<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    ignored: Vec<String>,
}

impl Variables<'_> {
    /// The value of a variable. An empty one counts as not set.
    fn text(&self, name: &str) -> Option<String> {
        (self.env)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The variable for traces, or the one for all signals.
    fn of_traces(&self, name: &str) -> Option<String> {
        self.text(&format!("OTEL_EXPORTER_OTLP_TRACES_{name}"))
            .or_else(|| self.text(&format!("OTEL_EXPORTER_OTLP_{name}")))
    }

    fn number<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.ignored.push(format!("{name}: \"{text}\" is not a number"));
        }
        number
    }

    /// The URL that spans are sent to, if the variables set one.
    fn endpoint(&mut self) -> Option<String> {
        let exact = self.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let base = || {
            let base = self.text("OTEL_EXPORTER_OTLP_ENDPOINT")?;
            Some(format!("{}/v1/traces", base.trim_end_matches('/')))
        };
        let endpoint = exact.or_else(base)?;
        if self.text("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        if let Some(exporter) = self.text("OTEL_TRACES_EXPORTER").filter(|exporter| exporter != "otlp") {
            if exporter != "none" {
                self.ignored
                    .push(format!("OTEL_TRACES_EXPORTER: \"{exporter}\" is not supported; only otlp and none are"));
            }
            return None;
        }
        if let Some(protocol) = self.of_traces("PROTOCOL").filter(|protocol| protocol != "http/protobuf") {
            self.ignored.push(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL: \"{protocol}\" is not supported; set http/protobuf and the collector's HTTP endpoint"
            ));
            return None;
        }
        Some(endpoint)
    }

    fn sampler(&mut self) -> Option<Sampler> {
        let name = self.text("OTEL_TRACES_SAMPLER")?;
        let (follow_client, kind) = match name.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, &*name),
        };
        let share = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => match self.number::<f64>("OTEL_TRACES_SAMPLER_ARG").unwrap_or(1.0) {
                share if (0.0..=1.0).contains(&share) => share,
                share => {
                    self.ignored.push(format!("OTEL_TRACES_SAMPLER_ARG: {share} is not a share from 0 to 1"));
                    1.0
                }
            },
            _ => {
                self.ignored.push(format!(
                    "OTEL_TRACES_SAMPLER: \"{name}\" is not supported; always_on, always_off and traceidratio are, also with parentbased_"
                ));
                return None;
            }
        };
        Some(Sampler { share, follow_client })
    }

    /// `key=value,key=value`, where values are percent-encoded.
    fn pairs(&mut self, name: &str) -> IndexMap<String, String> {
        let text = self.text(name).unwrap_or_default();
        let mut pairs = IndexMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
                    pairs.insert(key.trim().to_owned(), value);
                }
                // Without the pair: it may be a secret.
                _ => self.ignored.push(format!("{name}: a pair has no key or no \"=\"; write key=value,key=value")),
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use braid_settings::from_yaml;

    use super::*;

    /// Applies variables, `NAME=value` each, to a configuration.
    fn with(yaml: &str, variables: &[&str]) -> (OtlpConfig, Vec<String>) {
        let given = from_yaml::<Value>(yaml).unwrap();
        let mut config = from_yaml::<OtlpConfig>(yaml).unwrap();
        let env = |name: &str| {
            let pairs = variables.iter().filter_map(|variable| variable.split_once('='));
            pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next()
        };
        let ignored = apply(&mut config, &given, &env);
        (config, ignored)
    }

    const NOTHING: &str = "{}";
    const SOMETHING: &str = "{ endpoint: \"http://yaml/v1/traces\", sampling: 0.5, service_name: yaml, headers: { a: yaml }, resource: { a: yaml }, timeout: 1s, delay: 1s, max_queue: 10, max_batch: 5, tls: { authorities: yaml.pem } }";

    #[test]
    fn the_environment_overrides_defaults_and_is_overridden_by_router_yaml() {
        let variables = [
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/",
            "OTEL_EXPORTER_OTLP_HEADERS=a=1, b=two%20words",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS=a=3",
            "OTEL_EXPORTER_OTLP_TIMEOUT=250",
            "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY=client.key",
            "OTEL_RESOURCE_ATTRIBUTES=service.name=lesser,a=env,deployment.environment=test",
            "OTEL_SERVICE_NAME=shop",
            "OTEL_TRACES_SAMPLER=traceidratio",
            "OTEL_TRACES_SAMPLER_ARG=0.25",
            "OTEL_BSP_SCHEDULE_DELAY=100",
            "OTEL_BSP_MAX_QUEUE_SIZE=77",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=7",
        ];
        let (otlp, ignored) = with(NOTHING, &variables);
        assert_eq!(ignored, Vec::<String>::new());
        assert_eq!(otlp.endpoint.as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!((otlp.headers["a"].as_str(), otlp.headers["b"].as_str()), ("3", "two words"));
        assert_eq!((otlp.timeout, otlp.delay), (Duration::millis(250), Duration::millis(100)));
        assert_eq!((otlp.max_queue, otlp.max_batch), (77, 7));
        assert_eq!((otlp.sampling, otlp.follow_client), (0.25, false));
        assert_eq!(otlp.service_name, "shop");
        assert_eq!(otlp.resource["deployment.environment"], "test");
        assert_eq!(otlp.tls.key.as_deref(), Some("client.key"));

        let (otlp, _) = with(SOMETHING, &variables);
        let (mut before, _) = with(SOMETHING, &[]);
        // Attributes and headers of both sides are merged.
        before.resource.insert("deployment.environment".to_owned(), "test".to_owned());
        before.headers.insert("b".to_owned(), "two words".to_owned());
        assert_eq!(otlp, before);
    }

    #[test]
    fn the_endpoint_for_traces_is_used_unchanged() {
        let of = |variables: &[&str]| with(NOTHING, variables).0.endpoint;
        let (base, exact) = ("OTEL_EXPORTER_OTLP_ENDPOINT=http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b/x");
        assert_eq!(of(&[base, exact]).as_deref(), Some("http://b/x"));
        assert_eq!(of(&[base]).as_deref(), Some("http://a/v1/traces"));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["OTEL_EXPORTER_OTLP_ENDPOINT="]), None);
        assert_eq!(of(&[base, "OTEL_SDK_DISABLED=true"]), None);
        assert_eq!(of(&[base, "OTEL_TRACES_EXPORTER=none"]), None);
        assert_eq!(of(&[base, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"]).as_deref(), Some("http://a/v1/traces"));
    }

    #[test]
    fn samplers() {
        let of = |variables: &[&str]| {
            let otlp = with(NOTHING, variables).0;
            (otlp.sampling, otlp.follow_client)
        };
        assert_eq!(of(&["OTEL_TRACES_SAMPLER=always_on"]), (1.0, false));
        assert_eq!(of(&["OTEL_TRACES_SAMPLER=parentbased_always_off"]), (0.0, true));
        assert_eq!(of(&["OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.1"]), (0.1, true));
        assert_eq!(of(&["OTEL_TRACES_SAMPLER_ARG=0.1"]), (1.0, true));
    }

    #[test]
    fn unsupported_values_are_reported_and_ignored() {
        for (variables, named) in [
            (&["OTEL_EXPORTER_OTLP_ENDPOINT=http://a", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"][..], "\"grpc\""),
            (&["OTEL_EXPORTER_OTLP_ENDPOINT=http://a", "OTEL_TRACES_EXPORTER=zipkin"], "\"zipkin\""),
            (&["OTEL_TRACES_SAMPLER=jaeger_remote"], "\"jaeger_remote\""),
            (&["OTEL_BSP_SCHEDULE_DELAY=soon"], "\"soon\""),
            (&["OTEL_EXPORTER_OTLP_HEADERS=secret"], "OTEL_EXPORTER_OTLP_HEADERS"),
        ] {
            let (config, ignored) = with(NOTHING, variables);
            assert_eq!(config, OtlpConfig::default(), "{variables:?}");
            assert!(ignored.len() == 1 && ignored[0].contains(named), "{ignored:?}");
        }
        let (config, ignored) = with(NOTHING, &["OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=2"]);
        assert_eq!((config.sampling, ignored.len()), (1.0, 1));
    }
}
