//! Which database errors go away by trying again, and how long to wait before.

use std::time::{Duration, SystemTime};

use sea_orm::{DbErr, RuntimeErr};
use sqlx::Error as SqlxError;

/// Whether the same transaction may succeed if tried again: a deadlock, a serialization failure, a busy lock.
///
/// A lost connection is not one of them: the commit may have happened.
pub fn is_transient(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    let SqlxError::Database(cause) = cause.as_ref() else {
        return false;
    };
    match cause.code().as_deref() {
        // PostgreSQL: serialization_failure, deadlock_detected.
        Some("40001" | "40P01") => true,
        // SQLite: the low byte of an extended code is its kind, 5 = BUSY, 6 = LOCKED.
        Some(code) => matches!(code.parse::<u32>(), Ok(code) if code < 1 << 16 && matches!(code & 0xff, 5 | 6)),
        None => false,
    }
}

/// The tries that are left.
#[derive(Debug, Default)]
pub(super) struct Retries {
    done: u32,
}

impl Retries {
    /// Waits before the next try; false when there shall be none.
    pub(super) async fn again(&mut self) -> bool {
        if self.done == MOST_RETRIES {
            return false;
        }
        // Doubling, with a spread that keeps the same rivals from meeting again.
        let longest = 10 << self.done;
        let spread = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| u64::from(now.subsec_nanos()));
        tokio::time::sleep(Duration::from_millis(longest / 2 + spread % longest)).await;
        self.done += 1;
        true
    }
}

const MOST_RETRIES: u32 = 7;
