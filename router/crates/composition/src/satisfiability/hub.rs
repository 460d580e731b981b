//! Types that are entered in the same subgraphs from wherever one is: a key that leads to all that any key leads to. Most types
//! that several subgraphs share are like that, so that nothing need be searched for them.

use std::rc::Rc;

use super::model::{Model, source_in};
use super::moves::Moves;
use super::reach::Reached;

/// The views of a type that can be entered by one key, and by no other key any more.
pub(super) struct Hub {
    /// Their subgraphs, in order.
    pub(super) reached: Rc<[Reached]>,
    /// For each view of the type, whether it resolves the key whatever else is known.
    gives: Vec<bool>,
    /// From each view all others can be entered.
    pub(super) is_whole: bool,
}

impl Hub {
    /// The hub of a type, if it has one and no subgraph has it as an interface object.
    pub(super) fn new(model: &Model<'_>, ty: usize, moves: &Moves<'_>) -> Option<Self> {
        let views = &model.types[ty].views;
        if views.iter().any(|view| !view.real) {
            return None;
        }
        let mut can_be_entered = vec![false; views.len()];
        let mut most: Option<(usize, Vec<usize>)> = None;
        for (number, rule) in moves.rules.iter().enumerate() {
            let mut entered: Vec<usize> =
                rule.entries.iter().filter(|entry| entry.is_by_type()).map(|entry| entry.view).collect();
            entered.sort_unstable();
            entered.dedup();
            entered.iter().for_each(|view| can_be_entered[*view] = true);
            let is_flat = rule.nested.is_empty() && moves.selected(number).count() == rule.selects;
            if is_flat && most.as_ref().is_none_or(|(_, most)| entered.len() > most.len()) {
                most = Some((number, entered));
            }
        }
        let (rule, entered) = most?;
        if entered.len() < can_be_entered.iter().filter(|can| **can).count() {
            return None;
        }
        let fields: Vec<usize> = moves.selected(rule).collect();
        let gives = |subgraph: usize| {
            let sources = |field: &usize| source_in(&model.types[ty].fields[*field].sources, subgraph);
            fields.iter().all(|field| sources(field).is_some_and(|source| source.is_plain()))
        };
        let gives: Vec<bool> = views.iter().map(|view| gives(view.subgraph)).collect();
        let is_whole = entered.len() == views.len() && gives.iter().all(|gives| *gives);
        let reached = entered.iter().map(|view| Reached { subgraph: views[*view].subgraph, whole: true }).collect();
        Some(Hub { reached, gives, is_whole })
    }

    /// What can be reached from a view, if that follows from the key alone.
    pub(super) fn reached_from(&self, view: usize, subgraph: usize) -> Option<Rc<[Reached]>> {
        if !*self.gives.get(view)? {
            return None;
        }
        Some(match self.reached.binary_search_by_key(&subgraph, |reached| reached.subgraph) {
            Ok(_) => self.reached.clone(),
            Err(at) => {
                let mut all = self.reached.to_vec();
                all.insert(at, Reached { subgraph, whole: true });
                all.into()
            }
        })
    }
}
