//! How many bytes values have on the heap, what is shared with the schema left out. Knows nothing of what the values mean.

use std::mem::size_of;

/// The bytes of a list, and what its items have beside.
pub(crate) fn list<T>(items: &Vec<T>, of: impl Fn(&T) -> usize) -> usize {
    items.capacity() * size_of::<T>() + items.iter().map(of).sum::<usize>()
}

/// The bytes of a list whose items have nothing beside.
pub(crate) fn flat<T>(items: &Vec<T>) -> usize {
    items.capacity() * size_of::<T>()
}

/// What an `Arc` or `Box` of this has, with its counters.
pub(crate) fn shared<T>(inside: usize) -> usize {
    size_of::<T>() + 2 * size_of::<usize>() + inside
}
