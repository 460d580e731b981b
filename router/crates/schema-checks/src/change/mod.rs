//! One difference between two schemas, and how much it matters. Knows nothing of how differences are found.

mod kind;

use serde::Serialize;

pub use self::kind::ChangeKind;
use crate::location::Location;

/// How much a change matters to clients, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No client that works today can notice it.
    Safe,
    /// Operations stay valid, but a client may meet what it did not expect.
    Dangerous,
    /// Operations or requests that work today can fail.
    Breaking,
}

/// A difference between the old and the new schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Names the change for allow-lists: the kind and where it is. Stable as long as the change is the same.
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// How much it matters, after usage and allowances were taken into account.
    pub severity: Severity,
    /// The schema coordinate of the element that changed.
    pub coordinate: String,
    /// What happened, as a sentence.
    pub message: String,
    /// Why it has this severity.
    pub reason: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The subgraphs whose schemas made it, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subgraphs: Vec<String>,
    /// The locations in the SDL files; of what was removed, its own in the old file and its parent's in the new one.
    pub locations: Vec<Location>,
    /// How to roll it out, for changes between subgraphs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The known operations that it affects; absent if no operations are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why it is allowed, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
    /// Coordinates that an operation must use to notice the change.
    #[serde(skip)]
    pub touches: Vec<String>,
}

/// The order in which the two sides of a change between subgraphs must be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollout {
    /// What must be deployed everywhere before the other.
    pub first: First,
    /// Whether old and new instances of the subgraph can serve at the same time, in that order.
    pub mixed_versions: bool,
    /// What goes wrong in the other order.
    pub note: String,
}

/// Which side of a change is deployed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum First {
    /// The instances of the subgraph.
    Subgraph,
    /// The router with the new supergraph.
    Router,
    /// It does not matter.
    Either,
}

/// Which known operations a change affects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Operations that no longer validate because of it.
    pub broken: Vec<String>,
    /// Operations that stay valid and use what changed.
    pub affected: Vec<String>,
    /// The clients that send them.
    pub clients: Vec<String>,
    /// How many requests the usage log counts for them.
    pub count: u64,
    /// Whether the change would be breaking, but no known operation uses what it takes away.
    pub unused: bool,
}

/// An entry of the allow-list that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// Why the break is deliberate.
    pub reason: String,
}

impl Change {
    /// A change with everything that is not known yet left empty. It touches its own coordinate.
    pub(crate) fn new(
        kind: ChangeKind,
        severity: Severity,
        coordinate: impl Into<String>,
        message: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let coordinate = coordinate.into();
        Self {
            id: format!("{}:{coordinate}", kind.name()),
            kind,
            severity,
            message: message.into(),
            reason: reason.into(),
            from: None,
            to: None,
            subgraphs: Vec::new(),
            locations: Vec::new(),
            rollout: None,
            usage: None,
            allowed: None,
            touches: vec![coordinate.clone()],
            coordinate,
        }
    }

    pub(crate) fn from(mut self, from: impl ToString) -> Self {
        self.from = Some(from.to_string());
        self
    }

    pub(crate) fn to(mut self, to: impl ToString) -> Self {
        self.to = Some(to.to_string());
        self
    }

    /// Distinguishes two changes of one kind at one coordinate.
    pub(crate) fn subject(mut self, subject: impl std::fmt::Display) -> Self {
        self.id = format!("{}:{subject}", self.id);
        self
    }

    /// What an operation must use to notice, when that is not the coordinate itself.
    pub(crate) fn touching(mut self, coordinates: impl IntoIterator<Item = String>) -> Self {
        self.touches = coordinates.into_iter().collect();
        self
    }

    /// A change that one subgraph made.
    pub(crate) fn in_subgraph(mut self, subgraph: &str) -> Self {
        self.subgraphs.push(subgraph.to_owned());
        self.subject(subgraph)
    }

    pub(crate) fn rollout(mut self, first: First, mixed_versions: bool, note: impl Into<String>) -> Self {
        self.rollout = Some(Rollout { first, mixed_versions, note: note.into() });
        self
    }
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Dangerous => "dangerous",
            Self::Breaking => "breaking",
        }
    }
}
