//! All of composition: from the SDL of all subgraphs to a supergraph, or to the errors that prevent it.

use std::sync::Arc;

use ahash::AHashMap;
use indexmap::{IndexMap, IndexSet};

use crate::checks::{self, Context};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, Location};
use crate::merge::{Merged, merge};
use crate::satisfiability;
use crate::subgraph::model::{FederationVersion, Subgraph};
use crate::subgraph::sdl::SubgraphSdl;
use crate::subgraph::{facts, read, upgrade};
use crate::validate;

/// The outcome of composing.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The supergraph, or all errors that could be found.
    pub result: Result<Composed, Vec<Diagnostic>>,
    /// What composes but may be a mistake.
    pub hints: Vec<Diagnostic>,
}

/// A composed supergraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The supergraph in the join specification.
    pub supergraph_sdl: String,
}

/// Composes subgraphs. Their order does not matter.
pub fn compose(subgraphs: &[SubgraphSdl]) -> Composition {
    Composer::default().compose(subgraphs)
}

/// Composes repeatedly. Only the subgraphs that have changed since the last time are read and validated; if none has, nothing is done.
/// The outcome is the same as if all were new.
#[derive(Debug, Default)]
pub struct Composer {
    /// The subgraphs of the last composition, by name.
    known: AHashMap<String, Known>,
    /// The outcome of the last composition.
    last: Option<Composition>,
}

/// What reading and validation find in a subgraph depends on that subgraph alone.
#[derive(Debug)]
struct Known {
    given: SubgraphSdl,
    checked: Checked,
}

/// A subgraph that is valid by itself, or its errors.
type Checked = Result<Arc<Subgraph>, Vec<Diagnostic>>;

impl Composer {
    /// Composes subgraphs. Their order does not matter.
    pub fn compose(&mut self, subgraphs: &[SubgraphSdl]) -> Composition {
        if let Err(errors) = check_names(subgraphs) {
            return Composition { result: Err(united(errors)), hints: Vec::new() };
        }
        if let Some(last) = self.last.as_ref().filter(|_| self.knows_all(subgraphs)) {
            return last.clone();
        }
        let composition = match self.run(subgraphs) {
            Ok((composed, hints)) => Composition { result: Ok(composed), hints },
            Err(errors) => Composition { result: Err(united(errors)), hints: Vec::new() },
        };
        self.last = Some(composition.clone());
        composition
    }

    /// Whether these are the subgraphs of the last time, whose names differ.
    fn knows_all(&self, inputs: &[SubgraphSdl]) -> bool {
        let is_known = |input: &SubgraphSdl| self.known.get(&input.name).is_some_and(|known| known.given == *input);
        inputs.len() == self.known.len() && inputs.iter().all(is_known)
    }

    fn run(&mut self, inputs: &[SubgraphSdl]) -> Result<(Composed, Vec<Diagnostic>), Vec<Diagnostic>> {
        let subgraphs = self.prepare(inputs)?;
        let Merged { draft, features, errors, mut hints } = merge(&subgraphs);
        complete(errors)?;
        let context = Context { subgraphs: &subgraphs, draft: &draft, features: &features };
        complete(checks::check(&context))?;
        let proof = satisfiability::prove(&context);
        complete(proof.errors)?;
        hints.extend(proof.hints);
        Ok((Composed { supergraph_sdl: draft.write() }, hints))
    }

    /// The subgraphs in the order of their names, each valid by itself, as Federation 2.
    pub(crate) fn prepare(&mut self, inputs: &[SubgraphSdl]) -> Result<Vec<Arc<Subgraph>>, Vec<Diagnostic>> {
        let mut order: Vec<&SubgraphSdl> = inputs.iter().collect();
        order.sort_by(|a, b| a.name.cmp(&b.name));
        let mut subgraphs = self.read_all(&order)?;
        complete(upgrade::upgrade(&mut subgraphs))?;
        let upgraded = subgraphs.iter().filter(|s| s.version == FederationVersion::One);
        complete(upgraded.flat_map(|subgraph| validate::federation(subgraph)).collect())?;
        Ok(subgraphs)
    }

    /// Reads new and changed subgraphs, and forgets those that are gone.
    fn read_all(&mut self, inputs: &[&SubgraphSdl]) -> Result<Vec<Arc<Subgraph>>, Vec<Diagnostic>> {
        let mut before = std::mem::take(&mut self.known);
        let mut subgraphs = Vec::with_capacity(inputs.len());
        let mut errors = Vec::new();
        for input in inputs {
            let known = match before.remove(&input.name) {
                Some(known) if known.given == **input => known,
                _ => Known { given: (*input).clone(), checked: check_alone(input) },
            };
            match &known.checked {
                Ok(subgraph) => subgraphs.push(subgraph.clone()),
                Err(problems) => errors.extend(problems.iter().cloned()),
            }
            self.known.insert(input.name.clone(), known);
        }
        complete(errors)?;
        Ok(subgraphs)
    }
}

fn complete(errors: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Errors with one message become one, with the locations and edits of all.
fn united(errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut united: IndexMap<(Code, String), Equal, ahash::RandomState> = IndexMap::default();
    for mut error in errors {
        let locations = std::mem::take(&mut error.locations);
        let edits = error.fix.as_mut().map(|fix| std::mem::take(&mut fix.edits)).unwrap_or_default();
        let equal = united.entry((error.code, error.message.clone())).or_insert_with(|| Equal::new(error));
        equal.locations.extend(locations);
        equal.edits.extend(edits);
    }
    united.into_values().map(Equal::into_one).collect()
}

/// Errors with one message. With sets, a message that occurs a hundred thousand times does not take quadratic time.
struct Equal {
    first: Diagnostic,
    locations: IndexSet<Location, ahash::RandomState>,
    edits: IndexSet<Edit, ahash::RandomState>,
}

impl Equal {
    fn new(first: Diagnostic) -> Self {
        Equal { first, locations: IndexSet::default(), edits: IndexSet::default() }
    }

    fn into_one(self) -> Diagnostic {
        let mut one = self.first;
        one.locations = self.locations.into_iter().collect();
        if let Some(fix) = &mut one.fix {
            fix.edits = self.edits.into_iter().collect();
        }
        one
    }
}

fn check_names(inputs: &[SubgraphSdl]) -> Result<(), Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut seen = ahash::AHashSet::new();
    if inputs.is_empty() {
        errors.push(
            Diagnostic::new(Code::NO_QUERIES, "There is no subgraph to compose, so there is nothing to query.")
                .help("name at least one subgraph"),
        );
    }
    for input in inputs {
        let name = &input.name;
        if name == "_" || name.is_empty() {
            errors.push(
                Diagnostic::new(
                    Code::INVALID_SUBGRAPH_NAME,
                    format!(
                        "A subgraph can't be called {name:?}: plans, errors and the supergraph identify it by its name."
                    ),
                )
                .help("give the subgraph another name"),
            );
        } else if !seen.insert(name) {
            errors.push(
                Diagnostic::new(
                    Code::INVALID_SUBGRAPH_NAME,
                    format!("Two subgraphs are called \"{name}\", but names must be unique."),
                )
                .help("rename one of them, or remove the one that was added by mistake"),
            );
        }
    }
    complete(errors)
}

/// Reads and validates a subgraph without looking at the others.
fn check_alone(input: &SubgraphSdl) -> Checked {
    let mut read = read::read(input)?;
    let mut errors = read.problems;
    if errors.is_empty() {
        errors = validate::graphql(&read.subgraph);
    }
    complete(errors)?;
    read.subgraph.drop_internals(&read.internal_types);
    let mut errors = read.root_clashes;
    // Federation 1 schemas are validated once they are upgraded.
    if read.subgraph.version != FederationVersion::One {
        facts::establish(&mut read.subgraph);
        errors.extend(validate::federation(&read.subgraph));
    }
    complete(errors)?;
    Ok(Arc::new(read.subgraph))
}
