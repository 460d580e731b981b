//! Scopes and policies: an OR of ANDs, which subgraphs and types combine. Knows nothing of the elements that require them.
//!
//! Where several lists must all be satisfied, that is an AND of ORs. Written as an OR of ANDs, its alternatives are the product of the
//! lists. An alternative that contains a smaller one changes nothing and is dropped (absorption); the number of the others is bounded.

use std::collections::BTreeSet;

use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::Value;

/// An OR of ANDs, in a fixed order. An AND of nothing requires nothing; so does an OR of nothing, which is read as that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dnf(Vec<BTreeSet<String>>);

/// The most alternatives that combining may produce: a router compares each of them with what a client has.
pub(crate) const MOST_ALTERNATIVES: usize = 256;
/// The most pairs of alternatives that are combined for one element.
const MOST_PAIRS: usize = 256 * MOST_ALTERNATIVES;

/// Combining would produce more than `MOST_ALTERNATIVES` alternatives, or take too much work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyAlternatives;

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
        // Other composers order them by their text.
        sets.sort_by_key(|set| format!("{set:?}"));
        Dnf(sets)
    }

    pub(crate) fn write(&self) -> Node<Value> {
        let list = |items: Vec<Node<Value>>| Node::new(Value::List(items));
        let set = |set: &BTreeSet<String>| list(set.iter().map(|s| Node::new(Value::String(s.clone()))).collect());
        list(self.0.iter().map(set).collect())
    }

    /// All must hold.
    pub(crate) fn all(demands: impl IntoIterator<Item = Dnf>) -> Result<Dnf, TooManyAlternatives> {
        let mut distinct: Vec<Dnf> = Vec::new();
        for demand in demands {
            if !distinct.contains(&demand) {
                distinct.push(demand);
            }
        }
        let mut demands = distinct.into_iter();
        let Some(mut all) = demands.next() else { return Ok(Dnf::default()) };
        let mut pairs = 0;
        for demand in demands {
            pairs += all.0.len() * demand.0.len();
            if pairs > MOST_PAIRS {
                return Err(TooManyAlternatives);
            }
            all = all.and(&demand)?;
        }
        Ok(all)
    }

    /// Both must hold.
    fn and(&self, other: &Dnf) -> Result<Dnf, TooManyAlternatives> {
        let mut product: Vec<BTreeSet<String>> =
            self.0.iter().flat_map(|a| other.0.iter().map(move |b| a.union(b).cloned().collect())).collect();
        product.sort_by_key(BTreeSet::len);
        let mut kept: Vec<BTreeSet<String>> = Vec::new();
        for set in product {
            // A client with the smaller set passes anyway.
            if kept.iter().any(|smaller| smaller.is_subset(&set)) {
                continue;
            }
            if kept.len() == MOST_ALTERNATIVES {
                return Err(TooManyAlternatives);
            }
            kept.push(set);
        }
        Ok(Dnf(kept))
    }

    /// Every client that satisfies this satisfies the other too.
    pub(crate) fn implies(&self, other: &Dnf) -> bool {
        self.0.iter().all(|ours| other.0.iter().any(|theirs| theirs.is_subset(ours)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dnf(alternatives: &[&[&str]]) -> Dnf {
        Dnf(alternatives.iter().map(|set| set.iter().map(|scope| (*scope).to_owned()).collect()).collect())
    }

    #[test]
    fn alternatives_that_demand_more_are_dropped() {
        for (parties, expected) in [
            (vec![dnf(&[&["a"]]), dnf(&[&["b"]])], dnf(&[&["a", "b"]])),
            (vec![dnf(&[&["a"], &["b"]]), dnf(&[&["a"], &["c"]])], dnf(&[&["a"], &["b", "c"]])),
            (vec![dnf(&[&["a"], &["b"]]), dnf(&[&["a"], &["b"]])], dnf(&[&["a"], &["b"]])),
            (vec![dnf(&[&["a", "b"]]), dnf(&[&["a"], &["c"]])], dnf(&[&["a", "b"]])),
            (vec![dnf(&[&["a"]]), Dnf::default()], dnf(&[&["a"]])),
            (vec![], Dnf::default()),
        ] {
            assert_eq!(Dnf::all(parties.clone()), Ok(expected), "{parties:?}");
        }
    }

    #[test]
    fn many_parties_cost_little_or_are_refused() {
        let admin_or = |i: usize| dnf(&[&["admin"], &[&format!("own-{i}")]]);
        let combined = Dnf::all((0..1_000).map(admin_or)).unwrap();
        assert_eq!(combined.0.iter().map(BTreeSet::len).collect::<Vec<_>>(), [1, 1_000]);
        let disjoint = |i: usize| dnf(&[&[&format!("a-{i}")], &[&format!("b-{i}")]]);
        assert_eq!(Dnf::all((0..8).map(disjoint)).map(|all| all.0.len()), Ok(256));
        assert_eq!(Dnf::all((0..9).map(disjoint)), Err(TooManyAlternatives));
        assert_eq!(Dnf::all((0..1_000).map(disjoint)), Err(TooManyAlternatives));
        // Long lists are not even multiplied.
        let long = |name: &str| Dnf((0..100_000).map(|i| BTreeSet::from([format!("{name}{i}")])).collect());
        assert_eq!(Dnf::all([long("a"), long("b")]), Err(TooManyAlternatives));
    }
}
