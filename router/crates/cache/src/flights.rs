//! Keys that are being asked for: who misses them too waits instead of asking as well. Knows nothing of what comes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::{AHashMap, RandomState};
use braid_cache_store::KeyRef;
use tokio_util::sync::CancellationToken;

/// The keys of a router that are being asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Asked>);

/// By the hash of a key, who waits for it is woken by what. Of two keys with one hash, one is waited for in vain: whoever waited looks
/// again, and asks for what is still missing.
#[derive(Debug, Default)]
struct Asked {
    hasher: RandomState,
    landings: Mutex<AHashMap<u64, Arc<CancellationToken>>>,
}

/// Keys that somebody asks for. Dropping it wakes those who wait.
#[derive(Debug)]
pub(crate) struct Flight {
    flights: Flights,
    /// In order.
    hashes: Vec<u64>,
    landed: Arc<CancellationToken>,
}

impl Flights {
    fn lock(&self) -> MutexGuard<'_, AHashMap<u64, Arc<CancellationToken>>> {
        self.0.landings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, key: KeyRef<'_>) -> u64 {
        self.0.hasher.hash_one(key)
    }

    /// What to wait for, if all of these keys are being asked for. Of a part, nobody waits: the others have to be asked for anyway.
    pub(crate) fn all<'a>(&self, keys: impl Iterator<Item = KeyRef<'a>>) -> Option<Vec<Arc<CancellationToken>>> {
        let flights = self.lock();
        let mut landings: Vec<Arc<CancellationToken>> = Vec::new();
        for key in keys {
            let landing = flights.get(&self.hash(key))?;
            // Usually all are asked for at once.
            if !landings.iter().any(|known| Arc::ptr_eq(known, landing)) {
                landings.push(landing.clone());
            }
        }
        Some(landings)
    }

    /// Asks for those of the keys that nobody asks for yet.
    pub(crate) fn begin<'a>(&self, keys: impl Iterator<Item = KeyRef<'a>>) -> Flight {
        let mut hashes: Vec<u64> = keys.map(|key| self.hash(key)).collect();
        let landed = Arc::new(CancellationToken::new());
        let mut flights = self.lock();
        hashes.retain(|hash| {
            let is_new = !flights.contains_key(hash);
            if is_new {
                flights.insert(*hash, landed.clone());
            }
            is_new
        });
        drop(flights);
        hashes.sort_unstable();
        Flight { flights: self.clone(), hashes, landed }
    }
}

impl Flight {
    /// Whether this key is asked for here, and not by somebody else.
    pub(crate) fn has(&self, key: KeyRef<'_>) -> bool {
        self.hashes.binary_search(&self.flights.hash(key)).is_ok()
    }

    /// Whether somebody else asks for all of the keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        for hash in &self.hashes {
            flights.remove(hash);
        }
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
        assert_eq!(waiting.iter().map(|landing| landing.is_cancelled()).collect::<Vec<_>>(), [true, false]);
        assert!(flights.all([key(b"a")].into_iter()).is_none());
        drop(second);
        assert!(flights.lock().is_empty());
    }
}
