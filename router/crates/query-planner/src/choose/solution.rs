//! What is chosen for a position, and what that costs. Does not know how it is chosen.

use std::rc::Rc;

use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_graph::{At, Ats, Closure, Owner, Place, Presences, Requests};
use smallvec::SmallVec;

/// How a position is completed from where its objects stand.
#[derive(Debug)]
pub(crate) struct Solution<'a> {
    pub(crate) ats: Ats<'a>,
    /// The requests that it takes, those of the presences that it uses included.
    pub(crate) requests: Requests,
    /// The runtime types that behave alike are planned as one.
    pub(crate) groups: Vec<Group<'a>>,
    /// Where the runtime types are asked, when the objects stand at interface objects only.
    pub(crate) typename: Option<Place>,
    /// How many fields there are, here and below, and how long they are waited for, in stages, all together.
    pub(crate) fields: u32,
    pub(crate) waiting: u32,
    /// Whether anything could be fetched in another way, here or below.
    pub(crate) had_choice: bool,
    /// What cannot be fetched, when something cannot.
    pub(crate) failure: Option<Failure>,
}

impl<'a> Solution<'a> {
    pub(super) fn new(ats: Ats<'a>) -> Self {
        Self {
            ats,
            requests: Requests::default(),
            groups: Vec::new(),
            typename: None,
            fields: 0,
            waiting: 0,
            had_choice: false,
            failure: None,
        }
    }

    pub(super) fn add(&mut self, group: Group<'a>, requests: &Requests) {
        self.requests.add(requests);
        self.had_choice |= group.had_choice;
        for pick in &group.picks {
            self.had_choice |= pick.below.as_ref().is_some_and(|below| below.had_choice);
            let (fields, waiting) = pick.weight();
            self.fields = self.fields.saturating_add(fields);
            self.waiting = self.waiting.saturating_add(waiting);
        }
        self.groups.push(group);
    }
}

/// Runtime types for which the same is chosen.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) types: TypeSet,
    /// Any of them; the interface itself when it has no implementations.
    pub(crate) ty: TypeId,
    pub(crate) picks: Vec<Pick<'a>>,
    pub(super) had_choice: bool,
}

/// The choice for one entry.
#[derive(Debug, Clone)]
pub(crate) struct Pick<'a> {
    pub(crate) entry: usize,
    /// Who is asked: one owner, or several whose objects are merged by position.
    pub(crate) owners: SmallVec<[Owner; 1]>,
    /// The stage after which the field is there.
    pub(crate) stage: u8,
    pub(crate) below: Option<Rc<Solution<'a>>>,
}

/// A field that cannot be fetched.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// `None` when it is the runtime type that cannot be fetched.
    pub(crate) field: Option<FieldId>,
    pub(crate) ty: TypeId,
    pub(crate) from: SmallVec<[Place; 2]>,
}

/// Objects of one type where they stand, and what is available there without a lookup.
pub(super) struct Standing<'s, 'a> {
    pub(super) ty: TypeId,
    pub(super) ats: &'s Ats<'a>,
    pub(super) presences: Presences<'a>,
    pub(super) initial: Closure<'a>,
}

pub(super) struct Choice<'a> {
    pub(super) pick: Pick<'a>,
    pub(super) requests: Requests,
}

impl Pick<'_> {
    /// How many fields there are with those below, and how long they are waited for.
    pub(super) fn weight(&self) -> (u32, u32) {
        let (fields, waiting) = self.below.as_ref().map_or((0, 0), |below| (below.fields, below.waiting));
        (
            fields.saturating_add(1),
            waiting.saturating_add(u32::from(self.stage).saturating_mul(fields.saturating_add(1))),
        )
    }
}

pub(super) fn failure(field: Option<FieldId>, ty: TypeId, ats: &[At<'_>]) -> Failure {
    Failure { field, ty, from: ats.iter().map(|at| at.presence.place).collect() }
}
