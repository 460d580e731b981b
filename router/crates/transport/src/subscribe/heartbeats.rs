//! How often a subgraph says that it is still there: learnt, since nothing obliges it to. Knows no protocol.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time between the heartbeats of a subgraph, known as soon as one of its streams had two.
#[derive(Debug, Default)]
pub(crate) struct Heartbeats {
    /// The shortest that was seen, in milliseconds; 0 while it is not known.
    interval: AtomicU64,
}

/// The heartbeats of one stream.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    last: Option<Instant>,
}

impl Heartbeats {
    /// The stream has a heartbeat.
    pub(crate) fn beat(&self, heard: &mut Heard, now: Instant, dead_after: Duration) {
        let Some(last) = heard.last.replace(now) else { return };
        let interval = now.duration_since(last);
        // Those that come at once were held up together: they say nothing.
        if interval > dead_after / 30 {
            let (interval, known) = (interval.as_millis() as u64, self.interval.load(Ordering::Relaxed));
            self.interval.store(if known == 0 { interval } else { known.min(interval) }, Ordering::Relaxed);
        }
    }

    /// How long a stream may be silent; for ever, if the subgraph sends no heartbeats.
    pub(crate) fn silence(&self, dead_after: Duration) -> Option<Duration> {
        match self.interval.load(Ordering::Relaxed) {
            0 => None,
            interval => Some(dead_after.max(Duration::from_millis(interval.saturating_mul(3) / 2))),
        }
    }

    /// A stream was silent for so long. The subgraph may have stopped sending heartbeats, so they have to be seen again.
    pub(crate) fn missed(&self) {
        self.interval.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_learnt_and_forgotten() {
        let (heartbeats, mut heard) = (Heartbeats::default(), Heard::default());
        let (start, seconds) = (Instant::now(), Duration::from_secs);
        for (now, expected) in [(0, None), (1, None), (25, Some(36)), (75, Some(36)), (80, Some(20))] {
            heartbeats.beat(&mut heard, start + seconds(now), seconds(30));
            assert_eq!(heartbeats.silence(seconds(20)), expected.map(seconds), "{now}");
        }
        heartbeats.missed();
        assert_eq!(heartbeats.silence(seconds(20)), None);
    }
}
