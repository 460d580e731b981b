//! `braid plan`: shows the query plan of an operation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::names::SchemaNames;
use braid_net::chain;
use braid_query_plan::print::print as print_text;
use braid_query_plan::print_explain::explain;
use braid_query_plan::print_graph::print_mermaid;
use braid_query_plan::print_json::print_json;
use braid_supergraph::Supergraph;
use clap::{Args, ValueEnum};

use super::terminal::{Failure, complain, print, read_file};

/// Show the query plan of an operation.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// A composed supergraph
    #[arg(long, value_name = "FILE", env = "SUPERGRAPH_PATH")]
    supergraph: PathBuf,
    /// A file with the operation, `-` for standard input, or its text
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// The name of the operation, if the document has several
    #[arg(long, value_name = "NAME")]
    operation_name: Option<String>,
    /// The format of the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Explain each fetch: what it waits for, what it needs and returns, and why it goes to this subgraph
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A Mermaid diagram
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
        let Some(plan) = compiled.plan() else { return Ok(()) };
        let supergraph = &*compiler.supergraph;
        match self.format {
            Format::Text => print(&format!("{}\n", print_text(plan, supergraph).trim_end()))?,
            Format::Json => print(&format!("{:#}\n", print_json(plan, supergraph)))?,
            Format::Mermaid => print(&print_mermaid(plan, supergraph))?,
        }
        if self.explain { print(&format!("\n{}", explain(plan, supergraph))) } else { Ok(()) }
    }
}

/// The text of the operation. An argument with braces is the text itself, unless there is a file with that name.
fn operation(argument: &str) -> Result<String, Failure> {
    if argument.contains('{') && !Path::new(argument).exists() {
        Ok(argument.to_owned())
    } else {
        read_file(Path::new(argument))
    }
}
