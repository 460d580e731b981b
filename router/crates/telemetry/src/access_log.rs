//! The access log: one JSON line per request. A thread of its own writes the lines in batches, so that a request never waits for
//! standard error. If standard error is too slow, lines are dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

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
    dropped: Counter,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    stopped: bool,
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
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), dropped });
        let theirs = shared.clone();
        let writer = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || write(&theirs, out))?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Adds a line. `fill` writes it, without the line break.
    pub fn line(&self, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.shared.lock();
        if state.lines.len() > MAX_QUEUE {
            self.shared.dropped.inc();
            return;
        }
        let first = state.lines.is_empty();
        fill(&mut state.lines);
        state.lines.push(b'\n');
        drop(state);
        if first {
            self.shared.wake.notify_one();
        }
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
            let waited = shared.wake.wait_timeout_while(state, PAUSE, |state| !state.stopped);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        writing.clear();
        std::mem::swap(&mut state.lines, &mut writing);
        let stopped = state.stopped;
        drop(state);
        // If standard error is closed, there is nowhere to report it.
        let _ = out.write_all(&writing);
        let _ = out.flush();
        if stopped {
            return;
        }
        if writing.capacity() > MAX_QUEUE / 4 {
            writing = Vec::new();
        }
    }
}

/// Writes a JSON object member by member.
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    /// Starts an object.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Writes a member with a string.
    pub fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    /// Writes a member with a number.
    pub fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        let _ = write!(self.out, "{value}");
    }

    /// Writes a member with a duration in milliseconds.
    pub fn millis(&mut self, key: &str, value: Duration) {
        self.key(key);
        let micros = value.as_micros();
        let _ = write!(self.out, "{}.{:03}", micros / 1000, micros % 1000);
    }

    /// Writes a member with an object.
    pub fn object(&mut self, key: &str, fill: impl FnOnce(&mut Line<'_>)) {
        self.key(key);
        let mut object = Line::begin(self.out);
        fill(&mut object);
        object.end();
    }

    /// Writes a member with a list of objects.
    pub fn list<T>(&mut self, key: &str, items: impl Iterator<Item = T>, mut fill: impl FnMut(&mut Line<'_>, T)) {
        self.key(key);
        self.out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            let mut object = Line::begin(self.out);
            fill(&mut object, item);
            object.end();
        }
        self.out.push(b']');
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
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
    fn lines_are_json_and_are_all_written_at_the_end() {
        let written = Written::default();
        let log = AccessLog::new(written.clone(), Counter::default()).unwrap();
        for status in [200, 400] {
            log.line(|out| {
                let mut line = Line::begin(out);
                line.text("operation", "a\"b");
                line.number("status", status);
                line.millis("took", Duration::from_micros(1_234));
                line.list("fetches", [1u64, 2].iter(), |line, id| line.number("id", *id));
                line.end();
            });
        }
        drop(log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[1]["status"], 400);
        assert_eq!(lines[0]["took"], 1.234);
        assert_eq!(lines[0]["fetches"][1]["id"], 2);
    }
}
