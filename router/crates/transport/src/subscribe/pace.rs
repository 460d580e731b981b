//! How fast and how often lost connections are made again. Knows no connection.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use braid_telemetry::trace::random_share;
use tokio::time::Instant;

use crate::config::ReconnectConfig;

/// The turns of a subgraph's reconnections: so many in a second.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(config: &ReconnectConfig) -> Self {
        let interval = Duration::from_secs(1) / config.max_per_second.max(1);
        Self { interval, next: Mutex::new(Instant::now()) }
    }

    /// Takes a turn: when it is.
    pub(crate) fn turn(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = (*next).max(Instant::now());
        *next = turn + self.interval;
        turn
    }
}

/// The pause before an attempt, counted from 1: at random below a bound that doubles, so that what was lost together does not come back
/// together.
pub(crate) fn pause(config: &ReconnectConfig, attempt: u32) -> Duration {
    let bound = config.min_delay.0.saturating_mul(1 << (attempt - 1).min(16)).min(config.max_delay.0);
    bound.mul_f64(random_share())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound() {
        let config = ReconnectConfig::default();
        for (attempt, most) in [(1, 500), (2, 1_000), (5, 8_000), (6, 10_000), (60, 10_000)] {
            let longest = (0..200).map(|_| pause(&config, attempt)).max().unwrap().as_millis();
            assert!(longest <= most && longest > most / 2, "{attempt}: {longest}");
        }
    }

    #[test]
    fn turns_are_apart() {
        let pace = Pace::new(&ReconnectConfig { max_per_second: 10, ..ReconnectConfig::default() });
        let first = pace.turn();
        assert_eq!([pace.turn(), pace.turn()].map(|turn| (turn - first).as_millis()), [100, 200]);
    }
}
