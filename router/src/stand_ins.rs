//! What answers for subgraphs that are not there, from the options of `braid dev`: mocks, and folders of recorded answers. Knows no request.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_composition::SubgraphSdl;
use braid_graphql::suggest::did_you_mean;
use braid_mock::config::MocksConfig;
use braid_mock::{Mock, MockError};
use braid_record::{RecordError, Recordings};
use braid_settings::{YamlError, from_yaml, is_blank};
use braid_stand_in::{StandIn, StandIns};

use crate::source::substitutes::{SeenSchemas, Substitutes};

/// Which subgraphs have a stand-in.
#[derive(Debug, Clone, Default)]
pub struct StandInOptions {
    /// These are mocked.
    pub mocked: BTreeSet<String>,
    /// Those that can't be reached are mocked.
    pub mock_missing: bool,
    /// mocks.yaml: what mocks answer.
    pub mocks: Option<PathBuf>,
    /// A folder in which answers of subgraphs are kept.
    pub record: Option<PathBuf>,
    /// A folder from which answers are given. No subgraph is asked.
    pub replay: Option<PathBuf>,
    /// The schemas that subgraphs gave last.
    pub seen: SeenSchemas,
}

/// Why there can be no stand-ins.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// mocks.yaml can't be read.
    #[error("{} can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// mocks.yaml is not the YAML that is expected.
    #[error("{}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: YamlError,
    },
    /// A setting of mocks.yaml can't be used.
    #[error("{}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A subgraph that there is not is to be mocked.
    #[error("--mock {name}: there is no such subgraph.{advice}")]
    Unknown {
        /// The name.
        name: String,
        /// The name that was probably meant.
        advice: String,
    },
    /// A schema can't be mocked.
    #[error(transparent)]
    Mock(#[from] MockError),
    /// A schema can't be recorded.
    #[error("the schemas of subgraphs can't be recorded")]
    Record(#[from] RecordError),
}

impl StandInOptions {
    /// What mocks answer; paths are relative to the file.
    pub fn mocks(&self) -> Result<Arc<MocksConfig>, StandInError> {
        let Some(path) = &self.mocks else { return Ok(Arc::default()) };
        let text =
            std::fs::read_to_string(path).map_err(|source| StandInError::Unreadable { path: path.clone(), source })?;
        let mut config: MocksConfig = match is_blank(&text) {
            true => MocksConfig::default(),
            false => from_yaml(&text).map_err(|source| StandInError::Yaml { path: path.clone(), source })?,
        };
        config.check().map_err(|problem| StandInError::Invalid { path: path.clone(), problem })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for schema in config.subgraphs.values_mut().filter_map(|mocks| mocks.schema.as_mut()) {
            *schema = folder.join(&*schema);
        }
        Ok(Arc::new(config))
    }

    /// Where schemas come from instead of running subgraphs.
    pub fn substitutes(&self, mocks: &MocksConfig) -> Substitutes {
        let files = mocks.subgraphs.iter().filter_map(|(name, mocks)| Some((name.clone(), mocks.schema.clone()?)));
        let (instead, otherwise) = files.partition(|(name, _)| self.mocked.contains(name));
        Substitutes {
            instead,
            folder: self.replay.clone(),
            otherwise: if self.mock_missing { otherwise } else { Default::default() },
            seen: self.mock_missing.then(|| self.seen.clone()),
        }
    }

    /// The stand-ins of these subgraphs.
    pub fn of(&self, subgraphs: &[SubgraphSdl], mocks: &Arc<MocksConfig>) -> Result<StandIns, StandInError> {
        let names = || subgraphs.iter().map(|subgraph| subgraph.name.as_str());
        for name in &self.mocked {
            if !names().any(|known| known == name) {
                return Err(StandInError::Unknown { name: name.clone(), advice: did_you_mean(name, names()) });
            }
        }
        let mut stand_ins = StandIns::new();
        for subgraph in subgraphs {
            let is_mocked = self.mocked.contains(&subgraph.name);
            let mock = match is_mocked || self.mock_missing {
                true => Some(Arc::new(Mock::new(&subgraph.name, &subgraph.sdl, mocks.clone())?)),
                false => None,
            };
            for problem in mock.iter().flat_map(|mock| mock.unknown_fields()) {
                tracing::warn!(problem, "A hint for mocks has no effect");
            }
            let stand_in = StandIn {
                replay: self.replay.as_ref().map(Recordings::new),
                asks: !is_mocked && self.replay.is_none(),
                mock,
                record: self.record.as_ref().map(Recordings::new),
            };
            if stand_in.mock.is_some() || stand_in.replay.is_some() || stand_in.record.is_some() {
                stand_ins.insert(subgraph.name.clone(), stand_in);
            }
        }
        Ok(stand_ins)
    }

    /// Keeps the schemas beside the answers, so that replaying needs no subgraph.
    pub async fn record_schemas(&self, subgraphs: &[SubgraphSdl]) -> Result<(), StandInError> {
        let Some(folder) = &self.record else { return Ok(()) };
        let recordings = Recordings::new(folder);
        for subgraph in subgraphs.iter().filter(|subgraph| !self.mocked.contains(&subgraph.name)) {
            recordings.keep_schema(&subgraph.name, &subgraph.sdl).await?;
        }
        Ok(())
    }
}
