//! Proves a plan against its supergraph and operation, without knowing how it was made: a second, slower opinion for tests.
//!
//! The plan is run on paper. Instead of objects there are the runtime types that an object can have; instead of values, who wrote
//! them and under which conditions. Every selection must be resolved by its subgraph, every input be there before it is used,
//! every key of the tree mean one thing, and in the end every field of the operation be there.

mod answers;
mod apply;
mod keys;
mod lookup;
mod paper;
mod requirements;

use braid_graphql::operation::{Condition, Operation, SelectionSet};
use braid_query_plan::{Fetch, FetchKind, QueryPlan};
use braid_supergraph::Supergraph;

use crate::config::PlannerConfig;
use paper::{Check, Objects, Scope, Written, collect};

/// Finds what is wrong with a plan; nothing, if it is a right one.
pub fn check_plan(
    plan: &QueryPlan,
    operation: &Operation,
    supergraph: &Supergraph,
    config: &PlannerConfig,
) -> Result<(), Vec<String>> {
    let mut check = Check { plan, supergraph, config, found: Vec::new(), variables: Vec::new() };
    check.collect_variables(&operation.selection_set);
    check.variables.sort();
    check.variables.dedup();
    let mut root = Objects::default();
    root.types.insert(operation.root, Written::default());
    for fetch in &plan.fetches {
        if fetch.after.iter().any(|before| before.0 >= fetch.id.0) {
            check.report(fetch, "waits for a later fetch".to_owned());
        }
        check.run(fetch, &mut root);
    }
    check.answers(&operation.selection_set, operation.root, &root, &Condition::always(), "");
    if check.found.is_empty() { Ok(()) } else { Err(check.found) }
}

impl<'a> Check<'a> {
    fn run(&mut self, fetch: &'a Fetch, root: &mut Objects) {
        match &fetch.kind {
            FetchKind::Root { path, selections, .. } => {
                self.check_keys(fetch, &[selections]);
                let mut targets = Vec::new();
                collect(root, path, 0, &mut targets);
                if targets.is_empty() {
                    self.report(fetch, "its path leads nowhere".to_owned());
                }
                for objects in targets {
                    for (ty, written) in &mut objects.types {
                        let scope = Scope {
                            fetch,
                            on: Some(*ty),
                            condition: fetch.condition.clone(),
                            provided: Vec::new(),
                            representation: None,
                            asked: Vec::new(),
                        };
                        self.apply(selections, *ty, written, &scope);
                    }
                }
            }
            FetchKind::Entities(entities) => entities.iter().for_each(|entity| {
                self.check_keys(fetch, &[&entity.selections]);
                self.look_up(fetch, entity, root);
            }),
        }
    }

    fn collect_variables(&mut self, set: &SelectionSet) {
        for field in &set.fields {
            self.variables.extend(field.condition.literals().iter().map(|literal| literal.variable.clone()));
            field.selection_set.iter().for_each(|set| self.collect_variables(set));
        }
    }
}
