//! `braid usage`: what usage logs say of a graph.

use std::path::PathBuf;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_net::chain;
use braid_schema_checks::usage::{read_records, summarise};
use braid_supergraph::Supergraph;
use clap::{Args, ValueEnum};

use super::terminal::{Failure, complain, print, read_file};
use super::versions::is_supergraph;
use crate::source::paths;

/// Summarise usage logs: which fields nobody uses, who still uses deprecated ones, and what each client uses.
#[derive(Debug, Args)]
pub(super) struct UsageCommand {
    /// Usage logs, as the router writes them (usage.file in router.yaml)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The supergraph, or the API schema
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Only requests of this client
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// The form of the summary
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

impl UsageCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let schema = self.schema()?;
        let (mut records, mut is_complete) = (Vec::new(), true);
        for path in &self.files {
            let (read, problems) = read_records(&paths::name(path), &read_file(path)?);
            records.extend(read.into_iter().map(|(_, record)| record));
            problems.iter().for_each(|problem| complain(&format!("error {problem}\n")));
            is_complete &= problems.is_empty();
        }
        if let Some(client) = &self.client {
            records.retain(|record| record.client() == Some(client) || record.unrecorded > 0);
        }
        let summary = summarise(&records, &schema);
        match self.format {
            Format::Text => print(&summary.to_string())?,
            Format::Json => {
                let json = serde_json::to_string_pretty(&summary);
                print(&(json.map_err(|error| Failure::Other(error.to_string()))? + "\n"))?;
            }
        }
        // What could be read is summarised all the same.
        if is_complete { Ok(()) } else { Err(Failure::Unreadable("not all lines could be read".to_owned())) }
    }

    fn schema(&self) -> Result<Valid<Schema>, Failure> {
        let (text, file) = (read_file(&self.schema)?, paths::name(&self.schema));
        if is_supergraph(&text) {
            let supergraph = Supergraph::read(&text);
            return supergraph
                .map(|supergraph| supergraph.api_schema)
                .map_err(|error| Failure::Unreadable(format!("{file}: {}", chain(&error))));
        }
        Schema::parse_and_validate(text, &file)
            .map_err(|failure| Failure::Unreadable(format!("{file} is not a schema: {}", failure.errors)))
    }
}
