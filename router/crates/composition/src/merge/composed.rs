//! The custom directives that go to the supergraph, as composition has decided (`@composeDirective`). Knows no rule.

use braid_graphql::compiler::ast::Value;
use braid_graphql::compiler::{Name, Node};
use indexmap::IndexMap;

use super::planned_link::PlannedLink;
use super::values::same;
use crate::subgraph::model::DirectiveDef;

/// The custom directives of the supergraph.
#[derive(Clone, Debug, Default)]
pub(super) struct Composed {
    pub(super) definitions: IndexMap<Name, DirectiveDef>,
    /// Which subgraphs ask for it: the applications in others are dropped.
    pub(super) asked: IndexMap<Name, Vec<usize>>,
    pub(super) links: Vec<PlannedLink>,
}

impl Composed {
    pub(super) fn names(&self) -> Vec<Name> {
        self.definitions.keys().cloned().collect()
    }

    pub(super) fn links(&self) -> impl Iterator<Item = PlannedLink> {
        self.links.iter().cloned()
    }

    pub(super) fn is_asked(&self, name: &str, index: usize) -> bool {
        self.asked.get(name).is_some_and(|by| by.contains(&index))
    }

    pub(super) fn is_repeatable(&self, name: &str) -> bool {
        self.definitions.get(name).is_some_and(|d| d.repeatable)
    }

    pub(super) fn is_default(&self, name: &str, argument: &str, value: &Value) -> bool {
        self.definitions
            .get(name)
            .and_then(|d| d.args.get(argument)?.default.as_ref())
            .is_some_and(|default: &Node<Value>| same(default, value))
    }
}
