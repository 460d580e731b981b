//! `braid docs`: writes a static site that documents a graph.

mod folder;

use std::path::{Path, PathBuf};

use braid_composition::Composer;
use braid_graph_docs::{ExampleOperation, SiteOptions, write_site};
use braid_net::chain;
use braid_schema_checks::operations::KnownOperation;
use braid_supergraph::Supergraph;
use braid_transport::config::TrafficConfig;
use clap::Args;

use super::known::find;
use super::terminal::{Failure, block_on, complain, read_file};
use crate::source::{Source, SourceError};
use folder::{FolderError, SiteFolder};

/// Write a static site that documents a graph.
///
/// The site needs no server and loads nothing from elsewhere: open index.html, or copy the folder to any web server.
#[derive(Debug, Args)]
pub(super) struct Docs {
    /// A composed supergraph, or a supergraph.yaml that lists the subgraphs
    #[arg(value_name = "SUPERGRAPH", env = "SUPERGRAPH_PATH")]
    supergraph: PathBuf,
    /// The folder to write to: a new or empty one, or one that this command wrote before
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Operations to show as examples: a document, a manifest, or a folder of them. Can be repeated
    #[arg(long, value_name = "FILE|FOLDER")]
    operations: Vec<PathBuf>,
    /// The name of the graph
    #[arg(long, value_name = "TEXT", default_value = "GraphQL API")]
    title: String,
    /// Also show what clients don't see (`@inaccessible`), with a mark, and the URLs of subgraphs
    #[arg(long)]
    internal: bool,
}

impl Docs {
    pub(super) fn run(self) -> Result<(), Failure> {
        let sdl = self.sdl()?;
        let supergraph = Supergraph::read(&sdl)
            .map_err(|error| Failure::Usage(format!("{}: {}", self.supergraph.display(), chain(&error))))?;
        let operations = self.examples();
        let mut folder = SiteFolder::open(&self.out)?;
        let options = SiteOptions { title: self.title.clone(), internal: self.internal };
        let summary = write_site(&supergraph, &options, &operations, &mut folder)
            .map_err(|source| FolderError::Unwritable { folder: self.out.clone(), source })?;
        folder.finish()?;
        for unusable in &summary.unusable {
            let (name, file, reason) = (&unusable.name, &unusable.file, &unusable.reason);
            complain(&format!("warning: \"{name}\" ({file}) is left out: {reason}\n"));
        }
        let index = self.out.join("index.html");
        complain(&format!("{} files are written; open {}\n", summary.files, index.display()));
        Ok(())
    }

    fn sdl(&self) -> Result<String, Failure> {
        let extension = self.supergraph.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("yaml" | "yml")) {
            return read_file(&self.supergraph);
        }
        let (source, mut composer, traffic) =
            (Source::Subgraphs(self.supergraph.clone()), Composer::default(), TrafficConfig::default());
        block_on(async {
            match source.load(&mut composer, &traffic).await {
                Ok(loaded) => Ok(loaded.supergraph_sdl),
                Err(SourceError::DoesNotCompose { errors, hints, subgraphs }) => {
                    complain(&super::compose::show(super::compose::Format::Text, &errors, &hints, &subgraphs));
                    Err(Failure::Negative)
                }
                Err(error @ SourceError::Invalid { .. }) => Err(Failure::Usage(chain(&error))),
                Err(error @ SourceError::Panicked(_)) => Err(Failure::Other(chain(&error))),
                Err(error) => Err(Failure::Unreadable(chain(&error))),
            }
        })
    }

    /// The operations that can be read. What can't be is a warning: the rest of the site is as good.
    fn examples(&self) -> Vec<ExampleOperation> {
        let known = find(Path::new(""), &[], &self.operations, &[]);
        known.problems.iter().for_each(|problem| complain(&format!("warning: {problem}\n")));
        let example =
            |known: KnownOperation| Some(ExampleOperation { name: known.id, file: known.file, text: known.text? });
        known.operations.into_iter().filter_map(example).collect()
    }
}
