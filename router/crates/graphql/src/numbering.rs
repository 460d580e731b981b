//! Which numbers the elements of a schema get when it follows an older one. Knows nothing of what the elements are.

use std::hash::Hash;

use ahash::AHashMap;

/// A number for each of `elements`, dense from 0: those that are in `older` keep the number that they have there, and others get the numbers
/// of those that are gone. Where more are gone than have come, the last ones move.
pub(crate) fn numbers_like<K: Hash + Eq>(older: impl Iterator<Item = K>, elements: &[K]) -> Vec<u32> {
    let known: AHashMap<K, usize> = older.enumerate().map(|(number, key)| (key, number)).collect();
    let mut places: Vec<Option<usize>> = vec![None; known.len()];
    let mut unknown = Vec::new();
    for (at, key) in elements.iter().enumerate() {
        match known.get(key) {
            Some(number) => places[*number] = Some(at),
            None => unknown.push(at),
        }
    }
    let mut unknown = unknown.into_iter();
    for place in places.iter_mut().filter(|place| place.is_none()) {
        *place = unknown.next();
    }
    places.extend(unknown.map(Some));
    let mut numbers = vec![0; elements.len()];
    let mut number = 0;
    while number < places.len() {
        match places[number] {
            Some(at) => {
                numbers[at] = number as u32;
                number += 1;
            }
            None => {
                places.swap_remove(number);
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(older: &str, elements: &str) -> Vec<u32> {
        numbers_like(older.chars(), &elements.chars().collect::<Vec<_>>())
    }

    #[test]
    fn what_stays_keeps_its_number() {
        assert_eq!(numbers("abcd", "abcd"), [0, 1, 2, 3]);
        assert_eq!(numbers("abcd", "dcba"), [3, 2, 1, 0]);
        assert_eq!(numbers("abcd", "axbcdy"), [0, 4, 1, 2, 3, 5], "new ones follow");
        assert_eq!(numbers("abcd", "axcd"), [0, 1, 2, 3], "or take what is free");
        assert_eq!(numbers("abcd", "acd"), [0, 2, 1], "the last one moves");
        assert_eq!(numbers("abcd", "cb"), [0, 1]);
        assert_eq!(numbers("abcd", "ab"), [0, 1]);
        assert_eq!(numbers("", "ab"), [0, 1]);
        assert_eq!(numbers("ab", ""), Vec::<u32>::new());
    }

    #[test]
    fn numbers_are_dense_whatever_changes() {
        let letters: Vec<u8> = (b'a'..=b'j').collect();
        for older in 0..1024_u32 {
            let of =
                |bits: u32| letters.iter().enumerate().filter(move |(at, _)| bits & (1 << at) != 0).map(|(_, it)| *it);
            for elements in [older, !older & 1023, older ^ 0b10_0100_1001, older.reverse_bits() >> 22] {
                let elements: Vec<u8> = of(elements).collect();
                let numbers = numbers_like(of(older), &elements);
                let mut sorted = numbers.clone();
                sorted.sort_unstable();
                assert!(sorted.iter().copied().eq(0..elements.len() as u32), "{older} {elements:?} {numbers:?}");
            }
        }
    }
}
