//! supergraph.yaml: the subgraphs of a supergraph, in the format of Apollo's Rover. Reads no schema.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use braid_composition::NEWEST_FEDERATION_2;
use braid_contracts::ContractFilter;
use braid_schema_checks::config::{CheckConfig, OperationsEntry};
use braid_schema_checks::lint::LintConfig;
use braid_settings::expand::{self, ExpandError};
use braid_settings::{YamlError, from_yaml};
use indexmap::IndexMap;
use serde::Deserialize;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupergraphYaml {
    /// The version of Federation, such as `=2.9`. It only has to be a known one: composition goes by what each subgraph links.
    #[serde(default)]
    pub federation_version: Option<String>,
    /// By name.
    pub subgraphs: IndexMap<String, SubgraphYaml>,
    /// Configuration of `braid check`.
    #[serde(default)]
    pub check: CheckConfig,
    /// Configuration of `braid lint`.
    #[serde(default)]
    pub lint: LintConfig,
    /// Contracts: variants of the supergraph for some of its clients, by name.
    #[serde(default)]
    pub contracts: BTreeMap<String, ContractFilter>,
    /// Files with the operations that clients send.
    #[serde(default)]
    pub operations: Vec<OperationsEntry>,
}

/// One subgraph.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubgraphYaml {
    /// The URL at which the router calls it.
    #[serde(default)]
    pub routing_url: Option<String>,
    /// Its schema.
    #[serde(deserialize_with = "schema")]
    pub schema: SchemaLocation,
}

/// Where a subgraph's schema comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaLocation {
    /// A file, relative to supergraph.yaml.
    File(PathBuf),
    /// The text in supergraph.yaml.
    Inline(String),
    /// The running subgraph is asked.
    Live {
        /// The URL.
        url: String,
        /// The headers of the request.
        headers: IndexMap<String, String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaYaml {
    file: Option<PathBuf>,
    sdl: Option<String>,
    subgraph_url: Option<String>,
    #[serde(default)]
    introspection_headers: IndexMap<String, String>,
    graphref: Option<String>,
    #[serde(rename = "subgraph")]
    _subgraph: Option<String>,
}

fn schema<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SchemaLocation, D::Error> {
    use serde::de::Error;
    let yaml = SchemaYaml::deserialize(deserializer)?;
    match (yaml.file, yaml.sdl, yaml.subgraph_url) {
        _ if yaml.graphref.is_some() => Err(D::Error::custom(
            "graphref refers to a schema registry, which is not supported; use file or subgraph_url",
        )),
        (Some(file), None, None) => Ok(SchemaLocation::File(file)),
        (None, Some(sdl), None) => Ok(SchemaLocation::Inline(sdl)),
        (None, None, Some(url)) => Ok(SchemaLocation::Live { url, headers: yaml.introspection_headers }),
        _ => Err(D::Error::custom("schema needs exactly one of file, subgraph_url and sdl")),
    }
}

/// What is wrong with a supergraph.yaml.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSupergraphYaml {
    /// A `${…}` can't be replaced.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// It is not the YAML that is expected.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A version of Federation that is not known.
    #[error("federation_version: Federation \"{0}\" is not known; write 1, 2, or =2.0 to =2.{NEWEST_FEDERATION_2}")]
    UnknownVersion(String),
    /// It lists no subgraph.
    #[error("subgraphs: list at least one subgraph")]
    NoSubgraphs,
    /// A subgraph has no URL.
    #[error("subgraphs.{0}: set routing_url, the URL at which the router calls it")]
    NoRoutingUrl(String),
}

impl SupergraphYaml {
    /// Parses the text. `${env.…}` and `${file.…}` are replaced; files are relative to `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, InvalidSupergraphYaml> {
        let yaml: Self = from_yaml(&expand::expand(text, &expand::Process(folder))?)?;
        if let Some(version) = &yaml.federation_version
            && !is_known(version)
        {
            return Err(InvalidSupergraphYaml::UnknownVersion(version.clone()));
        }
        if yaml.subgraphs.is_empty() {
            return Err(InvalidSupergraphYaml::NoSubgraphs);
        }
        for (name, subgraph) in &yaml.subgraphs {
            let has_url = subgraph.routing_url.as_ref().is_some_and(|url| !url.is_empty());
            if !has_url && !matches!(subgraph.schema, SchemaLocation::Live { .. }) {
                return Err(InvalidSupergraphYaml::NoRoutingUrl(name.clone()));
            }
        }
        Ok(yaml)
    }
}

/// Whether a version of Federation is one that composition knows: `1`, `2`, `=2.9`, `=2.9.1`, `latest-2`.
fn is_known(version: &str) -> bool {
    let version = version.trim();
    if let Some(major) = version.strip_prefix("latest-") {
        return matches!(major, "0" | "1" | "2");
    }
    let mut numbers = version.trim_start_matches(['=', 'v']).split('.').map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next()) {
        (Some(0 | 1), _) | (Some(2), None) => true,
        (Some(2), Some(Some(minor))) => minor <= NEWEST_FEDERATION_2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<usize, &str>) {
        match (SupergraphYaml::parse(text, Path::new(".")), expected) {
            (Ok(yaml), Ok(count)) => assert_eq!(yaml.subgraphs.len(), count),
            (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn the_format_of_rover() {
        check(
            "federation_version: =2.9\nsubgraphs:\n  users:\n    routing_url: http://u\n    schema: { file: ./users.graphql }\n  orders:\n    schema:\n      subgraph_url: http://o\n      introspection_headers: { authorization: x }\n",
            Ok(2),
        );
        for version in ["1", "2", "=2.0", "=2.9.1", "latest-2"] {
            let subgraphs = "subgraphs: { a: { routing_url: http://a, schema: { sdl: 'type Query { a: Int }' } } }";
            check(&format!("federation_version: {version}\n{subgraphs}"), Ok(1));
        }
    }

    #[test]
    fn mistakes() {
        check("subgraphs: {}", Err("at least one"));
        check("subgraphs: { a: { schema: { file: x } } }", Err("set routing_url"));
        check("subgraphs: { a: { routing_url: u, schema: { file: x, sdl: y } } }", Err("exactly one"));
        check("subgraphs: { a: { routing_url: u, schema: { graphref: x@y, subgraph: a } } }", Err("registry"));
        check("federation_version: =9.9\nsubgraphs: { a: { routing_url: u, schema: { file: x } } }", Err("not known"));
        check("federation_version: two\nsubgraphs: { a: { routing_url: u, schema: { file: x } } }", Err("not known"));
        check(
            "subgraphs: { a: { routing_url: u, schema: { file: x } }, a: { routing_url: u, schema: { file: y } } }",
            Err("\"a\" is given twice"),
        );
        check("subgraphs: { a: { routing_ulr: u, schema: { file: x } } }", Err("Did you mean \"routing_url\"?"));
    }
}
