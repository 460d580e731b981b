//! The configuration of the router: a struct of what each part can be told, and the only place that reads files and
//! environment for it.

pub mod expand;
pub mod reference;
pub mod units;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::LimitsConfig;
use crate::server::config::ServerConfig;
use crate::subgraphs::config::TrafficConfig;
use crate::subgraphs::headers::HeadersConfig;
use crate::telemetry::config::TelemetryConfig;
use units::Duration;

/// Everything that can be set: the content of `router.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the schema comes from.
    pub schema: SchemaSource,
    /// The HTTP front.
    pub server: ServerConfig,
    /// Traffic to subgraphs.
    pub traffic: TrafficConfig,
    /// Which headers pass.
    pub headers: HeadersConfig,
    /// Bounds on operations.
    pub limits: LimitsConfig,
    /// What clients see of the inside.
    pub exposure: ExposureConfig,
    /// What operators see.
    pub telemetry: TelemetryConfig,
    /// Taking up changes without a restart.
    pub reload: ReloadConfig,
}

/// Where the schema comes from: one of the two files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaSource {
    /// A composed supergraph.
    pub supergraph: Option<PathBuf>,
    /// A supergraph.yaml that names the subgraphs; the router composes them.
    pub subgraphs: Option<PathBuf>,
    /// A file in which the last supergraph that could be used is kept. A router that starts while subgraphs don't give their schema
    /// starts with it, says so, and goes on asking them.
    pub last_good: Option<PathBuf>,
}

/// What clients see of the inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExposureConfig {
    /// Whether the schema can be asked for by introspection.
    pub introspection: bool,
    /// Whether clients read the messages of subgraphs' errors; codes pass in any case.
    pub subgraph_errors: bool,
    /// Subgraphs whose errors clients read though `subgraph_errors` is off.
    pub subgraph_errors_of: Vec<String>,
    /// Whether a request with the header `braid-expose: plan, timings` gets the plan and the timings in `extensions`.
    pub plan: bool,
}

impl Default for ExposureConfig {
    fn default() -> Self {
        Self { introspection: true, subgraph_errors: false, subgraph_errors_of: Vec::new(), plan: false }
    }
}

/// Taking up changes of schema and configuration without a restart. The new version is built beside the old one and
/// swapped whole; one that fails is reported and the old one stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadConfig {
    /// Whether files are watched.
    pub watch: bool,
    /// How often subgraphs with `subgraph_url` are asked for their schema; `0s` never asks again.
    pub poll: Duration,
    /// How many of the most used operations are compiled for a new schema before it is swapped in.
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
    /// Reads `router.yaml`. Paths in it are relative to it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
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
        Ok(config)
    }

    /// Reads the text of a configuration.
    pub fn parse(text: &str, values: &impl expand::Values) -> Result<Self, String> {
        let expanded = expand::expand(text, values).map_err(|error| error.to_string())?;
        let blank = expanded.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        let config: Self = if blank { Self::default() } else { from_yaml(&expanded)? };
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

    fn resolve_files(&mut self, folder: &Path) {
        let in_folder = |file: &mut String| *file = folder.join(&*file).to_string_lossy().into_owned();
        if let Some(tls) = &mut self.server.tls {
            in_folder(&mut tls.certificate);
            in_folder(&mut tls.key);
            tls.client_authorities.iter_mut().for_each(in_folder);
        }
        self.server.playground.folder.iter_mut().for_each(in_folder);
        for traffic in std::iter::once(&mut self.traffic.all).chain(self.traffic.subgraphs.values_mut()) {
            if let Some(tls) = &mut traffic.tls {
                [&mut tls.authorities, &mut tls.certificate, &mut tls.key].into_iter().flatten().for_each(in_folder);
            }
        }
    }
}

/// Reads YAML; the error has the place, an excerpt, and for a misspelt key the one that was probably meant.
pub(crate) fn from_yaml<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let message = error.render_with_formatter(&Plain);
        match suggestion(&message) {
            Some(meant) => format!("{message}\nDid you mean \"{meant}\"?"),
            None => message,
        }
    })
}

/// The library's words, where they don't speak to who programs against it.
struct Plain;

impl serde_saphyr::MessageFormatter for Plain {
    fn format_message<'a>(&self, error: &'a serde_saphyr::Error) -> Cow<'a, str> {
        match error {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                Cow::Owned(format!("\"{key}\" is there twice; rename or remove one of them"))
            }
            serde_saphyr::Error::WithSnippet { error, .. } => self.format_message(error),
            other => serde_saphyr::DefaultMessageFormatter.format_message(other),
        }
    }
}

/// Out of "unknown field `x`, expected one of a, b", the name nearest to `x`.
fn suggestion(message: &str) -> Option<String> {
    let from = message.find("unknown field").or_else(|| message.find("unknown variant"))?;
    let line = message[from..].lines().next()?;
    let (given, known) = line.split_once(", expected ")?;
    let given = given.split('`').nth(1)?.to_lowercase();
    let known = known.strip_prefix("one of ").unwrap_or(known);
    let names = known.split(", ").flat_map(|part| part.split(" or ")).map(|name| name.trim_matches('`'));
    names
        .map(|name| (distance(&given, &name.to_lowercase()), name))
        .min()
        .and_then(|(distance, name)| (distance <= given.chars().count() * 2 / 5 + 1).then(|| name.to_owned()))
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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
