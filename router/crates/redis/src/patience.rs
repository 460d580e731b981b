//! Which answers that did not come in time mean that Redis is away. Knows no clock but the one it is given.

use std::time::{Duration, Instant};

/// What is known of how well Redis answers.
///
/// One late answer means little: a stall of some milliseconds makes all requests late that are under way in it. So Redis counts as away
/// when it has not answered at all for a while, or when more than half of the requests of a second were late.
#[derive(Debug)]
pub(crate) struct Patience {
    /// How long it may answer nothing.
    silence: Duration,
    /// When the first request was sent that no answer came for, of any request, since then.
    silent_since: Option<Instant>,
    window: Window,
}

#[derive(Debug)]
struct Window {
    since: Option<Instant>,
    answers: u32,
    late: u32,
}

const WINDOW: Duration = Duration::from_secs(1);
/// Fewer late answers than these within a second mean nothing.
const FEW: u32 = 8;
/// How often the time for an answer may pass without any.
const TIMES: u32 = 3;

impl Patience {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { silence: timeout * TIMES, silent_since: None, window: Window { since: None, answers: 0, late: 0 } }
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, now: Instant) {
        self.silent_since = None;
        self.window.at(now).answers += 1;
    }

    /// No answer came in time to a request that was sent at `sent`. Returns whether Redis is away.
    pub(crate) fn late(&mut self, sent: Instant, now: Instant) -> bool {
        let since = self.silent_since.map_or(sent, |since| since.min(sent));
        self.silent_since = Some(since);
        let window = self.window.at(now);
        window.late += 1;
        now.saturating_duration_since(since) >= self.silence || (window.late >= FEW && window.late > window.answers)
    }

    /// It is asked over another connection from now on.
    pub(crate) fn reset(&mut self) {
        self.silent_since = None;
        self.window.since = None;
    }
}

impl Window {
    /// The window that `now` is in.
    fn at(&mut self, now: Instant) -> &mut Self {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= WINDOW) {
            *self = Self { since: Some(now), answers: 0, late: 0 };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(20);

    #[test]
    fn one_late_answer_means_nothing_and_silence_does() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut patience = Patience::new(TIMEOUT);
        patience.answered(at(0));
        assert!(!patience.late(at(10), at(30)));
        patience.answered(at(31));
        // Nothing was asked for a long time; silence begins when something is.
        assert!(!patience.late(at(5000), at(5020)));
        assert!(!patience.late(at(5030), at(5050)));
        assert!(patience.late(at(5041), at(5061)));
        patience.reset();
        assert!(!patience.late(at(5070), at(5090)));
    }

    #[test]
    fn a_server_that_is_mostly_late_is_away() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut patience = Patience::new(TIMEOUT);
        // Every third answer comes in time.
        let is_away = (1..100).any(|turn| {
            if turn % 3 == 0 {
                patience.answered(at(turn * 5));
                return false;
            }
            patience.late(at(turn * 5), at(turn * 5 + 20))
        });
        assert!(is_away);
        // A stall that a hundred requests were in, in a second with many others.
        let mut patience = Patience::new(TIMEOUT);
        (0..500).for_each(|turn| patience.answered(at(turn)));
        assert!(!(0..100).any(|_| patience.late(at(500), at(520))));
    }
}
