//! The main street: from the SDL of all subgraphs to a supergraph or the reasons why there is none.

use serde::Deserialize;

use crate::checks::{self, Context};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::merge::{Merged, merge};
use crate::satisfiability;
use crate::subgraph::model::{FederationVersion, Subgraph};
use crate::subgraph::read::Read;
use crate::subgraph::spec::Known;
use crate::subgraph::{facts, read, upgrade};
use crate::validate;

/// One subgraph as it is given to composition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SubgraphSdl {
    /// The subgraph's name, unique in the supergraph.
    pub name: String,
    /// Where the router reaches it.
    #[serde(default)]
    pub url: String,
    /// Its schema.
    pub sdl: String,
    /// What diagnostics call the SDL's source: a path or a URL. The subgraph's name if absent.
    #[serde(default)]
    pub file: Option<String>,
}

impl SubgraphSdl {
    pub(crate) fn file(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.name)
    }
}

/// What came of composing.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The supergraph, or all errors that could be found.
    pub result: Result<Composed, Vec<Diagnostic>>,
    /// What composes but may not be meant.
    pub hints: Vec<Diagnostic>,
}

/// A composed supergraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The supergraph in the join specification.
    pub supergraph_sdl: String,
    /// What clients see.
    pub api_schema_sdl: String,
}

/// Composes subgraphs. Their order does not matter.
pub fn compose(subgraphs: &[SubgraphSdl]) -> Composition {
    match run(subgraphs) {
        Ok((composed, hints)) => Composition { result: Ok(composed), hints },
        Err(errors) => Composition { result: Err(sorted(errors)), hints: Vec::new() },
    }
}

fn run(inputs: &[SubgraphSdl]) -> Result<(Composed, Vec<Diagnostic>), Vec<Diagnostic>> {
    check_names(inputs)?;
    let mut order: Vec<&SubgraphSdl> = inputs.iter().collect();
    order.sort_by(|a, b| a.name.cmp(&b.name));
    let mut subgraphs = read_all(&order)?;
    complete(upgrade::upgrade(&mut subgraphs))?;
    subgraphs.iter_mut().for_each(facts::establish);
    let upgraded = subgraphs.iter().filter(|s| s.version == FederationVersion::One);
    complete(upgraded.flat_map(validate::federation).collect())?;
    let Merged { draft, features, errors, mut hints } = merge(&subgraphs);
    complete(errors)?;
    let context = Context { subgraphs: &subgraphs, draft: &draft, features: &features };
    complete(checks::check(&context))?;
    let proof = satisfiability::prove(&context);
    complete(proof.errors)?;
    hints.extend(proof.hints);
    let hidden = features.name(Known::Inaccessible).map(|n| n.as_str());
    Ok((Composed { supergraph_sdl: draft.write(), api_schema_sdl: draft.write_api(hidden) }, hints))
}

fn complete(errors: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn sorted(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = ahash::AHashSet::new();
    errors.retain(|e| seen.insert((e.code, e.message.clone())));
    errors
}

fn check_names(inputs: &[SubgraphSdl]) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut seen = ahash::AHashSet::new();
    if inputs.is_empty() {
        errors.push(
            Diagnostic::new(Code::NO_QUERIES, "There is no subgraph to compose.").help("name at least one subgraph"),
        );
    }
    for input in inputs {
        let name = &input.name;
        if name == "_" || name.is_empty() {
            errors.push(
                Diagnostic::new(
                    Code::INVALID_SUBGRAPH_NAME,
                    format!("Invalid name {name:?} for a subgraph: \"_\" and the empty name are reserved"),
                )
                .help("give the subgraph another name"),
            );
        } else if !seen.insert(name) {
            errors.push(
                Diagnostic::new(Code::INVALID_SUBGRAPH_NAME, format!("There are two subgraphs named \"{name}\""))
                    .help("rename one of them, or remove the one that is there by mistake"),
            );
        }
    }
    complete(errors)
}

fn read_all(inputs: &[&SubgraphSdl]) -> Result<Vec<Subgraph>, Vec<Diagnostic>> {
    let mut subgraphs = Vec::with_capacity(inputs.len());
    let mut errors = Vec::new();
    for input in inputs {
        match read::read(input) {
            Ok(read) => match check_alone(read) {
                Ok(subgraph) => subgraphs.push(subgraph),
                Err(problems) => errors.extend(problems),
            },
            Err(problems) => errors.extend(problems),
        }
    }
    complete(errors)?;
    Ok(subgraphs)
}

/// Everything that can be said of a subgraph without the others.
fn check_alone(mut read: Read) -> Result<Subgraph, Vec<Diagnostic>> {
    let mut errors = read.problems;
    if errors.is_empty() {
        errors = validate::graphql(&read.subgraph);
    }
    complete(errors)?;
    read.subgraph.drop_internals(&read.internal_types);
    let mut errors = read.root_clashes;
    // Federation 1 schemas keep the rules once they are upgraded.
    if read.subgraph.version != FederationVersion::One {
        facts::establish(&mut read.subgraph);
        errors.extend(validate::federation(&read.subgraph));
    }
    complete(errors)?;
    Ok(read.subgraph)
}
