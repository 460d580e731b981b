//! Which statements the services of this process send to their databases. Knows no table.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Statement;

/// A statement as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The URL of the database.
    pub database: Arc<str>,
    /// Its text and its values.
    pub statement: Statement,
    /// How long the answer took.
    pub elapsed: Duration,
}

/// Keeps the statements of all services of this process, until it is dropped. A process has one at a time.
#[derive(Debug)]
pub struct Recording(());

static SENT: Mutex<Option<Vec<Sent>>> = Mutex::new(None);

impl Recording {
    /// From now on.
    pub fn begin() -> Self {
        *locked() = Some(Vec::new());
        Self(())
    }

    /// Those since the last time that this was asked for.
    pub fn take(&self) -> Vec<Sent> {
        locked().as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        *locked() = None;
    }
}

pub(crate) fn sent(database: &Arc<str>, sent: &sea_orm::metric::Info<'_>) {
    if let Some(all) = locked().as_mut() {
        all.push(Sent { database: Arc::clone(database), statement: sent.statement.clone(), elapsed: sent.elapsed });
    }
}

fn locked() -> MutexGuard<'static, Option<Vec<Sent>>> {
    SENT.lock().unwrap_or_else(PoisonError::into_inner)
}
