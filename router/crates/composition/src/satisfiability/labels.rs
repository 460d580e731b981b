//! For which combinations of override labels something holds. Knows nothing of types and subgraphs.
//!
//! A set of combinations is a reduced ordered binary decision diagram: equal sets have equal numbers, and labels that make no
//! difference to a set have no part in it. So a schema without labels pays nothing, and many labels that have nothing to do with each
//! other cost a node each, not a round for each combination.

use ahash::AHashMap;

/// A set of combinations of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct When(u32);

/// The labels of a schema, and the sets that have come up.
pub(super) struct Labels<'a> {
    /// In the order in which diagrams ask for them.
    names: Vec<&'a str>,
    /// The diagrams' nodes, of the sets from 2.
    nodes: Vec<Node>,
    known: AHashMap<Node, When>,
    /// What `choose` has answered.
    chosen: AHashMap<(When, When, When), When>,
    exhausted: bool,
}

/// A set, divided by the first label that makes a difference to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Node {
    label: u32,
    off: When,
    on: When,
    /// The most labels that are asked for from here on.
    depth: u16,
}

/// A combination, by the labels that are decided in it. The others make no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Combination<'a>(pub(super) Vec<(&'a str, bool)>);

const MAX_NODES: usize = 1 << 20;
/// Operations recurse for each label of a set.
const MAX_DEPTH: u16 = 1_000;

impl When {
    pub(super) const NEVER: When = When(0);
    pub(super) const ALWAYS: When = When(1);

    pub(super) fn is_possible(self) -> bool {
        self != When::NEVER
    }
}

impl<'a> Labels<'a> {
    pub(super) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Labels { names, nodes: Vec::new(), known: AHashMap::new(), chosen: AHashMap::new(), exhausted: false }
    }

    /// Some set was too large to be made, and is empty instead.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// The combinations in which a label is on, or off.
    pub(super) fn when(&mut self, name: &str, is_on: bool) -> When {
        let Ok(label) = self.names.binary_search(&name) else { return When::NEVER };
        match is_on {
            true => self.node(label as u32, When::NEVER, When::ALWAYS),
            false => self.node(label as u32, When::ALWAYS, When::NEVER),
        }
    }

    /// The combinations that are in both sets.
    pub(super) fn and(&mut self, a: When, b: When) -> When {
        self.choose(a, b, When::NEVER)
    }

    /// The combinations that are in one of the sets.
    pub(super) fn or(&mut self, a: When, b: When) -> When {
        self.choose(a, When::ALWAYS, b)
    }

    /// The combinations of one set that are not in another.
    pub(super) fn without(&mut self, a: When, b: When) -> When {
        self.choose(b, When::NEVER, a)
    }

    /// Whether all combinations of one set are in another.
    pub(super) fn is_within(&mut self, a: When, b: When) -> bool {
        !self.without(a, b).is_possible()
    }

    /// One combination of a set that is not empty, with as few labels on as its diagram allows at first sight.
    pub(super) fn example(&self, when: When) -> Combination<'a> {
        let mut decided = Vec::new();
        let mut at = when;
        while let Some(node) = self.get(at) {
            let is_on = !node.off.is_possible();
            decided.extend(self.names.get(node.label as usize).map(|name| (*name, is_on)));
            at = if is_on { node.on } else { node.off };
        }
        Combination(decided)
    }

    /// Whether a combination is in a set. Labels that it does not decide are off.
    pub(super) fn holds(&self, when: When, combination: &Combination<'_>) -> bool {
        let mut at = when;
        while let Some(node) = self.get(at) {
            let name = self.names.get(node.label as usize);
            let is_on = combination.0.iter().any(|(label, is_on)| Some(label) == name && *is_on);
            at = if is_on { node.on } else { node.off };
        }
        at.is_possible()
    }

    /// The combinations of `yes` that are in `whether`, and those of `no` that are not.
    fn choose(&mut self, whether: When, yes: When, no: When) -> When {
        match (whether, yes, no) {
            (When::ALWAYS, ..) => return yes,
            (When::NEVER, ..) => return no,
            (_, When::ALWAYS, When::NEVER) => return whether,
            _ if yes == no => return yes,
            _ => {}
        }
        if let Some(known) = self.chosen.get(&(whether, yes, no)) {
            return *known;
        }
        let parts = [whether, yes, no];
        let Some(label) = parts.iter().filter_map(|part| self.get(*part)).map(|node| node.label).min() else {
            return no;
        };
        let [off, on] = [false, true].map(|is_on| {
            let [whether, yes, no] = parts.map(|part| self.side(part, label, is_on));
            self.choose(whether, yes, no)
        });
        let result = self.node(label, off, on);
        self.chosen.insert((whether, yes, no), result);
        result
    }

    fn get(&self, when: When) -> Option<Node> {
        self.nodes.get((when.0 as usize).checked_sub(2)?).copied()
    }

    /// The part of a set in which a label is on, or off. The set asks for no label before this one.
    fn side(&self, when: When, label: u32, is_on: bool) -> When {
        match self.get(when) {
            Some(node) if node.label == label => {
                if is_on {
                    node.on
                } else {
                    node.off
                }
            }
            _ => when,
        }
    }

    fn node(&mut self, label: u32, off: When, on: When) -> When {
        if off == on {
            return on;
        }
        let depth = [off, on].iter().filter_map(|side| self.get(*side)).map(|node| node.depth).max();
        let node = Node { label, off, on, depth: depth.unwrap_or(0) + 1 };
        if let Some(known) = self.known.get(&node) {
            return *known;
        }
        if node.depth > MAX_DEPTH || self.nodes.len() >= MAX_NODES {
            self.exhausted = true;
            return When::NEVER;
        }
        let when = When(self.nodes.len() as u32 + 2);
        self.nodes.push(node);
        self.known.insert(node, when);
        when
    }
}
