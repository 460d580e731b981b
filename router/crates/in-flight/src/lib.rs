//! Work that is under way, which is joined by who wants the same. Knows nothing of what is done, and keeps nothing that is done.

use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// Work that several may wait for. It goes on as long as one of them does.
pub type Flight<T> = Shared<BoxFuture<'static, T>>;

/// What is under way. Keys are compared in full: they have everything that makes the outcome one's own.
#[derive(Debug)]
pub struct InFlight<K, T>(Arc<Table<K, T>>);

type Table<K, T> = Mutex<Entries<K, T>>;
type Entries<K, T> = AHashMap<Arc<K>, WeakShared<BoxFuture<'static, T>>>;

impl<K, T> Default for InFlight<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> InFlight<K, T>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The work under this key, or else what `begin` begins, and whether it is that. If the key names something by its address, the work
    /// must keep it alive.
    pub fn join<F: Future<Output = T> + Send + 'static>(&self, key: K, begin: impl FnOnce() -> F) -> (Flight<T>, bool) {
        let key = Arc::new(key);
        let mut table = lock(&self.0);
        match table.entry(key.clone()) {
            Entry::Occupied(entry) => {
                if let Some(flight) = entry.get().upgrade() {
                    return (flight, false);
                }
                entry.remove();
            }
            Entry::Vacant(_) => {}
        }
        // Dropped when the outcome is there, or when everyone who waited for it is gone.
        let registration = Registration { table: self.0.clone(), key: key.clone() };
        let work = begin();
        let flight = async move {
            let outcome = work.await;
            drop(registration);
            outcome
        };
        let flight = flight.boxed().shared();
        table.extend(flight.downgrade().map(|weak| (key, weak)));
        (flight, true)
    }
}

/// The place of work in the table. Dropping it gives it up.
struct Registration<K: Hash + Eq, T> {
    table: Arc<Table<K, T>>,
    key: Arc<K>,
}

impl<K: Hash + Eq, T> Drop for Registration<K, T> {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        // Equal work may have begun meanwhile.
        let is_own = table.get_key_value(&self.key).is_some_and(|(key, _)| Arc::ptr_eq(key, &self.key));
        if is_own {
            table.remove(&self.key);
        }
    }
}

fn lock<K, T>(table: &Table<K, T>) -> MutexGuard<'_, Entries<K, T>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn len(in_flight: &InFlight<&'static str, usize>) -> usize {
        lock(&in_flight.0).len()
    }

    #[tokio::test]
    async fn who_wants_the_same_joins() {
        let in_flight = InFlight::<&str, usize>::default();
        let (first, is_own) = in_flight.join("a", || ready(1));
        assert!(is_own);
        let (second, is_own) = in_flight.join("a", || ready(2));
        assert!(!is_own);
        let (other, is_own) = in_flight.join("b", || ready(3));
        assert!(is_own);
        assert_eq!((second.await, first.await, other.await), (1, 1, 3));
        // What is done is not kept.
        assert_eq!(len(&in_flight), 0);
        assert_eq!(in_flight.join("a", || ready(4)).0.await, 4);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_given_up() {
        let in_flight = InFlight::<&str, usize>::default();
        let (first, _) = in_flight.join("a", pending::<usize>);
        let (second, _) = in_flight.join("a", pending::<usize>);
        drop(first);
        assert_eq!(len(&in_flight), 1);
        drop(second);
        assert_eq!(len(&in_flight), 0);
        let (again, is_own) = in_flight.join("a", || ready(5));
        assert!(is_own);
        assert_eq!(again.await, 5);
    }
}
