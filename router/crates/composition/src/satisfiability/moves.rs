//! Entering other subgraphs by keys: the rules of one type, and the search through them from one view of the type. Its caller says
//! which fields a subgraph resolves.
//!
//! The rules say "with all these fields, these subgraphs can be entered", so that what can be entered is found as for Horn clauses:
//! each rule counts the fields that it lacks, each field is counted once, and the work is the size of the rules.
//!
//! A view that was entered by a key does not help to enter another subgraph by an equal key: the router would have gone there directly. So each view
//! remembers by which keys it was entered, as far as that matters: not, by one only, or by any.

use std::collections::VecDeque;

use ahash::AHashMap;
use smallvec::SmallVec;

use super::hub::Hub;
use super::model::{Key, Model, View};
use braid_graphql::field_set::{FieldSet, Item};

/// The keys of a type.
pub(super) struct Moves<'m> {
    /// The fields that keys select, by their numbers in the type.
    pub(super) wanted: Vec<usize>,
    /// For each view, which of the wanted fields it has.
    pub(super) supplies: Vec<SmallVec<[usize; 2]>>,
    pub(super) rules: Vec<Rule<'m>>,
    /// For each wanted field, the rules that select it.
    uses: Vec<Vec<usize>>,
    /// Those that select something below it.
    nested_uses: Vec<Vec<usize>>,
    /// What can be entered from most views, if that is the same for all of them.
    pub(super) hub: Option<Hub>,
}

/// One key, which several subgraphs may have.
pub(super) struct Rule<'m> {
    pub(super) key: usize,
    /// How many fields it selects.
    pub(super) selects: usize,
    /// Those with a selection of their own, by their index among the wanted, and what is selected there.
    pub(super) nested: Vec<(usize, &'m FieldSet)>,
    pub(super) entries: Vec<Entry>,
}

/// A view that can be entered, and what must be known for it.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) view: usize,
    needs: Needs,
}

impl Entry {
    /// Whether it can be entered with the object's own type.
    pub(super) fn is_by_type(self) -> bool {
        self.needs != Needs::InterfaceObject
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Representations name the object's type, which only a subgraph with the type itself can tell.
    RealType,
    /// The key of an interface is for objects whose type is not known.
    InterfaceObject,
}

/// By which keys a view was entered, or by which the sources of a field were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Nothing,
    /// This one only.
    Key(usize),
    Any,
}

impl By {
    fn helps(self, key: usize) -> bool {
        match self {
            By::Nothing => false,
            By::Key(own) => own != key,
            By::Any => true,
        }
    }

    fn and(self, other: By) -> By {
        match (self, other) {
            (By::Nothing, by) | (by, By::Nothing) => by,
            _ if self == other => self,
            _ => By::Any,
        }
    }
}

impl<'m> Moves<'m> {
    pub(super) fn new<'a>(model: &'m Model<'a>, ty: usize) -> Self {
        let views = &model.types[ty].views;
        let mut moves = Moves {
            wanted: Vec::new(),
            supplies: vec![SmallVec::new(); views.len()],
            rules: Vec::new(),
            uses: Vec::new(),
            nested_uses: Vec::new(),
            hub: None,
        };
        let mut known = Known::default();
        for (at, view) in views.iter().enumerate() {
            let own = if view.real { Needs::RealType } else { Needs::Nothing };
            let keys = view.keys.iter().map(|key| (key, own));
            let interface_keys = view.interface_keys.iter().map(|key| (key, Needs::InterfaceObject));
            for (key, needs) in keys.chain(interface_keys).filter(|(key, _)| key.resolvable) {
                moves.add(model, ty, key, Entry { view: at, needs }, &mut known);
            }
        }
        for (wanted, field) in moves.wanted.iter().enumerate() {
            for source in &model.types[ty].fields[*field].sources {
                if let Ok(view) = views.binary_search_by_key(&source.subgraph, |view| view.subgraph) {
                    moves.supplies[view].push(wanted);
                }
            }
        }
        moves.hub = Hub::new(model, ty, &moves);
        moves
    }

    /// The fields that a rule selects, by their numbers in the type.
    pub(super) fn selected(&self, rule: usize) -> impl Iterator<Item = usize> {
        let uses = self.wanted.iter().zip(&self.uses);
        uses.filter(move |(_, rules)| rules.contains(&rule)).map(|(field, _)| *field)
    }

    fn add<'a>(&mut self, model: &'m Model<'a>, ty: usize, key: &'m Key<'a>, entry: Entry, known: &mut Known) {
        if let Some(rule) = known.rules.get(&key.id) {
            if let Some(rule) = self.rules.get_mut(*rule) {
                rule.entries.push(entry);
            }
            return;
        }
        let number = self.rules.len();
        known.rules.insert(key.id, number);
        let mut fields = Vec::new();
        let is_possible = select(model, ty, key.set, &mut fields);
        let mut rule = Rule { key: key.id, selects: 0, nested: Vec::new(), entries: vec![entry] };
        for (field, selection) in fields {
            let next = self.wanted.len();
            let wanted = *known.wanted.entry(field).or_insert(next);
            if wanted == next {
                self.wanted.push(field);
                self.uses.push(Vec::new());
                self.nested_uses.push(Vec::new());
            }
            if self.uses[wanted].last() != Some(&number) {
                self.uses[wanted].push(number);
                rule.selects += 1;
            }
            if !selection.is_empty() {
                rule.nested.push((wanted, selection));
                self.nested_uses[wanted].push(number);
            }
        }
        // A key that no subgraph can give is never complete.
        rule.selects += usize::from(!is_possible);
        self.rules.push(rule);
    }
}

#[derive(Default)]
struct Known {
    /// The rules by their keys.
    rules: AHashMap<usize, usize>,
    /// The wanted fields by their numbers in the type.
    wanted: AHashMap<usize, usize>,
}

/// The fields that a key selects on an object type. Not all of them exist if the answer is no.
fn select<'m>(model: &Model<'_>, ty: usize, set: &'m FieldSet, fields: &mut Vec<(usize, &'m FieldSet)>) -> bool {
    set.items.iter().all(|item| match item {
        Item::Fragment { condition: Some(condition), .. } if !model.applies(ty, condition) => true,
        Item::Fragment { selection, .. } => select(model, ty, selection, fields),
        Item::Field { name, .. } if name == "__typename" => true,
        Item::Field { name, selection, .. } => match model.types[ty].merged.fields.get_index_of(name) {
            Some(field) => {
                fields.push((field, selection));
                true
            }
            None => false,
        },
    })
}

/// What was found from one view of a type.
pub(super) struct Search<'s, 'm, 'a> {
    moves: &'s Moves<'m>,
    views: &'s [View<'a>],
    /// The view that is not to be entered.
    excluded: Option<usize>,
    entered: Vec<By>,
    /// Views from which all can be entered that can be entered from a view that was entered from there.
    whole: Vec<bool>,
    /// For each wanted field, its sources so far.
    support: Vec<By>,
    /// For each wanted field that has a selection in some key, the views that resolve it.
    sources: Vec<SmallVec<[usize; 2]>>,
    counted: Vec<bool>,
    /// For each rule, how many fields it lacks.
    lacks: Vec<usize>,
    /// Views whose fields have not been counted.
    open: VecDeque<usize>,
    /// Rules that lack only what is nested, and have new helpers.
    nested: VecDeque<usize>,
    waits_for_real: Vec<(usize, usize, bool)>,
    waits_for_interface_object: Vec<(usize, usize, bool)>,
    has_real: bool,
    has_interface_object: bool,
}

impl<'s, 'm, 'a> Search<'s, 'm, 'a> {
    pub(super) fn new(moves: &'s Moves<'m>, views: &'s [View<'a>], start: usize, excluded: Option<usize>) -> Self {
        let mut search = Search {
            moves,
            views,
            excluded,
            entered: vec![By::Nothing; views.len()],
            whole: vec![false; views.len()],
            support: vec![By::Nothing; moves.wanted.len()],
            sources: vec![SmallVec::new(); moves.wanted.len()],
            counted: vec![false; views.len()],
            lacks: moves.rules.iter().map(|rule| rule.selects).collect(),
            open: VecDeque::new(),
            nested: VecDeque::new(),
            waits_for_real: Vec::new(),
            waits_for_interface_object: Vec::new(),
            has_real: false,
            has_interface_object: false,
        };
        search.arrive(start, By::Any, true);
        for (number, rule) in moves.rules.iter().enumerate() {
            if rule.selects == 0 {
                search.complete(number);
            }
        }
        search
    }

    /// The next view whose fields are to be counted.
    pub(super) fn next_view(&mut self) -> Option<usize> {
        self.open.pop_front()
    }

    /// Counts the fields of a view, of which it has `resolved` those that keys want.
    pub(super) fn supply(&mut self, view: usize, resolved: &[usize]) {
        let is_new = !std::mem::replace(&mut self.counted[view], true);
        for wanted in resolved {
            if is_new && !self.moves.nested_uses[*wanted].is_empty() {
                self.sources[*wanted].push(view);
            }
            self.support(*wanted, self.entered[view]);
        }
    }

    fn support(&mut self, wanted: usize, by: By) {
        let before = self.support[wanted];
        let now = before.and(by);
        if now != before {
            self.support[wanted] = now;
            for number in &self.moves.uses[wanted] {
                let key = self.moves.rules[*number].key;
                if now.helps(key) && !before.helps(key) {
                    self.lacks[*number] -= 1;
                    if self.lacks[*number] == 0 {
                        self.complete(*number);
                    }
                }
            }
        }
        for number in &self.moves.nested_uses[wanted] {
            if self.lacks[*number] == 0 && self.nested.back() != Some(number) {
                self.nested.push_back(*number);
            }
        }
    }

    /// A rule that lacks only what is nested, and has new helpers since it was last returned.
    pub(super) fn next_nested(&mut self) -> Option<usize> {
        self.nested.pop_front()
    }

    /// The views whose fields help a rule with a nested selection.
    pub(super) fn helpers(&self, rule: &Rule<'_>, wanted: usize) -> impl Iterator<Item = usize> {
        let key = rule.key;
        self.sources[wanted].iter().copied().filter(move |view| self.entered[*view].helps(key))
    }

    /// Whether an entry of a rule would add anything.
    pub(super) fn is_open(&self, rule: &Rule<'_>, entry: Entry) -> bool {
        let by = self.entered[entry.view];
        by != By::Any && by != By::Key(rule.key) && self.excluded != Some(entry.view)
    }

    /// Enters all views of a rule, for a reason that does not depend on the view.
    pub(super) fn enter_all(&mut self, rule: usize) {
        for entry in &self.moves.rules[rule].entries {
            self.enter(rule, *entry, true);
        }
    }

    /// Enters a view if what it needs is known, or else as soon as it is.
    pub(super) fn enter(&mut self, rule: usize, entry: Entry, whole: bool) {
        let key = self.moves.rules[rule].key;
        match entry.needs {
            _ if self.excluded == Some(entry.view) => {}
            Needs::RealType if !self.has_real => self.waits_for_real.push((entry.view, key, whole)),
            Needs::InterfaceObject if !self.has_interface_object => {
                self.waits_for_interface_object.push((entry.view, key, whole));
            }
            _ => self.arrive(entry.view, By::Key(key), whole),
        }
    }

    /// The views that were entered, in order; with each, whether it adds nothing to ask what can be entered from there.
    pub(super) fn found(&self) -> impl Iterator<Item = (usize, bool)> {
        let entered = self.entered.iter().zip(&self.whole).enumerate();
        entered.filter(|(_, (by, _))| **by != By::Nothing).map(|(view, (_, whole))| (view, *whole))
    }

    /// A rule lacks no field.
    fn complete(&mut self, rule: usize) {
        match self.moves.rules[rule].nested.is_empty() {
            true => self.enter_all(rule),
            false => self.nested.push_back(rule),
        }
    }

    fn arrive(&mut self, view: usize, by: By, whole: bool) {
        self.whole[view] |= whole;
        let now = self.entered[view].and(by);
        if now == self.entered[view] {
            return;
        }
        self.entered[view] = now;
        self.open.push_back(view);
        let waiting = match self.views[view].real {
            true => {
                self.has_real = true;
                std::mem::take(&mut self.waits_for_real)
            }
            false => {
                self.has_interface_object = true;
                std::mem::take(&mut self.waits_for_interface_object)
            }
        };
        for (view, key, whole) in waiting {
            self.arrive(view, By::Key(key), whole);
        }
    }
}
