//! Where the response has what several places of the tree point to: there it is the same, so that it is copied instead of completed
//! again. Knows nothing of how values are written.

use std::ops::Range;

use ahash::AHashMap;

use crate::compile::projection::OutField;
use crate::tree::Cell;

/// Shorter values are completed faster than they are found here.
const LEAST: usize = 64;

/// Ranges of the response by the field that was written, distinguished by where it is in memory, and the value.
#[derive(Debug, Default)]
pub(crate) struct Written {
    ranges: AHashMap<(*const OutField, Cell), Place>,
    cuts: usize,
}

#[derive(Debug)]
struct Place {
    range: Range<usize>,
    /// How often the response had been cut until then.
    cuts: usize,
}

impl Written {
    /// Where `cell` was written for `field`.
    pub(crate) fn find(&self, field: &OutField, cell: Cell) -> Option<Range<usize>> {
        let place = self.ranges.get(&(std::ptr::from_ref(field), cell))?;
        (place.cuts == self.cuts).then(|| place.range.clone())
    }

    /// `cell` was written for `field`, without an error.
    pub(crate) fn add(&mut self, field: &OutField, cell: Cell, range: Range<usize>) {
        if range.len() >= LEAST {
            self.ranges.insert((std::ptr::from_ref(field), cell), Place { range, cuts: self.cuts });
        }
    }

    /// The response was cut: what had been written is no longer known to be there.
    pub(crate) fn cut(&mut self) {
        self.cuts += 1;
    }
}
