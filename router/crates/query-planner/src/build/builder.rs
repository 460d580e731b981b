//! Adds visits, atoms and objects to the draft. Does not decide who is asked, and gives no inputs.

use std::collections::BTreeSet;
use std::rc::Rc;

use braid_graphql::operation::Condition;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, OperationType};
use braid_query_graph::{At, Closure, Exhausted, NodeId, Owner, Place, Presences, QueryGraph, presences_of};
use braid_query_plan::{Representation, RepresentationField};
use smallvec::SmallVec;

use crate::ask::{Ask, Defers};
use crate::choose::{Failure, Solver};
use crate::draft::{
    AskedField, Atom, AtomId, AtomKind, Demands, Draft, Made, Objects, ObjectsId, Parent, Standing, Visit, VisitId,
};

/// Why the choices did not become visits with inputs.
pub(crate) enum BuildError {
    /// It took more work than is allowed.
    Exhausted,
    /// A field cannot be asked where it was chosen.
    Stuck(Stuck),
}

/// A field that cannot be asked, and what stands in the way.
pub(crate) struct Stuck {
    pub(crate) failure: Failure,
    pub(crate) why: Why,
}

/// What can stand in the way of a choice.
pub(crate) enum Why {
    /// A key, a requirement or the runtime type cannot be fetched.
    Input,
    /// No object above sets the context.
    Context(String),
    /// An interface object cannot tell apart the types for which one key means different fields.
    Ambiguous(Place),
}

impl From<Exhausted> for BuildError {
    fn from(_: Exhausted) -> Self {
        Self::Exhausted
    }
}

pub(super) type Built<T> = Result<T, BuildError>;

/// The visits that are asked for one field: one of each owner.
pub(super) type Visits = SmallVec<[VisitId; 1]>;

pub(super) struct Builder<'s, 'a, 'o> {
    pub(super) solver: &'s mut Solver<'a, 'o>,
    pub(super) graph: &'a QueryGraph,
    pub(super) ask: &'o Ask<'o>,
    pub(super) draft: Draft<'a>,
    pub(super) root: ObjectsId,
    pub(super) kind: OperationType,
    pub(super) typename: Name,
    /// How many variables there are for context values.
    pub(super) variables: u32,
}

impl<'s, 'a, 'o> Builder<'s, 'a, 'o> {
    pub(super) fn new(solver: &'s mut Solver<'a, 'o>, ask: &'o Ask<'o>, kind: OperationType, ats: &[At<'a>]) -> Self {
        let mut draft = Draft::default();
        let root = draft.objects.push(Objects {
            parent: None,
            condition: Condition::always(),
            ty: ask.positions[ask.root].ty,
            standing: ats.iter().map(|at| Standing { at: at.clone(), visit: None }).collect(),
            made: Vec::new(),
            atoms: Vec::new(),
            path: draft.tree.root(),
            defers: Defers::new(),
        });
        let graph = solver.graph;
        Self {
            solver,
            graph,
            ask,
            draft,
            root,
            kind,
            typename: braid_graphql::compiler::name!("__typename"),
            variables: 0,
        }
    }

    /// Objects below `parent` that stand at `ats`; the first of them come from `visits`, whose visits below are the second
    /// result, and the rest are roots.
    pub(super) fn add_objects(
        &mut self,
        parent: Parent,
        condition: &Condition,
        ty: TypeId,
        ats: &[At<'a>],
        visits: &[VisitId],
        defers: Defers,
    ) -> (ObjectsId, Visits) {
        let id = self.draft.objects.next_id();
        let above = &self.draft.objects[parent.objects];
        let (condition, path) = (above.condition.and_all(condition).unwrap_or_default(), above.path);
        let path = self.draft.tree.below(path, &parent.key);
        let mut below = Visits::new();
        for (at, visit) in ats.iter().zip(visits) {
            let atom = self.draft.visits[*visit].atom;
            let place = at.presence.place;
            below.push(self.draft.visits.push(Visit { objects: id, place, atom, asks: Vec::new() }));
        }
        let visits = below.iter().copied().map(Some).chain(std::iter::repeat(None));
        let standing = ats.iter().zip(visits).map(|(at, visit)| Standing { at: at.clone(), visit }).collect();
        let (parent, made, atoms) = (Some(parent), Vec::new(), Vec::new());
        self.draft.objects.push(Objects { parent, condition, ty, standing, made, atoms, path, defers });
        (id, below)
    }

    /// The visit by which an owner is asked for a field of some objects, for what is delivered with `defers`.
    pub(super) fn visit_for(
        &mut self,
        objects: ObjectsId,
        ty: TypeId,
        types: &TypeSet,
        owner: Owner,
        defers: &Defers,
    ) -> Result<VisitId, Exhausted> {
        let join = self.graph.join(owner);
        let place = self.graph.place(ty, owner);
        if join.requires.is_some() || !join.context_arguments.is_empty() {
            let closure = self.closure(objects, ty)?;
            let found = closure.required(owner).and_then(|reached| reached.found.as_ref());
            let stage = found.map_or(0, |found| found.stage);
            return self.visit_at(objects, place, AtomKind::Required(Demands(join)), stage, types, defers);
        }
        let stands = |standing: &Standing<'a>| standing.at.presence.place == place;
        let stage = match self.draft.objects[objects].standing.iter().any(stands) {
            true => 0,
            false => stage_at(&*self.closure(objects, ty)?, owner.node),
        };
        self.visit_at(objects, place, AtomKind::Entity, stage, types, defers)
    }

    /// The visit of a place that is entered at a stage. Where the objects stand there already, the stage is of no meaning.
    pub(super) fn visit_at(
        &mut self,
        objects: ObjectsId,
        place: Place,
        kind: AtomKind<'a>,
        stage: u8,
        types: &TypeSet,
        defers: &Defers,
    ) -> Result<VisitId, Exhausted> {
        let Objects { standing, atoms, .. } = &self.draft.objects[objects];
        self.solver.reach.spend((standing.len() + atoms.len()) as u64 / 16)?;
        if kind == AtomKind::Entity
            && let Some(at) = standing.iter().position(|standing| standing.at.presence.place == place)
        {
            if let Some(visit) = standing[at].visit {
                return Ok(visit);
            }
            let operation = if objects == self.root { self.kind } else { OperationType::Query };
            let own = self.draft.objects[objects].defers.clone();
            let visit = self.add_atom(objects, place, AtomKind::Root(operation), 0, types, &own);
            self.draft.objects[objects].standing[at].visit = Some(visit);
            return Ok(visit);
        }
        self.atom_at(objects, place, kind, stage, types, defers)
    }

    /// The visit of the atom that is fetched for `defers`.
    pub(super) fn atom_at(
        &mut self,
        objects: ObjectsId,
        place: Place,
        kind: AtomKind<'a>,
        stage: u8,
        types: &TypeSet,
        defers: &Defers,
    ) -> Result<VisitId, Exhausted> {
        let is_it = |atom: &AtomId| {
            let atom = &self.draft.atoms[*atom];
            self.draft.visits[atom.visit].place == place
                && atom.stage == stage
                && atom.kind == kind
                && atom.defers == *defers
        };
        let known = self.draft.objects[objects].atoms.iter().copied().find(is_it);
        Ok(match known {
            Some(atom) => {
                let atom = &mut self.draft.atoms[atom];
                if !atom.guard.is_superset(types) {
                    atom.guard = atom.guard.union(types);
                    // More objects are looked up: their inputs are still to be made.
                    atom.inputs_for = None;
                }
                atom.visit
            }
            None => self.add_atom(objects, place, kind, stage, types, defers),
        })
    }

    fn add_atom(
        &mut self,
        objects: ObjectsId,
        place: Place,
        kind: AtomKind<'a>,
        stage: u8,
        types: &TypeSet,
        defers: &Defers,
    ) -> VisitId {
        let atom = self.draft.atoms.next_id();
        let visit = self.draft.visits.push(Visit { objects, place, atom, asks: Vec::new() });
        self.draft.atoms.push(Atom {
            kind,
            stage,
            visit,
            guard: types.clone(),
            after: Vec::new(),
            representations: Vec::new(),
            contexts: Vec::new(),
            inputs_for: None,
            defers: defers.clone(),
            serves: BTreeSet::new(),
        });
        self.draft.objects[objects].atoms.push(atom);
        visit
    }

    pub(super) fn ask_typename(
        &mut self,
        objects: ObjectsId,
        visit: VisitId,
        types: &TypeSet,
        condition: Condition,
    ) -> Result<(), Exhausted> {
        let key = self.typename.clone();
        let work = self.draft.ask(
            visit,
            AskedField {
                key: key.clone(),
                name: key.clone(),
                field: None,
                arguments: Vec::new(),
                guard: types.clone(),
                condition: condition.clone(),
                below: None,
            },
        );
        self.draft.objects[objects].made.push(Made {
            name: key.clone(),
            arguments: Vec::new(),
            key,
            guard: types.clone(),
            condition,
            stage: 0,
            visits: SmallVec::from_elem(visit, 1),
            below: None,
        });
        self.solver.reach.spend(work)
    }

    /// What can be fetched for those of the objects that have a runtime type.
    pub(super) fn closure(&mut self, objects: ObjectsId, ty: TypeId) -> Result<Rc<Closure<'a>>, Exhausted> {
        let presences = self.presences(objects, ty);
        self.solver.reach.closure(ty, &presences)
    }

    pub(super) fn presences(&self, objects: ObjectsId, ty: TypeId) -> Presences<'a> {
        let ats = self.draft.objects[objects].standing.iter().map(|standing| &standing.at);
        presences_of(self.graph, ats, ty)
    }

    /// The runtime types that objects can have where they stand.
    pub(super) fn types(&mut self, objects: ObjectsId) -> Result<TypeSet, Exhausted> {
        let types = self.draft.objects[objects].types(self.graph);
        self.solver.reach.spend(1 + types.len() as u64 / 16)?;
        Ok(types)
    }

    /// A field of a type that cannot be asked.
    pub(super) fn stuck(
        &self,
        objects: ObjectsId,
        ty: TypeId,
        field: Option<braid_graphql::schema::FieldId>,
        why: Why,
    ) -> BuildError {
        let from = self.draft.objects[objects].standing.iter().map(|standing| standing.at.presence.place).collect();
        BuildError::Stuck(Stuck { failure: Failure { field, ty, from }, why })
    }
}

/// The stage at which a node is entered.
pub(super) fn stage_at(closure: &Closure<'_>, node: NodeId) -> u8 {
    closure.node(node).found.as_ref().map_or(0, |found| found.stage)
}

pub(super) fn add_representation(all: &mut Vec<Representation>, new: Representation) {
    let same = |known: &&mut Representation| known.fields == new.fields && known.typename == new.typename;
    match all.iter_mut().find(same) {
        Some(known) => known.guard = known.guard.union(&new.guard),
        None => all.push(new),
    }
}

/// Adds the fields of the same object that another field set names.
pub(crate) fn merge_fields(known: &mut Vec<RepresentationField>, more: Vec<RepresentationField>) {
    for field in more {
        let same = |other: &&mut RepresentationField| {
            other.name == field.name && other.key == field.key && other.guard == field.guard
        };
        match known.iter_mut().find(same) {
            Some(other) => {
                other.is_key |= field.is_key;
                if let (Some(other), Some(more)) = (&mut other.fields, field.fields) {
                    merge_fields(other, more);
                }
            }
            None => known.push(field),
        }
    }
}
