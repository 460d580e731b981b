//! The generic cell rate algorithm: how much of a quota is left is kept as one point in time. Knows no clock and no key.
//!
//! Each unit takes an interval of time. The *theoretical arrival time* of a key is when all it has taken is paid back; taking something
//! moves it on. A request passes as long as that lies no further ahead than the burst takes to pay back.

use std::time::Duration;

/// How much in which time. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) per: Duration,
    /// The time that one unit takes. A fraction, since a second is not a whole number of most intervals.
    pub(crate) interval: f64,
    /// The time that the burst takes.
    pub(crate) tolerance: f64,
}

/// How a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many units are left now.
    pub(crate) left: u64,
    /// The time until all of the burst is there again.
    pub(crate) until_full: Duration,
}

/// What a quota says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Passed(Standing),
    /// The time after which it would pass; `None` if it is more than the burst, and never passes.
    Refused(Option<Duration>, Standing),
}

impl Quota {
    pub(crate) fn new(limit: u64, per: Duration, burst: u64) -> Self {
        let interval = per.as_nanos() as f64 / limit as f64;
        Self { limit, per, interval, tolerance: interval * burst as f64 }
    }

    /// Takes a weight at the time `now` from a key with this theoretical arrival time. Returns the one to keep.
    pub(crate) fn take(&self, arrival: u64, now: u64, weight: u64) -> (u64, Decision) {
        let all_ahead = arrival.saturating_sub(now) as f64;
        // A time further ahead than the tolerance is from a larger quota or from another clock, and would lock the key out for as long.
        let ahead = all_ahead.min(self.tolerance);
        let after = ahead + self.time_of(weight);
        // Rounding down, and half a nanosecond more, so that the last unit of the burst is never refused for a rounding error.
        if after <= self.tolerance + 0.5 {
            (now + after as u64, Decision::Passed(self.standing(after)))
        } else {
            let kept = if all_ahead > self.tolerance + 1.0 { now + ahead as u64 } else { arrival };
            (kept, self.refusal(ahead, weight))
        }
    }

    /// The refusal of a weight by a key whose arrival time lies so far ahead.
    pub(crate) fn refusal(&self, ahead: f64, weight: u64) -> Decision {
        let time = self.time_of(weight);
        let wait = (time <= self.tolerance).then(|| nanos(ahead + time - self.tolerance));
        Decision::Refused(wait, self.standing(ahead))
    }

    /// How a key stands whose arrival time lies so far ahead.
    pub(crate) fn standing(&self, ahead: f64) -> Standing {
        // Rounding errors of less than a thousandth of a unit must not make it one less.
        let left = ((self.tolerance - ahead) / self.interval + 0.001).floor().max(0.0);
        Standing { left: left as u64, until_full: nanos(ahead) }
    }

    /// How a key stands that gets a weight back.
    pub(crate) fn given_back(&self, standing: Standing, weight: u64) -> Standing {
        let until_full = standing.until_full.saturating_sub(nanos(self.time_of(weight)));
        Standing { left: standing.left.saturating_add(weight), until_full }
    }

    /// The time that a weight takes.
    pub(crate) fn time_of(&self, weight: u64) -> f64 {
        self.interval * weight as f64
    }
}

fn nanos(nanos: f64) -> Duration {
    Duration::from_nanos(nanos.max(0.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Takes one at each of these times, and says which passed.
    fn passed(quota: &Quota, times: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let mut arrival = 0;
        let take = |now| {
            let (next, decision) = quota.take(arrival, now, 1);
            arrival = next;
            matches!(decision, Decision::Passed(_))
        };
        times.into_iter().map(take).collect()
    }

    #[test]
    fn the_whole_burst_passes_at_once_and_no_more() {
        for (limit, burst) in [(1, 1), (3, 3), (7, 7), (7, 2), (1000, 1000), (999_983, 999)] {
            let quota = Quota::new(limit, Duration::from_secs(1), burst);
            let passed = passed(&quota, vec![5 * SECOND; burst as usize + 3]);
            assert_eq!(passed.iter().filter(|passed| **passed).count() as u64, burst, "{limit} {burst}");
        }
    }

    #[test]
    fn over_time_the_limit_passes() {
        let quota = Quota::new(100, Duration::from_secs(1), 10);
        let times = (0..10_000).map(|milli| 5 * SECOND + milli * 1_000_000);
        let count = passed(&quota, times).into_iter().filter(|passed| *passed).count();
        assert!((1000..=1010).contains(&count), "{count}");
    }

    #[test]
    fn a_refusal_says_when_it_would_pass() {
        let quota = Quota::new(1, Duration::from_secs(1), 2);
        let now = 5 * SECOND;
        let (next, decision) = quota.take(0, now, 2);
        assert_eq!(decision, Decision::Passed(Standing { left: 0, until_full: Duration::from_secs(2) }));
        let Decision::Refused(Some(wait), standing) = quota.take(next, now, 1).1 else { panic!() };
        assert_eq!((wait, standing.left), (Duration::from_secs(1), 0));
        let later = now + wait.as_nanos() as u64;
        assert!(matches!(quota.take(next, later, 1).1, Decision::Passed(_)));
        assert_eq!(quota.take(0, now, 3).1, Decision::Refused(None, Standing { left: 2, until_full: Duration::ZERO }));
    }

    #[test]
    fn clocks_that_jump_lock_nobody_out() {
        let quota = Quota::new(1, Duration::from_secs(1), 2);
        // The time of another clock, a year ahead: as if the burst were used up.
        let far = 365 * 86_400 * SECOND;
        let (kept, Decision::Refused(Some(wait), _)) = quota.take(far, SECOND, 1) else { panic!() };
        assert_eq!(wait, Duration::from_secs(1));
        assert!(matches!(quota.take(kept, 2 * SECOND, 1).1, Decision::Passed(_)));
        // A year behind: as if nothing were used.
        assert!(matches!(quota.take(SECOND, far, 2).1, Decision::Passed(_)));
    }
}
