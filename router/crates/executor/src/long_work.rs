//! Where work is done that takes milliseconds, because an answer is large. Knows no answer.

/// Where work is done that takes long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LongWork {
    /// Where the execution runs. The other tasks of its thread wait for it.
    #[default]
    InPlace,
    /// There too, but another thread takes over the other tasks first. Only for tasks of tokio's runtime with many threads, and outside of
    /// a `LocalSet`; elsewhere it panics ([`tokio::task::block_in_place`]).
    Apart,
}

/// From how many received bytes on work is taken for long. To read and to write as much takes milliseconds, and to hand tasks over much less.
const LARGE: usize = 1 << 20;

impl LongWork {
    /// Apart, if this is called on a runtime with many threads.
    pub fn of_this_runtime() -> Self {
        match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => Self::Apart,
            _ => Self::InPlace,
        }
    }

    /// Does work on so many received bytes.
    pub(crate) fn run<T>(self, bytes: usize, work: impl FnOnce() -> T) -> T {
        match self {
            Self::Apart if bytes >= LARGE => tokio::task::block_in_place(work),
            _ => work(),
        }
    }
}
