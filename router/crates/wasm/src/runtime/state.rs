//! What an instance has on the router's side: what the current call is about, and what it may take. Knows no function that it calls.

use std::time::Instant;

use wasmtime::{ResourceLimiter, Result, bail};

use crate::runtime::bindings::log::Level;
use crate::runtime::exchange::Exchange;

/// The lines that a call can write.
const MAX_LINES: u32 = 16;

/// The bytes of a line.
const MAX_LINE: usize = 4 << 10;

/// The elements that all tables of an instance can have: a pointer for each.
const MAX_TABLE: usize = 1 << 20;

/// The state of an instance.
pub(crate) struct State {
    pub(crate) exchange: Exchange,
    pub(crate) memory: Memory,
    /// When the instance was made: its monotonic clock.
    pub(crate) began: Instant,
    /// What the hook is called.
    hook: String,
    /// The bytes that the hook has handed to the router in this call.
    handed: usize,
    lines: u32,
}

/// The memory of an instance.
pub(crate) struct Memory {
    max: usize,
    used: usize,
    table: usize,
    /// Whether it wanted more than it may have.
    pub(crate) is_exceeded: bool,
}

impl State {
    pub(crate) fn new(hook: &str, max_memory: usize) -> Self {
        let memory = Memory { max: max_memory, used: 0, table: 0, is_exceeded: false };
        let (exchange, began) = (Exchange::default(), Instant::now());
        Self { exchange, memory, began, hook: hook.to_owned(), handed: 0, lines: 0 }
    }

    /// A call begins.
    pub(crate) fn begin(&mut self, exchange: Exchange) {
        self.exchange = exchange;
        self.memory.is_exceeded = false;
        self.handed = 0;
        self.lines = 0;
    }

    /// The call ends.
    pub(crate) fn end(&mut self) -> Exchange {
        std::mem::take(&mut self.exchange)
    }

    /// The hook hands over so many bytes, which the router keeps: in one call no more than the hook's own memory. So a loop around a setter does
    /// not fill the router's.
    pub(crate) fn hand_over(&mut self, bytes: usize) -> Result<()> {
        self.handed = self.handed.saturating_add(bytes).saturating_add(64);
        if self.handed > self.memory.max {
            bail!("it handed over more than max_memory in one call");
        }
        Ok(())
    }

    /// Writes a line to the log, if there is room for it.
    pub(crate) fn write(&mut self, level: Level, line: &str) {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return;
        }
        let hook = self.hook.as_str();
        let line = line.trim_end();
        let line = &line[..line.floor_char_boundary(MAX_LINE)];
        match level {
            Level::Debug => tracing::debug!(hook, "{line}"),
            Level::Info => tracing::info!(hook, "{line}"),
            Level::Warn => tracing::warn!(hook, "{line}"),
            Level::Error => tracing::error!(hook, "{line}"),
        }
    }
}

impl Memory {
    /// Whether little is left of it: then the next call gets another instance.
    pub(crate) fn is_nearly_used(&self) -> bool {
        self.used > self.max / 4 * 3
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.max {
            self.is_exceeded = true;
            return Ok(false);
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let table = self.table.saturating_add(desired.saturating_sub(current));
        if table > MAX_TABLE {
            self.is_exceeded = true;
            return Ok(false);
        }
        self.table = table;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_that_of_all_memories_together() {
        let mut memory = State::new("a", 100).memory;
        assert!(memory.memory_growing(0, 60, None).unwrap() && memory.memory_growing(0, 40, None).unwrap());
        assert!(memory.is_nearly_used() && !memory.is_exceeded);
        assert!(!memory.memory_growing(40, 41, None).unwrap() && memory.is_exceeded);
        assert!(!memory.table_growing(0, MAX_TABLE + 1, None).unwrap());
    }

    #[test]
    fn what_is_handed_over_is_bounded_for_each_call() {
        let mut state = State::new("a", 200);
        state.hand_over(100).unwrap();
        assert!(state.hand_over(100).is_err());
        state.begin(Exchange::default());
        state.hand_over(100).unwrap();
    }
}
