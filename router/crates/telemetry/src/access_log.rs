//! The access log: one JSON line per request. A thread of its own writes the lines in batches, so that a request never waits for
//! standard error. If standard error is too slow, lines are dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use prometheus_client::metrics::counter::Counter;

use crate::key;
use crate::line::Line;

/// Writes lines to an output.
#[derive(Debug)]
pub struct AccessLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    written: Condvar,
    dropped: Counter,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    second: Second,
    /// Whether taken lines are being written.
    writing: bool,
    /// Whether somebody waits until all is written.
    hurry: bool,
    stopped: bool,
}

/// The text of a time, of which only the milliseconds change within a second.
#[derive(Debug, Default)]
struct Second {
    at: Option<i64>,
    text: String,
}

impl Second {
    /// `2026-01-31T12:00:00.000Z`
    fn text(&mut self, now: DateTime<Utc>) -> &str {
        if self.at != Some(now.timestamp()) {
            self.at = Some(now.timestamp());
            self.text = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        }
        self.text.truncate("2026-01-31T12:00:00".len());
        self.text.push('.');
        // A leap second has more than a thousand.
        let millis = now.timestamp_subsec_millis().min(999);
        self.text.extend([100, 10, 1].map(|unit| char::from(b'0' + (millis / unit % 10) as u8)));
        self.text.push('Z');
        &self.text
    }
}

/// The maximum size of the lines in the queue.
const MAX_QUEUE: usize = 4 << 20;
/// How long lines are collected before they are written.
const PAUSE: Duration = Duration::from_millis(100);

impl AccessLog {
    /// Writes to standard error.
    pub fn to_stderr(dropped: Counter) -> std::io::Result<Self> {
        Self::new(std::io::stderr(), dropped)
    }

    /// Writes to `out`.
    pub fn new(out: impl Write + Send + 'static, dropped: Counter) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), written: Condvar::new(), dropped });
        let theirs = shared.clone();
        let writer = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || write(&theirs, out))?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Adds a line, which begins with the time. `fill` writes its other members.
    pub fn line(&self, fill: impl FnOnce(&mut Line<'_>)) {
        let now = Utc::now();
        let mut state = self.shared.lock();
        if state.lines.len() > MAX_QUEUE {
            self.shared.dropped.inc();
            return;
        }
        let State { lines, second, .. } = &mut *state;
        let first = lines.is_empty();
        let mut line = Line::begin(lines);
        line.text(key!("time"), second.text(now));
        fill(&mut line);
        line.end();
        lines.push(b'\n');
        drop(state);
        if first {
            self.shared.wake.notify_one();
        }
    }

    /// Waits until the lines that there are have been written, for at most `time`. For a process that stands still afterwards. Blocks.
    pub fn flush(&self, time: Duration) {
        let mut state = self.shared.lock();
        if state.lines.is_empty() && !state.writing {
            return;
        }
        state.hurry = true;
        self.shared.wake.notify_one();
        let _ = self.shared.written.wait_timeout_while(state, time, |state| state.writing || !state.lines.is_empty());
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.wake.notify_one();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(shared: &Shared, mut out: impl Write) {
    let mut writing = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.lines.is_empty() && !state.stopped {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.stopped {
            let waited = shared.wake.wait_timeout_while(state, PAUSE, |state| !state.stopped && !state.hurry);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        writing.clear();
        std::mem::swap(&mut state.lines, &mut writing);
        let stopped = state.stopped;
        (state.writing, state.hurry) = (true, false);
        drop(state);
        // If standard error is closed, there is nowhere to report it.
        let _ = out.write_all(&writing);
        let _ = out.flush();
        shared.lock().writing = false;
        shared.written.notify_all();
        if stopped {
            return;
        }
        if writing.capacity() > MAX_QUEUE / 4 {
            writing = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_written_at_the_end() {
        let written = Written::default();
        let log = AccessLog::new(written.clone(), Counter::default()).unwrap();
        for status in [200, 400] {
            log.line(|line| line.number(key!("status"), status));
        }
        drop(log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1]["status"], 400);
        let time = lines[0]["time"].as_str().unwrap();
        assert!(DateTime::parse_from_rfc3339(time).unwrap() <= Utc::now(), "{time}");
    }

    #[test]
    fn who_waits_for_a_line_does_not_wait_for_others() {
        let written = Written::default();
        let log = AccessLog::new(written.clone(), Counter::default()).unwrap();
        for lines in 1..20 {
            log.line(|line| line.number(key!("status"), 200));
            log.flush(Duration::from_secs(20));
            let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.lines().count(), lines);
        }
        // Without a line there is nothing to wait for.
        log.flush(Duration::from_secs(20));
    }

    #[test]
    fn times_are_written_to_the_millisecond() {
        let mut second = Second::default();
        for time in [
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T12:00:00.007Z",
            "2026-01-31T12:00:00.999Z",
            "2026-01-31T12:00:01.120Z",
            "1999-12-31T23:59:59.050Z",
        ] {
            let now = DateTime::parse_from_rfc3339(time).unwrap().with_timezone(&Utc);
            assert_eq!(second.text(now), time);
        }
    }
}
