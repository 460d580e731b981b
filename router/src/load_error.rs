//! Why a version can't be loaded. Knows no version.

use braid_net::chain;
use braid_popular_operations::PopularOperationsError;
use braid_telemetry::otlp::ExporterError;

use crate::assemble::VersionError;
use crate::operations::OperationsError;
use crate::problems::Problem;
use crate::source::SourceError;
use crate::stand_ins::StandInError;
use braid_config::ConfigError;

/// Why a version can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no schema source.
    #[error(
        "there is no schema; set --supergraph FILE, --subgraphs supergraph.yaml, or schema.supergraph or schema.subgraphs in --config FILE"
    )]
    NoSource,
    /// The schema source can't be loaded.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There can be no stand-ins for subgraphs.
    #[error(transparent)]
    StandIns(#[from] StandInError),
    /// The list of persisted operations can't be used.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// Operations can't be shared with other routers.
    #[error(transparent)]
    PopularOperations(#[from] PopularOperationsError),
    /// The version can't be built.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The collector's certificates can't be used.
    #[error("telemetry.trace.otlp can't be used")]
    Exporter(#[from] ExporterError),
}

impl LoadError {
    /// What stands in the way, for those who show it.
    pub fn problem(&self) -> Problem {
        let message = chain(self);
        match self {
            Self::Source(SourceError::DoesNotCompose { errors, hints, subgraphs }) => {
                Problem { message, errors: errors.clone(), hints: hints.clone(), subgraphs: subgraphs.clone() }
            }
            _ => Problem { message, errors: Vec::new(), hints: Vec::new(), subgraphs: Vec::new() },
        }
    }
}
