//! Names the subgraphs in the graph enum.

use std::sync::Arc;

use ahash::AHashMap;
use braid_supergraph::join_spec::draft::DraftGraph;

use crate::subgraph::model::Subgraph;

/// One enum value for each subgraph: upper case, word characters only, unique.
pub(crate) fn graphs(subgraphs: &[Arc<Subgraph>]) -> Vec<DraftGraph> {
    let values: Vec<String> = subgraphs.iter().map(|s| enum_value(&s.name)).collect();
    let mut count: AHashMap<&str, usize> = AHashMap::new();
    for value in &values {
        *count.entry(value).or_default() += 1;
    }
    let mut next: AHashMap<&str, usize> = AHashMap::new();
    subgraphs
        .iter()
        .zip(&values)
        .map(|(subgraph, value)| {
            let value = match count.get(value.as_str()) {
                Some(1) | None => value.clone(),
                Some(_) => {
                    let n = next.entry(value).or_default();
                    *n += 1;
                    format!("{value}_{n}")
                }
            };
            DraftGraph { value, name: subgraph.name.clone(), url: subgraph.url.clone() }
        })
        .collect()
}

fn enum_value(name: &str) -> String {
    let mut value: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        value.insert(0, '_');
    }
    // `_1` at the end distinguishes clashing names.
    let digits = value.trim_end_matches(|c: char| c.is_ascii_digit());
    if digits.len() < value.len() && digits.ends_with('_') {
        value.push('_');
    }
    value.to_ascii_uppercase()
}
