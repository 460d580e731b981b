//! `braid plan`: shows how an operation is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_query_plan::print::{print as plan_text, stages};
use braid_query_plan::request::{all_parts, request_text};
use braid_query_plan::{EntityFetch, Fetch, FetchKind, Path as TreePath, QueryPlan};
use braid_supergraph::Supergraph;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Failure, complain, print, read_file};
use crate::compile::Compiler;
use crate::limits::LimitsConfig;
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
    /// Say of each fetch what it waits for and why it is there
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
        let compiler = Compiler::new(Arc::new(supergraph), LimitsConfig::default());
        let compiled = compiler.compile(&text, self.operation_name.as_deref()).map_err(|refusal| {
            for error in &refusal.errors {
                let at = error.locations.first().map(|at| format!(" ({}:{})", at.line, at.column)).unwrap_or_default();
                complain(&format!("error {}: {}{at}\n", error.code().unwrap_or("?"), error.message));
            }
            Failure::Negative
        })?;
        let (plan, supergraph) = (compiled.plan(), &*compiler.supergraph);
        match self.format {
            Format::Text => print(&format!("{}\n", plan_text(plan, supergraph).trim_end()))?,
            Format::Json => print(&format!("{:#}\n", in_json(plan, supergraph)))?,
            Format::Mermaid => print(&mermaid(plan, supergraph))?,
        }
        if self.explain { print(&explain(plan, supergraph)) } else { Ok(()) }
    }
}

/// Whoever gives a text with braces does not mean a file.
fn operation(argument: &str) -> Result<String, Failure> {
    if argument.contains('{') && !Path::new(argument).exists() {
        Ok(argument.to_owned())
    } else {
        read_file(Path::new(argument))
    }
}

fn in_json(plan: &QueryPlan, supergraph: &Supergraph) -> Value {
    let stages = stages(plan);
    let fetch = |fetch: &Fetch| {
        let mut value = json!({
            "id": fetch.id.0,
            "stage": stages[fetch.id.0 as usize],
            "subgraph": supergraph.subgraph(fetch.subgraph).name,
            "after": fetch.after.iter().map(|id| id.0).collect::<Vec<_>>(),
            "query": query(fetch, supergraph),
            "variables": fetch.variables.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>(),
        });
        let conditions: Vec<_> = fetch
            .condition
            .literals()
            .iter()
            .map(|literal| json!({ "variable": literal.variable.as_str(), "value": literal.value }))
            .collect();
        if !conditions.is_empty() {
            value["when"] = conditions.into();
        }
        match &fetch.kind {
            FetchKind::Root { operation, path, .. } => {
                value["kind"] = "root".into();
                value["operation"] = operation.to_string().into();
                value["path"] = keys(path).into();
            }
            FetchKind::Entities(entities) => {
                value["kind"] = "entities".into();
                value["entities"] = entities.iter().map(|entities| entities_json(entities, supergraph)).collect();
            }
        }
        value
    };
    json!({ "kind": plan.kind.to_string(), "fetches": plan.fetches.iter().map(fetch).collect::<Vec<_>>() })
}

fn entities_json(entities: &EntityFetch, supergraph: &Supergraph) -> Value {
    let representations = entities.representations.iter().map(|representation| {
        let types: Vec<_> = representation.guard.iter().map(|ty| supergraph.schema.ty(ty).name.as_str()).collect();
        let fields = |is_key: bool| -> Vec<&str> {
            representation
                .fields
                .iter()
                .filter(|field| field.is_key == is_key)
                .map(|field| field.name.as_str())
                .collect()
        };
        json!({ "types": types, "key": fields(true), "requires": fields(false) })
    });
    json!({ "path": keys(&entities.path), "representations": representations.collect::<Vec<_>>() })
}

fn keys(path: &TreePath) -> Vec<&str> {
    path.0.iter().map(|segment| segment.key.as_str()).collect()
}

fn query(fetch: &Fetch, supergraph: &Supergraph) -> String {
    request_text(fetch, &supergraph.schema, None, &all_parts(fetch)).query
}

/// A flowchart: a box for each fetch, an arrow from each that it waits for.
fn mermaid(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let mut out = String::from("flowchart TD\n  client([client])\n");
    for fetch in &plan.fetches {
        let what = match &fetch.kind {
            FetchKind::Root { operation, .. } => operation.to_string(),
            FetchKind::Entities(entities) => {
                let paths: Vec<_> = entities.iter().map(|entities| keys(&entities.path).join(".")).collect();
                format!("entities at {}", paths.join(", "))
            }
        };
        let label = format!("{}: {what}", supergraph.subgraph(fetch.subgraph).name).replace('"', "&quot;");
        out.push_str(&format!("  f{}[\"{label}\"]\n", fetch.id.0));
        if fetch.after.is_empty() {
            out.push_str(&format!("  client --> f{}\n", fetch.id.0));
        }
        for before in &fetch.after {
            out.push_str(&format!("  f{} --> f{}\n", before.0, fetch.id.0));
        }
    }
    out
}

fn explain(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let stages = stages(plan);
    let last = stages.iter().max().copied().unwrap_or(0);
    let mut out = format!("\n{} fetches in {last} stages.\n", plan.fetches.len());
    for fetch in &plan.fetches {
        let name = &supergraph.subgraph(fetch.subgraph).name;
        out.push_str(&format!("\nFetch {} asks \"{name}\" in stage {}", fetch.id.0, stages[fetch.id.0 as usize]));
        match &fetch.after[..] {
            [] => out.push_str(": it waits for nothing.\n"),
            after => {
                let after: Vec<_> = after.iter().map(|id| id.0.to_string()).collect();
                out.push_str(&format!(", after fetch {}.\n", after.join(", ")));
            }
        }
        if let FetchKind::Entities(entities) = &fetch.kind {
            entities.iter().for_each(|entities| out.push_str(&explain_entities(entities, name, supergraph)));
        }
    }
    out
}

fn explain_entities(entities: &EntityFetch, subgraph: &str, supergraph: &Supergraph) -> String {
    let mut out = String::new();
    for representation in &entities.representations {
        let types: Vec<_> = representation.guard.iter().map(|ty| supergraph.schema.ty(ty).name.as_str()).collect();
        let named = |is_key| {
            let fields = representation.fields.iter().filter(|field| field.is_key == is_key);
            fields.map(|field| field.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        out.push_str(&format!(
            "  At {}, \"{subgraph}\" is entered by the key \"{}\" of {}",
            keys(&entities.path).join("."),
            named(true),
            types.join(", "),
        ));
        let required = named(false);
        out.push_str(&if required.is_empty() { ".\n".to_owned() } else { format!("; it requires \"{required}\".\n") });
    }
    out
}
