//! `braid dev`: `serve` for a developer's day. Starts with what is not right yet, shows problems as they are typed, and answers for subgraphs that
//! are not there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use braid_plugin::Plugins;
use braid_telemetry::metrics::Metrics;
use clap::Args;
use indexmap::IndexMap;
use tokio::sync::watch;

use super::compose::{Format, show};
use super::serve::{failure, run_server, serve, stop_signal};
use super::terminal::{Failure, complain};
use crate::assemble::Version;
use crate::load_error::LoadError;
use crate::problems::{Problem, Problems, Standing};
use crate::reload::{Blueprint, Origins};
use crate::source::SourceError;
use crate::source::supergraph_yaml::{SchemaLocation, SubgraphYaml};
use crate::stand_ins::{StandInError, StandInOptions};
use braid_config::Config;

/// How often running subgraphs are asked for their schema, unless router.yaml says more often.
const POLL: Duration = Duration::from_secs(2);

/// Serve while you develop.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// A supergraph.yaml (default: that of router.yaml, or supergraph.yaml), or subgraphs: NAME=URL of a running one, NAME=FILE of one that is
    /// mocked
    #[arg(value_name = "SUBGRAPHS")]
    subgraphs: Vec<String>,
    /// The router's configuration (default: router.yaml, if it is there)
    #[arg(long, value_name = "FILE", env = "BRAID_CONFIG")]
    config: Option<PathBuf>,
    /// The address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", env = "BRAID_LISTEN")]
    listen: Option<SocketAddr>,
    /// Make up the answers of a subgraph; can be repeated
    #[arg(long, value_name = "NAME")]
    mock: Vec<String>,
    /// Make up the answers of subgraphs that can't be reached; with --replay, those that are not recorded
    #[arg(long)]
    mock_missing: bool,
    /// What made-up answers have (default: mocks.yaml, if it is there)
    #[arg(long, value_name = "FILE")]
    mocks: Option<PathBuf>,
    /// Keep the answers of subgraphs in a folder
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Give the answers that are in a folder, and ask no subgraph
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,
}

impl Dev {
    pub(super) fn run(self, plugins: Plugins) -> Result<(), Failure> {
        let blueprint = self.blueprint(plugins)?;
        run_server(develop(blueprint))
    }

    fn blueprint(self, plugins: Plugins) -> Result<Blueprint, Failure> {
        if let Some(folder) = self.replay.as_ref().filter(|folder| !folder.is_dir()) {
            let folder = folder.display();
            return Err(Failure::Unreadable(format!(
                "--replay {folder}: there is no such folder; record one with braid dev --record {folder}"
            )));
        }
        let config_file = self.config.or_else(|| existing("router.yaml"));
        let chosen = Chosen::of(&self.subgraphs, config_file.as_deref())?;
        let mut mocked: std::collections::BTreeSet<String> = self.mock.into_iter().collect();
        // There is nobody who could be asked.
        mocked.extend(chosen.without_url);
        Ok(Blueprint {
            config_file,
            subgraphs: chosen.file,
            listed: chosen.listed,
            listen: self.listen,
            development: true,
            poll_at_least: Some(POLL),
            plugins,
            stand_ins: StandInOptions {
                mocked,
                mock_missing: self.mock_missing,
                mocks: self.mocks.or_else(|| existing("mocks.yaml")),
                record: self.record,
                replay: self.replay,
                ..StandInOptions::default()
            },
            problems: Problems::shown(),
            ..Blueprint::default()
        })
    }
}

fn existing(file: &str) -> Option<PathBuf> {
    Some(PathBuf::from(file)).filter(|file| file.is_file())
}

/// The subgraphs that the command line chooses.
#[derive(Debug, Default, PartialEq)]
struct Chosen {
    /// A supergraph.yaml, instead of that of router.yaml.
    file: Option<PathBuf>,
    listed: Option<IndexMap<String, SubgraphYaml>>,
    /// Those of which there is only a schema.
    without_url: Vec<String>,
}

impl Chosen {
    fn of(arguments: &[String], config_file: Option<&Path>) -> Result<Self, Failure> {
        match arguments {
            [] => Self::by_default(config_file),
            [file] if !file.contains('=') => {
                let path = PathBuf::from(file);
                match path.is_file() {
                    true => Ok(Self { file: Some(path), ..Self::default() }),
                    false => Err(Failure::Unreadable(format!(
                        "{file} can't be read; give a supergraph.yaml, or subgraphs as NAME=URL or NAME=FILE"
                    ))),
                }
            }
            many => Self::listed(many),
        }
    }

    fn by_default(config_file: Option<&Path>) -> Result<Self, Failure> {
        // A file that is not right is reported when it is loaded.
        let schema =
            config_file.and_then(|file| Config::load(file).ok()).map(|config| config.schema).unwrap_or_default();
        match (schema.subgraphs, existing("supergraph.yaml")) {
            (Some(_), _) => Ok(Self::default()),
            (None, Some(file)) => Ok(Self { file: Some(file), ..Self::default() }),
            (None, None) => Err(Failure::Usage(
                "there is no supergraph.yaml here; write one, give subgraphs as NAME=URL or NAME=FILE, or start a project with braid init"
                    .to_owned(),
            )),
        }
    }

    fn listed(arguments: &[String]) -> Result<Self, Failure> {
        let mut listed = IndexMap::new();
        let mut without_url = Vec::new();
        for argument in arguments {
            let Some((name, place)) =
                argument.split_once('=').filter(|(name, place)| !name.is_empty() && !place.is_empty())
            else {
                return Err(Failure::Usage(format!("{argument}: write NAME=URL or NAME=FILE")));
            };
            let subgraph = if place.starts_with("http://") || place.starts_with("https://") {
                let schema = SchemaLocation::Live { url: place.to_owned(), headers: IndexMap::new() };
                SubgraphYaml { routing_url: None, schema }
            } else {
                without_url.push(name.to_owned());
                // A name that no machine has (RFC 2606): nobody is asked there.
                let routing_url = Some(format!("http://{name}.invalid/"));
                SubgraphYaml { routing_url, schema: SchemaLocation::File(PathBuf::from(place)) }
            };
            if listed.insert(name.to_owned(), subgraph).is_some() {
                return Err(Failure::Usage(format!("{name} is given twice")));
            }
        }
        Ok(Self { file: None, listed: Some(listed), without_url })
    }
}

async fn develop(blueprint: Blueprint) -> Result<(), Failure> {
    let metrics = Arc::new(Metrics::default());
    let Some(first) = first(&blueprint, &metrics).await? else { return Ok(()) };
    let StandInOptions { mocked, record, replay, .. } = &blueprint.stand_ins;
    for subgraph in mocked {
        tracing::info!(subgraph, "Its answers are made up");
    }
    if let Some(folder) = record {
        tracing::info!(folder = %folder.display(), "The answers of subgraphs are recorded");
    }
    if let Some(folder) = replay {
        tracing::info!(folder = %folder.display(), "No subgraph is asked: answers are those that were recorded");
    }
    let showing = tokio::spawn(show_problems(blueprint.problems.watch()));
    let done = serve(blueprint, metrics, first).await;
    showing.abort();
    done
}

/// The first version, as soon as there is one; `None` if that is not waited for any more.
async fn first(blueprint: &Blueprint, metrics: &Arc<Metrics>) -> Result<Option<(Version, Origins)>, Failure> {
    let mut shown = None;
    loop {
        let began = SystemTime::now();
        let error = match blueprint.first(metrics).await {
            Ok(first) => return Ok(Some(first)),
            Err(error) => error,
        };
        // No file can mend these.
        if matches!(error, LoadError::NoSource | LoadError::StandIns(StandInError::Unknown { .. })) {
            return Err(failure(error));
        }
        let problem = error.problem();
        if shown.as_ref() != Some(&problem) {
            complain(&text(&problem));
            if matches!(error, LoadError::Source(SourceError::Introspection { .. })) {
                complain(
                    "Start it, or have it mocked: --mock-missing, with its schema in mocks.yaml (subgraphs.NAME.schema).\n",
                );
            }
            complain("Nothing is served yet: waiting for a change.\n\n");
            shown = Some(problem);
        }
        tokio::select! {
            () = blueprint.changed(began) => {}
            () = stop_signal() => return Ok(None),
        }
    }
}

/// Shows each new problem.
async fn show_problems(mut standing: watch::Receiver<Standing>) {
    while standing.changed().await.is_ok() {
        let problem = standing.borrow_and_update().problem.clone();
        if let Some(problem) = problem {
            complain(&text(&problem));
            complain("The last good version is still served.\n\n");
        }
    }
}

fn text(problem: &Problem) -> String {
    match problem.errors.is_empty() {
        true => format!("error: {}\n", problem.message),
        false => show(Format::Text, &problem.errors, &problem.hints, &problem.subgraphs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(arguments: &[&str]) -> Result<Chosen, String> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Chosen::of(&arguments, None).map_err(|failure| match failure {
            Failure::Usage(message) | Failure::Unreadable(message) => message,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn subgraphs_can_be_listed() {
        let found = chosen(&["products=http://127.0.0.1:1/graphql?a=b", "reviews=./reviews.graphql"]).unwrap();
        let listed = found.listed.unwrap();
        let SchemaLocation::Live { url, .. } = &listed["products"].schema else { panic!("{listed:?}") };
        assert_eq!(url, "http://127.0.0.1:1/graphql?a=b");
        assert_eq!(listed["reviews"].schema, SchemaLocation::File("./reviews.graphql".into()));
        assert_eq!(found.without_url, ["reviews"]);
    }

    #[test]
    fn mistakes_say_what_to_write() {
        assert!(chosen(&["a=", "b=c"]).unwrap_err().contains("write NAME=URL or NAME=FILE"));
        assert!(chosen(&["supergraph.yaml", "a=b"]).unwrap_err().contains("supergraph.yaml: write NAME=URL"));
        assert!(chosen(&["a=b", "a=c"]).unwrap_err().contains("a is given twice"));
        assert!(chosen(&["missing.yaml"]).unwrap_err().contains("can't be read"));
    }
}
