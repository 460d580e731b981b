//! Plans as a drawing (mermaid): a box for each fetch, an arrow for each wait. Knows names from the supergraph only.

use std::fmt::Write as _;

use braid_supergraph::Supergraph;

use crate::plan::{Fetch, FetchKind, FetchSelection, QueryPlan};
use crate::print::Lists;

/// The plan as the text of a mermaid flowchart.
pub fn print_mermaid(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let lists = Lists::of(plan, supergraph);
    let mut out = String::from("flowchart LR\n");
    for fetch in &plan.fetches {
        let label = label(fetch, supergraph, &lists).replace('"', "#quot;");
        let _ = writeln!(out, "  f{}[\"{label}\"]", fetch.id.0);
        for before in &fetch.after {
            let _ = writeln!(out, "  f{} --> f{}", before.0, fetch.id.0);
        }
    }
    out
}

fn label(fetch: &Fetch, supergraph: &Supergraph, lists: &Lists) -> String {
    let mut label = format!("<b>{}</b>", supergraph.subgraph(fetch.subgraph).name);
    for literal in fetch.condition.literals() {
        let _ = write!(label, "<br/>{} ${}", if literal.value { "if" } else { "unless" }, literal.variable);
    }
    match &fetch.kind {
        FetchKind::Root { path, operation, selections } => {
            let _ = write!(label, "<br/>{operation} {}", lists.show(path, supergraph));
            let _ = write!(label, "<br/>{}", fields(selections));
        }
        FetchKind::Entities(entities) => {
            for fetch in entities {
                let _ = write!(label, "<br/>{}: {}", lists.show(&fetch.path, supergraph), fields(&fetch.selections));
            }
        }
    }
    label
}

/// The names at the top of a selection, through fragments.
fn fields(selections: &[FetchSelection]) -> String {
    fn collect<'s>(selections: &'s [FetchSelection], into: &mut Vec<&'s str>) {
        for selection in selections {
            match selection {
                FetchSelection::Field(field) if !into.contains(&field.name.as_str()) => into.push(&field.name),
                FetchSelection::Field(_) => {}
                FetchSelection::InlineFragment { selections, .. } => collect(selections, into),
            }
        }
    }
    let mut names = Vec::new();
    collect(selections, &mut names);
    names.join(" ")
}
