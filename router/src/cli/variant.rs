//! The options of `braid compose` for contracts, and for the schema that clients see.

use std::path::{Path, PathBuf};

use braid_contracts::{ContractError, ContractFilter, contract};
use braid_graphql::compiler::Schema;
use braid_net::chain;
use braid_supergraph::Supergraph;
use clap::Args;

use super::terminal::{Failure, complain};
use super::versions::{Graph, Tree};

/// Which part of the supergraph to output.
#[derive(Debug, Args)]
pub(super) struct Variant {
    /// Keep only elements with one of these tags (@tag), or whose type has one
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    include_tags: Vec<String>,
    /// Remove elements with one of these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    exclude_tags: Vec<String>,
    /// Keep types that become unreachable
    #[arg(long)]
    keep_unreachable: bool,
    /// Use a contract from supergraph.yaml
    #[arg(long, value_name = "NAME", conflicts_with_all = ["include_tags", "exclude_tags"])]
    contract: Option<String>,
    /// Also write the schema that clients see
    #[arg(long, value_name = "FILE")]
    api_schema: Option<PathBuf>,
}

impl Variant {
    /// The supergraph, or the part of it that was asked for. Writes the API schema if that was asked for.
    pub(super) fn of(self, supergraph: String, yaml: &Path) -> Result<String, Failure> {
        let Some(filter) = self.filter(yaml)? else {
            if let Some(path) = &self.api_schema {
                let read = Supergraph::read(&supergraph).map_err(|error| Failure::Other(chain(&error)))?;
                write(path, &read.api_schema.to_string())?;
            }
            return Ok(supergraph);
        };
        let source = Schema::parse(supergraph, "supergraph.graphql")
            .map_err(|failure| Failure::Other(format!("the supergraph can't be read back: {}", failure.errors)))?;
        let contract = contract(&source, &filter).map_err(failure)?;
        for tag in &contract.unknown_tags {
            complain(&format!("warning: no element has the tag \"{tag}\"\n"));
        }
        if let Some(path) = &self.api_schema {
            write(path, &contract.api_schema.to_string())?;
        }
        Ok(contract.supergraph.to_string())
    }

    fn filter(&self, yaml: &Path) -> Result<Option<ContractFilter>, Failure> {
        if let Some(name) = &self.contract {
            let graph = Graph::open(Tree::Disk, yaml)?;
            let known: Vec<&str> = graph.yaml.contracts.keys().map(String::as_str).collect();
            return match graph.yaml.contracts.get(name) {
                Some(filter) => Ok(Some(filter.clone())),
                None if known.is_empty() => Err(Failure::Usage(format!("{} has no contracts", yaml.display()))),
                None => Err(Failure::Usage(format!("there is no contract \"{name}\"; there are {}", known.join(", ")))),
            };
        }
        let asked = !self.include_tags.is_empty() || !self.exclude_tags.is_empty();
        Ok(asked.then(|| ContractFilter {
            include: self.include_tags.clone(),
            exclude: self.exclude_tags.clone(),
            keep_unreachable: self.keep_unreachable,
        }))
    }
}

/// A contract without a valid schema fails like subgraphs that do not compose.
fn failure(error: ContractError) -> Failure {
    match error {
        ContractError::InvalidTag { .. } | ContractError::EmptyFilter => Failure::Usage(error.to_string()),
        ContractError::NothingLeft { .. } | ContractError::Invalid(_) => {
            complain(&format!("error {}: {error}\n", error.code()));
            Failure::Negative
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::Unreadable(format!("{} can't be written: {error}", path.display())))
}
