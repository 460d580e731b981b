//! How many of the requests of the last seconds failed. Without locks: each part of the window is one atomic word. Knows no request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts over a sliding window, in parts: when a part of time has passed, the oldest part is forgotten.
#[derive(Debug)]
pub(crate) struct Window {
    start: Instant,
    /// The length of a part in microseconds.
    part: u64,
    parts: [AtomicU64; PARTS],
}

/// What a window has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) requests: u32,
    pub(crate) failures: u32,
}

const PARTS: usize = 10;

/// The content of a part: which part since the start it is, and what happened in it. Packed into a word: 32, 16 and 16 bits.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u32,
    requests: u16,
    failures: u16,
}

impl Window {
    /// An empty window of this length.
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        let part = u64::try_from(length.as_micros()).unwrap_or(u64::MAX) / PARTS as u64;
        Self { start: now, part: part.max(1), parts: Default::default() }
    }

    /// Counts a request.
    pub(crate) fn record(&self, now: Instant, is_failure: bool) {
        let number = self.number(now);
        let counted = |word| Some(Part::unpack(word).renewed(number).with(is_failure).pack());
        // A function that always has a value can't fail.
        let _ = self.parts[number as usize % PARTS].fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted);
    }

    /// What happened within the window.
    pub(crate) fn counts(&self, now: Instant) -> Counts {
        let number = self.number(now);
        let parts = self.parts.iter().map(|word| Part::unpack(word.load(Ordering::Relaxed)));
        let within = parts.filter(|part| number.wrapping_sub(part.number) < PARTS as u32);
        within.fold(Counts::default(), |counts, part| Counts {
            requests: counts.requests + u32::from(part.requests),
            failures: counts.failures + u32::from(part.failures),
        })
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.parts.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    }

    /// The number of the part that is under way.
    fn number(&self, now: Instant) -> u32 {
        let elapsed = now.saturating_duration_since(self.start).as_micros();
        // Wraps after years.
        (u64::try_from(elapsed).unwrap_or(u64::MAX) / self.part) as u32
    }
}

impl Counts {
    /// Whether there are enough requests, and this share of them failed.
    pub(crate) fn reach(self, min_requests: u32, ratio: f64) -> bool {
        self.failures > 0
            && self.requests >= min_requests
            && f64::from(self.failures) >= ratio * f64::from(self.requests)
    }
}

impl Part {
    fn unpack(word: u64) -> Self {
        Self { number: (word >> 32) as u32, requests: (word >> 16) as u16, failures: word as u16 }
    }

    fn pack(self) -> u64 {
        (u64::from(self.number) << 32) | (u64::from(self.requests) << 16) | u64::from(self.failures)
    }

    /// This part if it is the one under way, otherwise an empty one.
    fn renewed(self, number: u32) -> Self {
        if self.number == number { self } else { Self { number, requests: 0, failures: 0 } }
    }

    /// With one more request. Where a count would not fit any more, both are halved: the share stays.
    fn with(self, is_failure: bool) -> Self {
        let Self { number, mut requests, mut failures } = self;
        if requests == u16::MAX {
            (requests, failures) = (requests / 2, failures / 2);
        }
        Self { number, requests: requests + 1, failures: failures + u16::from(is_failure) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn old_requests_are_forgotten() {
        let start = Instant::now();
        let window = Window::new(10 * SECOND, start);
        for second in 0..10 {
            window.record(start + second * SECOND, second < 5);
        }
        assert_eq!(window.counts(start + 9 * SECOND), Counts { requests: 10, failures: 5 });
        assert_eq!(window.counts(start + 12 * SECOND), Counts { requests: 7, failures: 2 });
        assert_eq!(window.counts(start + 100 * SECOND), Counts::default());
        window.record(start + 100 * SECOND, true);
        assert_eq!(window.counts(start + 100 * SECOND), Counts { requests: 1, failures: 1 });
        window.clear();
        assert_eq!(window.counts(start + 100 * SECOND), Counts::default());
    }

    #[test]
    fn a_time_before_the_start_is_the_start() {
        let start = Instant::now() + 10 * SECOND;
        let window = Window::new(10 * SECOND, start);
        window.record(start - 5 * SECOND, true);
        assert_eq!(window.counts(start), Counts { requests: 1, failures: 1 });
    }

    #[test]
    fn many_requests_keep_their_share() {
        let start = Instant::now();
        let window = Window::new(10 * SECOND, start);
        for number in 0..400_000 {
            window.record(start, number % 4 == 0);
        }
        let Counts { requests, failures } = window.counts(start);
        assert!(requests > 30_000);
        assert!((f64::from(failures) / f64::from(requests) - 0.25).abs() < 0.01);
    }

    #[test]
    fn threads_lose_no_count() {
        let start = Instant::now();
        let window = Window::new(10 * SECOND, start);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|number| window.record(start, number % 2 == 0)));
            }
        });
        assert_eq!(window.counts(start), Counts { requests: 20_000, failures: 10_000 });
    }
}
