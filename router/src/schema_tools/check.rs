//! A check of one changed subgraph against the graph that is served, with the operations that are known here: the page's examples, the list
//! of persisted operations, and what clients of this router send most.

use braid_composition::SubgraphSdl;
use braid_schema_checks::check::{CheckInput, Version, check};
use braid_schema_checks::config::ChecksConfig;
use braid_schema_checks::location::Side;
use braid_schema_checks::operations::{Format, OperationFile, Read, read};
use serde::Deserialize;

use super::SchemaTools;
use crate::checked::{composed, plan_changes, source_file};

/// More operations are not looked at.
const MAX_OPERATIONS: usize = 500;

/// A subgraph with another schema.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changed {
    /// Its name; a new one is added to the graph.
    subgraph: String,
    /// Its schema.
    sdl: String,
}

/// The report of a check as JSON, or why there is none.
pub(super) fn changed(tools: &SchemaTools, change: &Changed) -> Result<String, String> {
    if tools.subgraphs.is_empty() {
        let message = "This router was given a composed supergraph, so it has no schemas of subgraphs to compose anew. \
                       Start it with --subgraphs supergraph.yaml.";
        return Err(message.to_owned());
    }
    let old: Vec<SubgraphSdl> = tools.subgraphs.to_vec();
    let mut new = old.clone();
    match new.iter_mut().find(|subgraph| subgraph.name == change.subgraph) {
        Some(subgraph) => subgraph.sdl.clone_from(&change.sdl),
        None => {
            new.push(SubgraphSdl { name: change.subgraph.clone(), sdl: change.sdl.clone(), ..SubgraphSdl::default() })
        }
    }
    let mut problems = Vec::new();
    // The served one has additions of this router.
    let base = tools.composed.get_or_init(|| composed(&old, Side::Old, &mut Vec::new()).1);
    let base = Version {
        label: "the graph that is served".to_owned(),
        files: old.iter().map(source_file).collect(),
        supergraph: base.clone(),
        composition: None,
    };
    let (composition, supergraph) = composed(&new, Side::New, &mut problems);
    let head = Version {
        label: format!("the graph with the changed {}", change.subgraph),
        files: new.iter().map(source_file).collect(),
        supergraph,
        composition: Some(composition),
    };
    let Read { operations, .. } = read(known(tools));
    let plans = plan_changes(&operations, Some(&base), &head);
    let report = check(CheckInput {
        base: Some(base),
        head,
        operations,
        plans,
        config: ChecksConfig::default(),
        today: None,
        problems,
        unread_operations: Vec::new(),
    });
    serde_json::to_string(&report).map_err(|error| error.to_string())
}

/// The operations that are known here.
fn known(tools: &SchemaTools) -> Vec<OperationFile> {
    let file = |file: &str, name: Option<String>, text: String| OperationFile {
        file: file.to_owned(),
        text,
        format: Format::Listed,
        name,
        client: None,
    };
    let examples = tools.examples.iter();
    let examples =
        examples.map(|example| file("the page's queries", Some(example.title.clone()), example.query.clone()));
    let used = tools.gateway.most_used(MAX_OPERATIONS).into_iter();
    let used = used.filter_map(|used| Some(file("sent to this router", None, serde_json::from_str(&used.query).ok()?)));
    let store = tools.gateway.documents.store();
    let listed: Vec<OperationFile> = store.map_or_else(Vec::new, |store| {
        let list = store.list();
        let text = |json: &str| serde_json::from_str(json).ok();
        let listed = list.operations();
        let listed =
            listed.filter_map(|one| Some(file("persisted operations", Some(one.id.to_string()), text(&one.json)?)));
        listed.collect()
    });
    examples.chain(listed).chain(used).take(MAX_OPERATIONS).collect()
}
