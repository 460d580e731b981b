//! Which of several URLs are left out for a while because requests to them fail. Knows no HTTP and no choice among the others.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use braid_telemetry::metrics::SubgraphMetrics;

use crate::config::EjectionConfig;
use crate::window::Window;

/// The health of the URLs of a subgraph.
#[derive(Debug)]
pub(crate) struct Ejection {
    subgraph: String,
    config: EjectionConfig,
    start: Instant,
    urls: Vec<Health>,
    /// The number of URLs that may be out at the same time.
    most: usize,
    /// One for each URL. Locked when a URL is ejected or comes back, not by requests.
    histories: Mutex<Vec<History>>,
    metrics: SubgraphMetrics,
}

/// The health of a URL. Times are in microseconds since the start.
#[derive(Debug)]
struct Health {
    url: String,
    window: Window,
    failures_in_a_row: AtomicU32,
    /// When it comes back; zero while it is in.
    out_until: AtomicU64,
    /// When it came back last. What began before says nothing.
    back_since: AtomicU64,
}

/// The latest ejection of a URL.
#[derive(Debug, Clone, Default)]
struct History {
    lasted: Duration,
    ended: u64,
}

impl Ejection {
    /// All URLs in.
    pub(crate) fn new(
        subgraph: &str,
        urls: &[String],
        config: EjectionConfig,
        metrics: SubgraphMetrics,
        now: Instant,
    ) -> Self {
        let health = |url: &String| Health {
            url: url.clone(),
            window: Window::new(config.window.0, now),
            failures_in_a_row: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            back_since: AtomicU64::new(0),
        };
        let share = (config.max_ejected * urls.len() as f64) as usize;
        Self {
            subgraph: subgraph.to_owned(),
            start: now,
            most: share.max(1).min(urls.len().saturating_sub(1)),
            histories: Mutex::new(vec![History::default(); urls.len()]),
            urls: urls.iter().map(health).collect(),
            metrics,
            config,
        }
    }

    /// Whether a URL is out. Brings it back when its time is over.
    pub(crate) fn is_out(&self, url: usize, now: Instant) -> bool {
        match self.urls[url].out_until.load(Ordering::Acquire) {
            0 => false,
            until if self.micros(now) < until => true,
            _ => {
                self.bring_back(url, now);
                false
            }
        }
    }

    /// Takes the outcome of an attempt that began at `began`.
    pub(crate) fn record(&self, url: usize, began: Instant, now: Instant, is_failure: bool) {
        let health = &self.urls[url];
        let is_out = health.out_until.load(Ordering::Acquire) != 0;
        if is_out || self.micros(began) < health.back_since.load(Ordering::Acquire) {
            return;
        }
        health.window.record(now, is_failure);
        if !is_failure {
            // Written only when it changes, so that threads need not pass it around.
            if health.failures_in_a_row.load(Ordering::Relaxed) != 0 {
                health.failures_in_a_row.store(0, Ordering::Relaxed);
            }
            return;
        }
        let in_a_row = health.failures_in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let EjectionConfig { consecutive_failures, min_requests, failure_ratio, .. } = self.config;
        if in_a_row >= consecutive_failures || health.window.counts(now).reach(min_requests, failure_ratio) {
            self.eject(url, now);
        }
    }

    fn eject(&self, url: usize, now: Instant) {
        let mut histories = self.lock();
        let out = self.urls.iter().filter(|health| health.out_until.load(Ordering::Relaxed) != 0).count();
        let health = &self.urls[url];
        if out >= self.most || health.out_until.load(Ordering::Relaxed) != 0 {
            return;
        }
        let (history, now) = (&mut histories[url], self.micros(now));
        history.lasted = self.next_time(history, now);
        history.ended = now.saturating_add(micros(history.lasted)).max(1);
        health.out_until.store(history.ended, Ordering::Release);
        self.metrics.ejections.inc();
        self.metrics.urls_ejected.set(out as i64 + 1);
        tracing::warn!(
            subgraph = self.subgraph,
            url = health.url,
            out_ms = history.lasted.as_millis() as u64,
            "A URL is left out for a while: too many requests to it failed"
        );
    }

    /// Twice as long as the last time, unless the URL has been well for that long since.
    fn next_time(&self, last: &History, now: u64) -> Duration {
        let is_soon = now.saturating_sub(last.ended) < micros(last.lasted);
        if is_soon { (last.lasted * 2).min(self.config.max_time.0) } else { self.config.base_time.0 }
    }

    fn bring_back(&self, url: usize, now: Instant) {
        let _histories = self.lock();
        let health = &self.urls[url];
        let (until, now) = (health.out_until.load(Ordering::Relaxed), self.micros(now));
        if until == 0 || now < until {
            return;
        }
        health.window.clear();
        // The next failure ejects it again.
        health.failures_in_a_row.store(self.config.consecutive_failures.saturating_sub(1), Ordering::Relaxed);
        health.back_since.store(now, Ordering::Release);
        health.out_until.store(0, Ordering::Release);
        let out = self.urls.iter().filter(|health| health.out_until.load(Ordering::Relaxed) != 0).count();
        self.metrics.urls_ejected.set(out as i64);
        tracing::info!(subgraph = self.subgraph, url = health.url, "A URL that was left out gets requests again");
    }

    fn micros(&self, now: Instant) -> u64 {
        micros(now.saturating_duration_since(self.start))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<History>> {
        self.histories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use braid_settings::Duration as Time;
    use braid_telemetry::metrics::Metrics;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn ejection(urls: usize, max_ejected: f64, now: Instant) -> Ejection {
        let config = EjectionConfig {
            consecutive_failures: 3,
            base_time: Time(10 * SECOND),
            max_time: Time(30 * SECOND),
            max_ejected,
            ..EjectionConfig::default()
        };
        let urls: Vec<String> = (0..urls).map(|number| format!("http://{number}/")).collect();
        Ejection::new("users", &urls, config, Metrics::default().subgraph("users", []), now)
    }

    fn fail(ejection: &Ejection, url: usize, times: usize, now: Instant) {
        (0..times).for_each(|_| ejection.record(url, now, now, true));
    }

    #[test]
    fn failures_in_a_row_eject_for_a_growing_time() {
        let start = Instant::now();
        let ejection = ejection(3, 0.5, start);
        fail(&ejection, 1, 2, start);
        ejection.record(1, start, start, false);
        fail(&ejection, 1, 2, start);
        assert!(!ejection.is_out(1, start), "a success came between");
        fail(&ejection, 1, 1, start);
        assert!(ejection.is_out(1, start) && !ejection.is_out(0, start));
        assert_eq!((ejection.metrics.ejections.get(), ejection.metrics.urls_ejected.get()), (1, 1));
        let mut now = start;
        for seconds in [10, 20, 30, 30] {
            assert!(ejection.is_out(1, now + (seconds - 1) * SECOND), "{seconds}");
            now += seconds * SECOND;
            assert!(!ejection.is_out(1, now), "{seconds}");
            assert_eq!(ejection.metrics.urls_ejected.get(), 0);
            fail(&ejection, 1, 1, now);
        }
        assert!(ejection.is_out(1, now));
        now += 100 * SECOND;
        assert!(!ejection.is_out(1, now));
        ejection.record(1, now, now, false);
        fail(&ejection, 1, 3, now);
        assert!(!ejection.is_out(1, now + 10 * SECOND), "after a long time it begins with the base time");
    }

    #[test]
    fn a_share_of_failures_ejects() {
        let now = Instant::now();
        let ejection = ejection(2, 0.5, now);
        for number in 0..40 {
            ejection.record(0, now, now, number % 2 == 1);
        }
        assert!(ejection.is_out(0, now));
    }

    #[test]
    fn no_more_than_the_share_is_out_and_one_url_stays() {
        let now = Instant::now();
        for (urls, share, most) in [(4, 0.5, 2), (3, 0.5, 1), (2, 1.0, 1), (3, 0.0, 1), (3, 1.0, 2)] {
            let ejection = ejection(urls, share, now);
            (0..urls).for_each(|url| fail(&ejection, url, 10, now));
            let out = (0..urls).filter(|url| ejection.is_out(*url, now)).count();
            assert_eq!(out, most, "{urls} {share}");
        }
    }

    #[test]
    fn what_began_before_it_came_back_says_nothing() {
        let now = Instant::now();
        let ejection = ejection(2, 0.5, now);
        fail(&ejection, 0, 3, now);
        let later = now + 10 * SECOND;
        assert!(!ejection.is_out(0, later));
        ejection.record(0, now, later, true);
        assert!(!ejection.is_out(0, later));
        ejection.record(0, later, later, true);
        assert!(ejection.is_out(0, later));
    }

    #[test]
    fn a_clock_that_goes_back_brings_nothing_back() {
        let now = Instant::now() + 100 * SECOND;
        let ejection = ejection(2, 0.5, now);
        fail(&ejection, 0, 3, now);
        assert!(ejection.is_out(0, now - 50 * SECOND));
        assert!(!ejection.is_out(0, now + 10 * SECOND));
        assert!(!ejection.is_out(0, now - 50 * SECOND));
    }
}
