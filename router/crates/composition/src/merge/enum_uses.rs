//! How an enum is used: that decides which of its values the supergraph can have. Knows nothing of values.

/// An example coordinate of each way of using an enum.
#[derive(Clone, Debug, Default)]
pub(super) struct EnumUses {
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
}
