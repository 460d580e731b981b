//! What of a request decides how its operation is compiled, beside its text: override labels and permissions. Knows no plan.

use braid_authorization::RequirementSet;

use crate::permissions::Permissions;

/// What a request says when it is asked.
pub(crate) struct Facts<'a> {
    /// The override labels that are on, a bit for each.
    pub(crate) labels: u64,
    pub(crate) permissions: Permissions<'a>,
}

/// What was asked of a request when its operation was compiled, and what it said. What was compiled is right for all requests that say
/// the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Decisions {
    labels: u64,
    /// Those of `labels` that are on.
    on: u64,
    requirements: RequirementSet,
    /// Those of `requirements` that are granted.
    granted: RequirementSet,
}

/// Policies that have to be decided before an operation can be compiled or found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Undecided(pub(crate) Vec<String>);

impl Facts<'_> {
    /// Whether the request says all that is asked about these requirements.
    #[inline]
    pub(crate) fn decide(&self, requirements: &RequirementSet) -> Result<(), Undecided> {
        let undecided = self.permissions.undecided(requirements);
        if undecided.is_empty() { Ok(()) } else { Err(Undecided(undecided)) }
    }
}

impl Decisions {
    /// Whether it can be told what a request would have said.
    #[inline]
    pub(crate) fn decidable(&self, facts: &Facts<'_>) -> Result<(), Undecided> {
        facts.decide(&self.requirements)
    }

    /// What a request says about these labels and requirements.
    pub(crate) fn of(labels: u64, requirements: RequirementSet, facts: &Facts<'_>) -> Self {
        let granted = requirements.iter().filter(|id| facts.permissions.grants(*id)).collect();
        Self { labels, on: facts.labels & labels, requirements, granted }
    }

    /// Whether anything was asked about what the client may see.
    pub(crate) fn depend_on_permissions(&self) -> bool {
        self.requirements.iter().next().is_some()
    }

    /// Whether a request would have said the same.
    pub(crate) fn hold_for(&self, facts: &Facts<'_>) -> bool {
        let mut granted = self.granted.iter().peekable();
        facts.labels & self.labels == self.on
            && self.requirements.iter().all(|id| granted.next_if_eq(&id).is_some() == facts.permissions.grants(id))
    }

    /// What a request says about all that was asked here or in `other`.
    pub(crate) fn and(&self, other: &Self, facts: &Facts<'_>) -> Self {
        let mut requirements = self.requirements.clone();
        requirements.extend(&other.requirements);
        Self::of(self.labels | other.labels, requirements, facts)
    }
}
