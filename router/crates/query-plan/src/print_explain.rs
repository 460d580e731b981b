//! The explanation of a plan as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use braid_supergraph::Supergraph;

use crate::explanation::{ExplainedFetch, Explanation, Given, Input, explanation};
use crate::plan::QueryPlan;

/// For each fetch: why it exists, what it needs, what it costs, and who else could have been asked.
pub fn explain(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let explanation = explanation(plan, supergraph);
    let Explanation { stages, fetches } = &explanation;
    let mut out = format!("{}, {}\n", count(fetches.len(), "fetch"), count(*stages, "stage"));
    for fetch in fetches {
        let _ = writeln!(out, "\nfetch {} (stage {}): {}", fetch.id, fetch.stage, fetch.subgraph);
        waits(fetch, fetches, &mut out);
        for place in &fetch.places {
            let indent = if fetch.is_lookup { "    " } else { "  " };
            if fetch.is_lookup {
                let _ = writeln!(out, "  at {}", place.path);
            }
            for input in &place.inputs {
                let _ = writeln!(out, "    {} {}", input.types, found_by(input));
            }
            gives(&place.gives, indent, &mut out);
        }
    }
    out
}

fn count(number: usize, what: &str) -> String {
    let plural = if what.ends_with('h') { "es" } else { "s" };
    format!("{number} {what}{}", if number == 1 { "" } else { plural })
}

fn waits(fetch: &ExplainedFetch, all: &[ExplainedFetch], out: &mut String) {
    if fetch.after.is_empty() {
        out.push_str("  waits for nothing\n");
        return;
    }
    let name = |id: &u32| {
        let subgraph = all.get(*id as usize).map(|fetch| fetch.subgraph.as_str());
        format!("fetch {id} ({})", subgraph.unwrap_or_default())
    };
    let names: Vec<String> = fetch.after.iter().map(name).collect();
    let _ = writeln!(out, "  waits for {}", names.join(", "));
}

/// `is found by id, and given price, weight`
fn found_by(input: &Input) -> String {
    let keys = input.keys.join(", ");
    match input.required.is_empty() {
        true => format!("is found by {keys}"),
        false => format!("is found by {keys}, and given {}", input.required.join(", ")),
    }
}

fn gives(fields: &[Given], indent: &str, out: &mut String) {
    let mut said = BTreeSet::new();
    for given in fields.iter().filter(|given| said.insert(given.field.as_str())) {
        let others: Vec<String> =
            given.others.iter().map(|other| format!("{} ({})", other.subgraph, other.drawback)).collect();
        let reason =
            if others.is_empty() { "nobody else has it".to_owned() } else { format!("not from {}", others.join(", ")) };
        let input = if given.is_input { " (an input of a later fetch)" } else { "" };
        let _ = writeln!(out, "{indent}for {}{input}: {reason}", given.field);
    }
}
