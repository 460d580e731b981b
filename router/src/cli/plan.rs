//! `braid plan`: shows how an operation is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::names::SchemaNames;
use braid_query_plan::print::print as print_text;
use braid_query_plan::print_explain::explain;
use braid_query_plan::print_graph::print_mermaid;
use braid_query_plan::print_json::print_json;
use braid_supergraph::Supergraph;
use clap::{Args, ValueEnum};

use super::{Failure, complain, print, read_file};
use crate::reload::chain;

/// Show how an operation is answered.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// A composed supergraph
    #[arg(long, value_name = "FILE", env = "SUPERGRAPH_PATH")]
    supergraph: PathBuf,
    /// A file with the operation, `-` for standard input, or its text
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// Which operation of the document
    #[arg(long, value_name = "NAME")]
    operation_name: Option<String>,
    /// The form of the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Explain each fetch: what it waits for, takes and returns, and why no other subgraph is asked
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A diagram
    Mermaid,
}

impl Plan {
    pub(super) fn run(self) -> Result<(), Failure> {
        let sdl = read_file(&self.supergraph)?;
        let supergraph = Supergraph::read(&sdl)
            .map_err(|error| Failure::Usage(format!("{}: {}", self.supergraph.display(), chain(&error))))?;
        let text = operation(&self.operation)?;
        let mut compiler = Compiler::new(Arc::new(supergraph), LimitsConfig::default());
        compiler.names = SchemaNames::Shown;
        let compiled = compiler.compile(&text, self.operation_name.as_deref()).map_err(|refusal| {
            for error in &refusal.errors {
                let at = error.locations.first().map(|at| format!(" ({}:{})", at.line, at.column)).unwrap_or_default();
                complain(&format!("error {}: {}{at}\n", error.code().unwrap_or("?"), error.message));
            }
            Failure::Negative
        })?;
        let (plan, supergraph) = (compiled.plan(), &*compiler.supergraph);
        match self.format {
            Format::Text => print(&format!("{}\n", print_text(plan, supergraph).trim_end()))?,
            Format::Json => print(&format!("{:#}\n", print_json(plan, supergraph)))?,
            Format::Mermaid => print(&print_mermaid(plan, supergraph))?,
        }
        if self.explain { print(&format!("\n{}", explain(plan, supergraph))) } else { Ok(()) }
    }
}

/// A text with braces is not the name of a file, unless there is such a file.
fn operation(argument: &str) -> Result<String, Failure> {
    if argument.contains('{') && !Path::new(argument).exists() {
        Ok(argument.to_owned())
    } else {
        read_file(Path::new(argument))
    }
}
