//! Scopes and policies: an OR of ANDs, which subgraphs and types combine. Knows nothing of the elements that require them.

use std::collections::BTreeSet;

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::Value;

/// An OR of ANDs, in a fixed order. An AND of nothing requires nothing; so does an OR of nothing, which is read as that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dnf(Vec<BTreeSet<String>>);

impl Default for Dnf {
    /// Requires nothing.
    fn default() -> Self {
        Dnf(vec![BTreeSet::new()])
    }
}

impl Dnf {
    pub(crate) fn read(value: &Value) -> Dnf {
        let outer: Vec<&Value> = match value {
            Value::List(items) => items.iter().map(|v| &**v).collect(),
            single => vec![single],
        };
        let text = |value: &Value| value.as_str().map(str::to_string);
        let mut sets: Vec<BTreeSet<String>> = outer
            .into_iter()
            .map(|inner| match inner {
                Value::List(items) => items.iter().filter_map(|v| text(v)).collect(),
                single => text(single).into_iter().collect(),
            })
            .collect();
        if sets.is_empty() {
            return Dnf::default();
        }
        // As other composers order them: by their text.
        sets.sort_by_key(|set| format!("{set:?}"));
        Dnf(sets)
    }

    pub(crate) fn write(&self) -> Node<Value> {
        let list = |items: Vec<Node<Value>>| Node::new(Value::List(items));
        let set = |set: &BTreeSet<String>| list(set.iter().map(|s| Node::new(Value::String(s.clone()))).collect());
        list(self.0.iter().map(set).collect())
    }

    /// Both must hold.
    pub(crate) fn and(&self, other: &Dnf) -> Dnf {
        let mut product: Vec<BTreeSet<String>> =
            self.0.iter().flat_map(|a| other.0.iter().map(move |b| a.union(b).cloned().collect())).collect();
        product.sort_by_key(BTreeSet::len);
        let mut kept: Vec<BTreeSet<String>> = Vec::with_capacity(product.len());
        for set in product {
            // Whoever has a smaller set passes anyway.
            if !kept.iter().any(|smaller| smaller.is_subset(&set)) {
                kept.push(set);
            }
        }
        Dnf(kept)
    }

    /// All must hold.
    pub(crate) fn all(demands: impl IntoIterator<Item = Dnf>) -> Dnf {
        let mut distinct: Vec<Dnf> = Vec::new();
        for demand in demands {
            if !distinct.contains(&demand) {
                distinct.push(demand);
            }
        }
        distinct.into_iter().reduce(|a, b| a.and(&b)).unwrap_or_default()
    }

    /// Whoever fulfils this fulfils the other.
    pub(crate) fn implies(&self, other: &Dnf) -> bool {
        self.0.iter().all(|ours| other.0.iter().any(|theirs| theirs.is_subset(ours)))
    }
}
