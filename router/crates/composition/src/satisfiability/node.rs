//! The positions of the walk through the API. Knows no rule.

use smallvec::SmallVec;

use super::contexts::Values;
use super::labels::When;
use super::model::Returned;
use super::provided::ProvidedId;
use super::reach::State;

/// States of one type, in order, each with the combinations of labels in which it can be met.
pub(super) type Met = SmallVec<[(State, When); 1]>;

/// A position in a query: an object type, the states it can be in, and the way there.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) ty: usize,
    /// All that can be reached there.
    pub(super) met: Met,
    /// The combinations of labels in which a query comes here.
    pub(super) when: When,
    /// The values for contextual arguments that the objects above it have.
    pub(super) above: Values,
    /// The same for the objects that its fields return: it may set contexts itself.
    pub(super) below: Values,
    /// The position above, and the number of the field that leads here.
    pub(super) parent: Option<(usize, usize)>,
    /// Which root the query starts at, for the first node.
    pub(super) operation: &'static str,
}

/// A subgraph that is asked for a field, what it returns, what is provided there, and in which combinations of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) subgraph: usize,
    pub(super) returned: Returned,
    pub(super) provided: ProvidedId,
    pub(super) when: When,
}

/// All that are asked for one field.
pub(super) type AllAsked = SmallVec<[Asked; 1]>;
