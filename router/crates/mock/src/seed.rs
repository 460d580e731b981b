//! Numbers that look random and follow from what they are made of, on every machine and in every version. Knows no schema.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What values are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The seed of something below, by its name.
    pub(crate) fn and(self, name: &str) -> Self {
        Self(xxh3_64_with_seed(name.as_bytes(), self.0))
    }

    /// The seed of something below, by its number.
    pub(crate) fn number(self, number: u64) -> Self {
        Self(xxh3_64_with_seed(&number.to_le_bytes(), self.0))
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(self, end: u64) -> u64 {
        self.0.checked_rem(end).unwrap_or(0)
    }

    /// One of some; `None` if there is none.
    pub(crate) fn pick<T>(self, from: &[T]) -> Option<&T> {
        from.get(self.below(from.len() as u64) as usize)
    }

    /// A number from 0 up to 1, without 1.
    pub(crate) fn share(self) -> f64 {
        // The 53 bits that a float has.
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_the_same_everywhere_and_differ_by_name() {
        assert_eq!(Seed(0).and("name"), Seed(0).and("name"));
        assert_ne!(Seed(0).and("name"), Seed(0).and("price"));
        assert_ne!(Seed(0).number(1), Seed(0).number(2));
        // A stored answer stays right in later versions.
        assert_eq!(Seed(1).and("Product").number(3).below(1000), 382);
    }

    #[test]
    fn shares_are_spread() {
        let shares: Vec<f64> = (0..1000).map(|number| Seed(7).number(number).share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!((400..600).contains(&shares.iter().filter(|share| **share < 0.5).count()));
        assert_eq!(Seed(9).pick::<u8>(&[]), None);
    }
}
