//! Numbers that look random and are the same on every machine. Not for secrets.

/// A generator of numbers from a seed: SplitMix64, whose sequence is fixed by its definition.
///
/// ```
/// use service::sample::Dice;
///
/// let mut dice = Dice::new("orders");
/// let roll = dice.below(6);
/// assert!(roll < 6);
/// assert_eq!(Dice::new("orders").below(6), roll);
/// ```
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A generator whose sequence follows from the text alone.
    pub fn new(seed: &str) -> Self {
        // FNV-1a: short, and fixed for ever, unlike the standard library's hasher.
        Self(
            seed.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)),
        )
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below a bound; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: even enough, and without a division's bias towards small numbers.
        ((u128::from(self.roll()) * u128::from(bound)) >> 64) as u64
    }

    /// The next number between two, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.abs_diff(least).saturating_add(1);
        least.saturating_add_unsigned(self.below(span))
    }

    /// One of the choices; nothing when there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len() as u64) as usize)
    }
}
