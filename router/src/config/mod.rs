//! The configuration of the router: a struct of what each part can be told, and the only place that reads files and
//! environment for it.

mod environment;
pub mod reference;

use std::path::{Path, PathBuf};

use braid_gateway::config::{ExposureConfig, OverrideLabelsConfig};
use braid_gateway::limits::LimitsConfig;
use braid_net::config::TlsClientConfig;
use braid_request_context::header_rules::HeadersConfig;
use braid_server::config::ServerConfig;
use braid_settings::{Duration, expand, from_yaml};
use braid_telemetry::config::TelemetryConfig;
use braid_transport::config::TrafficConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that can be set: the content of `router.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the schema comes from.
    pub schema: SchemaSource,
    /// The HTTP server.
    pub server: ServerConfig,
    /// Requests to subgraphs.
    pub traffic: TrafficConfig,
    /// Which headers are passed on.
    pub headers: HeadersConfig,
    /// Limits on operations.
    pub limits: LimitsConfig,
    /// What clients can see of the router's internals.
    pub exposure: ExposureConfig,
    /// Which labels of `@override(label:)` are on: how a field moves from one subgraph to another step by step.
    pub override_labels: OverrideLabelsConfig,
    /// Logs, metrics and traces.
    pub telemetry: TelemetryConfig,
    /// Reloading without a restart.
    pub reload: ReloadConfig,
}

/// Where the schema comes from: one of the two files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaSource {
    /// A composed supergraph.
    pub supergraph: Option<PathBuf>,
    /// A supergraph.yaml with the subgraphs, which the router composes.
    pub subgraphs: Option<PathBuf>,
    /// A file to store the last usable supergraph in. If subgraphs can't be reached when the router starts, it starts with this
    /// supergraph, logs a warning, and keeps asking them.
    pub last_good: Option<PathBuf>,
}

/// Reloading of schema and configuration without a restart. The new version is built beside the old one, which stays in use if
/// that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadConfig {
    /// Whether files are watched.
    pub watch: bool,
    /// How often subgraphs with `subgraph_url` are asked for their schema; `0s`: only at the start.
    pub poll: Duration,
    /// How many of the most used operations are compiled before a new schema is used.
    pub warm_up: usize,
}

impl Default for ReloadConfig {
    fn default() -> Self {
        Self { watch: true, poll: Duration::seconds(10), warm_up: 200 }
    }
}

/// A configuration that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path} can't be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Its content is wrong.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong, with the place and what to do.
        message: String,
    },
}

impl Config {
    /// The configuration of this process: that of a file, or the defaults, with the standard variables of OpenTelemetry. Returns
    /// also the variables that can't be obeyed.
    pub fn of_process(path: Option<&Path>) -> Result<(Self, Vec<String>), ConfigError> {
        let (mut config, given) = path.map(Self::read).transpose()?.unwrap_or_default();
        let ignored = environment::apply(&mut config, &given, &|name| std::env::var(name).ok());
        Ok((config, ignored))
    }

    /// Reads `router.yaml`. Paths in it are relative to it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::read(path)?.0)
    }

    /// The configuration in a file, and what of it the file gives.
    fn read(path: &Path) -> Result<(Self, Value), ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config = Self::parse(&text, &expand::Process(folder))
            .map_err(|message| ConfigError::Invalid { path: shown, message })?;
        let SchemaSource { supergraph, subgraphs, last_good } = &mut config.schema;
        for file in [supergraph, subgraphs, last_good].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        config.resolve_files(folder);
        let given = expand::expand(&text, &expand::Process(folder)).ok();
        let given = given.and_then(|text| from_yaml(&text).ok()).unwrap_or_default();
        Ok((config, given))
    }

    /// Reads the text of a configuration.
    pub fn parse(text: &str, values: &impl expand::Values) -> Result<Self, String> {
        let expanded = expand::expand(text, values).map_err(|error| error.to_string())?;
        let blank = expanded.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let config: Self =
            if blank { Self::default() } else { from_yaml(&expanded).map_err(|error| error.to_string())? };
        config.check()?;
        Ok(config)
    }

    /// What the types can't say.
    pub fn check(&self) -> Result<(), String> {
        if self.schema.supergraph.is_some() && self.schema.subgraphs.is_some() {
            return Err("schema: give supergraph or subgraphs, not both".to_owned());
        }
        if !self.server.path.starts_with('/') || self.server.path.contains(['?', '#']) {
            return Err(format!("server.path: \"{}\" must begin with / and be a path alone", self.server.path));
        }
        if self.server.cors.any_origin && self.server.cors.credentials {
            return Err("server.cors: any_origin with credentials would let every site act as the user; \
                        list the origins"
                .to_owned());
        }
        if !(0.0..=1.0).contains(&self.telemetry.trace.otlp.sampling) {
            return Err("telemetry.trace.otlp.sampling: give a share from 0 to 1".to_owned());
        }
        let names = self.headers.subgraphs.keys().map(String::as_str).chain([""]);
        for name in names {
            self.headers.plans(name).map_err(|problem| format!("headers: {problem}"))?;
        }
        Ok(())
    }

    /// The settings that make sense while developing: everything can be seen.
    pub fn for_development(&mut self) {
        self.exposure.introspection = true;
        self.exposure.subgraph_errors = true;
        self.exposure.plan = true;
        self.server.playground.enabled = true;
    }

    /// The files with certificates and keys, by whose content the configuration changes too. That of the collector is read once.
    pub fn certificates(&self) -> impl Iterator<Item = PathBuf> {
        let server = self.server.tls.iter().flat_map(|tls| tls.files());
        let traffic = std::iter::once(&self.traffic.all).chain(self.traffic.subgraphs.values());
        let subgraphs = traffic.filter_map(|traffic| traffic.tls.as_ref()).flat_map(|tls| tls.files());
        server.chain(subgraphs).map(PathBuf::from)
    }

    fn resolve_files(&mut self, folder: &Path) {
        let in_folder = |file: &mut String| *file = folder.join(&*file).to_string_lossy().into_owned();
        if let Some(tls) = &mut self.server.tls {
            in_folder(&mut tls.certificate);
            in_folder(&mut tls.key);
            tls.client_authorities.iter_mut().for_each(in_folder);
        }
        self.server.playground.folder.iter_mut().for_each(in_folder);
        let TlsClientConfig { authorities, certificate, key } = &mut self.telemetry.trace.otlp.tls;
        [authorities, certificate, key].into_iter().flatten().for_each(in_folder);
        for traffic in std::iter::once(&mut self.traffic.all).chain(self.traffic.subgraphs.values_mut()) {
            if let Some(tls) = &mut traffic.tls {
                [&mut tls.authorities, &mut tls.certificate, &mut tls.key].into_iter().flatten().for_each(in_folder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: &[&str]) {
        let error = Config::parse(yaml, &expand::Process(Path::new("."))).unwrap_err();
        for part in expected {
            assert!(error.contains(part), "{error}\nlacks {part}");
        }
    }

    #[test]
    fn defaults_are_complete() {
        assert_eq!(Config::parse("# nothing\n", &expand::Process(Path::new("."))).unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_with_place_and_suggestion() {
        check("server:\n  lissten: 127.0.0.1:1\n", &["unknown field `lissten`", "line 2", "Did you mean \"listen\"?"]);
        check("limitz: {}\n", &["line 1", "Did you mean \"limits\"?"]);
    }

    #[test]
    fn wrong_values_say_what_is_due() {
        check("server:\n  header_timeout: soon\n", &["\"soon\" is not a duration", "line 2"]);
        check("server:\n  body_timeout: 10\n", &["write 10s or 10ms"]);
        check("server:\n  max_connections: many\n", &["line 2"]);
        check("schema: { supergraph: a, subgraphs: b }\n", &["not both"]);
        check("server: { cors: { any_origin: true, credentials: true } }\n", &["list the origins"]);
        check(
            "headers: { all: { request: [{ insert: { name: \"a b\", value: x } }] } }\n",
            &["not the name of a header"],
        );
    }

    #[test]
    fn what_is_printed_reads_back() {
        let config = Config::default();
        let yaml = serde_saphyr::to_string(&config).unwrap();
        assert_eq!(Config::parse(&yaml, &expand::Process(Path::new("."))).unwrap(), config);
    }
}
