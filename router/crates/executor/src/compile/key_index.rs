//! Where a key is in a list of keys: few are looked at one by one, many are found by a table. Knows nothing of what the keys are of.

use std::mem::size_of;

use ahash::AHashMap;

/// Up to so many keys are looked at one by one.
const FEW: usize = 16;

/// The table of a list of keys; there is none while they are few, as nearly all are.
#[derive(Debug, Default)]
pub(crate) struct KeyIndex(Option<Box<AHashMap<Box<[u8]>, u32>>>);

impl KeyIndex {
    /// The place of `key` among `keys`, the list of this index.
    #[inline]
    pub(crate) fn find<'k>(&self, key: &[u8], mut keys: impl Iterator<Item = &'k [u8]>) -> Option<u32> {
        match &self.0 {
            Some(table) => table.get(key).copied(),
            None => keys.position(|known| known == key).map(|at| at as u32),
        }
    }

    /// The bytes that it has on the heap.
    pub(crate) fn heap(&self) -> usize {
        let table = |table: &AHashMap<Box<[u8]>, u32>| {
            table.capacity() * 8 / 7 * (size_of::<(Box<[u8]>, u32)>() + 1)
                + table.keys().map(|key| key.len()).sum::<usize>()
        };
        self.0.as_ref().map_or(0, |known| size_of::<AHashMap<Box<[u8]>, u32>>() + table(known))
    }

    /// To be told when a key was added at the end of the list.
    pub(crate) fn added<'k>(&mut self, keys: impl ExactSizeIterator<Item = &'k [u8]> + DoubleEndedIterator) {
        let count = keys.len();
        if count <= FEW {
            return;
        }
        let table = self.0.get_or_insert_default();
        // The latest first, until there is one that is known.
        for (at, key) in keys.enumerate().rev() {
            if table.insert(key.into(), at as u32).is_some() || table.len() == count {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_however_many_there_are() {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut index = KeyIndex::default();
        for number in 0..100 {
            let key = format!("key{number}").into_bytes();
            assert_eq!(index.find(&key, keys.iter().map(Vec::as_slice)), None);
            keys.push(key);
            index.added(keys.iter().map(Vec::as_slice));
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(index.find(key, keys.iter().map(Vec::as_slice)), Some(at as u32));
            }
        }
    }
}
