//! Keys that are being asked for: who misses them too waits instead of asking as well. Knows nothing of what comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;
use braid_cache_store::{Key, KeyRef};
use tokio_util::sync::CancellationToken;

/// The keys of a router that are being asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<AHashMap<Key, CancellationToken>>>);

/// Keys that somebody asks for. Dropping it wakes those who wait.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Flights,
    keys: Vec<Key>,
    landed: CancellationToken,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, AHashMap<Key, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to wait for, if all of these keys are being asked for. Of a part, nobody waits: the others have to be asked for anyway.
    pub(crate) fn all<'a>(&self, keys: impl Iterator<Item = KeyRef<'a>>) -> Option<Vec<CancellationToken>> {
        let flights = self.lock();
        keys.map(|key| flights.get(&key.to_key()).cloned()).collect()
    }

    /// Asks for those of the keys that nobody asks for yet.
    pub(crate) fn begin<'a>(&self, keys: impl Iterator<Item = KeyRef<'a>>) -> Flight {
        let landed = CancellationToken::new();
        let mut flights = self.lock();
        let mut own = Vec::new();
        for key in keys {
            let key = key.to_key();
            if !flights.contains_key(&key) {
                flights.insert(key.clone(), landed.clone());
                own.push(key);
            }
        }
        Flight { flights: self.clone(), keys: own, landed }
    }
}

impl Flight {
    /// Whether somebody else asks for this key.
    pub(crate) fn has(&self, key: KeyRef<'_>) -> bool {
        self.keys.iter().any(|own| own.as_ref() == key)
    }

    /// Whether somebody else asks for all of the keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        self.keys.iter().for_each(|key| drop(flights.remove(key)));
        drop(flights);
        self.landed.cancel();
    }
}

#[cfg(test)]
mod tests {
    use braid_cache_store::Group;

    use super::*;

    #[test]
    fn one_asks_and_the_others_wait_until_it_is_over() {
        let flights = Flights::default();
        let key = |item: &'static [u8]| KeyRef { group: Group([1; 16]), item };
        let first = flights.begin([key(b"a"), key(b"b")].into_iter());
        let second = flights.begin([key(b"b"), key(b"c")].into_iter());
        assert!(first.has(key(b"b")) && !second.has(key(b"b")) && second.has(key(b"c")));
        assert!(flights.all([key(b"a"), key(b"d")].into_iter()).is_none());
        let waiting = flights.all([key(b"a"), key(b"c")].into_iter()).unwrap_or_default();
        drop(first);
        assert_eq!(waiting.iter().map(CancellationToken::is_cancelled).collect::<Vec<_>>(), [true, false]);
        assert!(flights.all([key(b"a")].into_iter()).is_none());
        drop(second);
        assert!(flights.lock().is_empty());
    }
}
