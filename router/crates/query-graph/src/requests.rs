//! A set of requests, each a stage and a subgraph: the measure of what something costs. Knows nothing of what is asked.

use smallvec::SmallVec;

/// Distinct requests, sorted. Lists of entities that go to one subgraph at one stage travel together, so a set is the right measure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Requests(SmallVec<[u32; 4]>);

impl Requests {
    /// One request.
    pub fn one(stage: u8, subgraph: usize) -> Self {
        let mut set = SmallVec::new();
        set.push(key(stage, subgraph));
        Self(set)
    }

    /// Adds all of `other`, each `by` stages later.
    pub fn add_later(&mut self, other: &Self, by: u8) {
        for request in &other.0 {
            let moved = request + (u32::from(by) << 16);
            if let Err(at) = self.0.binary_search(&moved) {
                self.0.insert(at, moved);
            }
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
        } else {
            self.add_later(other, 0);
        }
    }

    /// The same as seen from `by` stages later; what lies before is left out.
    #[must_use]
    pub fn earlier(&self, by: u8) -> Self {
        let by = u32::from(by) << 16;
        Self(self.0.iter().filter_map(|request| request.checked_sub(by)).collect())
    }

    /// The subgraphs that are asked, by index, once for each request.
    pub fn subgraphs(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|request| (request & 0xffff) as usize)
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no request.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stage of the last request.
    pub fn stages(&self) -> u8 {
        self.0.last().map_or(0, |last| u8::try_from(last >> 16).unwrap_or(u8::MAX))
    }

    /// How many requests of `other`, each `by` stages later, are not in this set.
    pub fn missing(&self, other: &Self, by: u8) -> usize {
        other.0.iter().filter(|request| self.0.binary_search(&(**request + (u32::from(by) << 16))).is_err()).count()
    }
}

fn key(stage: u8, subgraph: usize) -> u32 {
    (u32::from(stage) << 16) | (subgraph as u32 & 0xffff)
}
