//! What a database error means, by the error codes of each database. Knows no statement.
//!
//! The two kinds of codes must not be mixed up: as a number, many an SQLSTATE has a low byte that means "busy" on SQLite.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use sqlx::Error as SqlxError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Whether the same transaction may succeed if it is retried: a deadlock, a serialization failure, a busy lock.
///
/// A lost connection is not one of them: the commit may have happened.
pub fn is_transient(error: &DbErr) -> bool {
    match code(error) {
        // serialization_failure, deadlock_detected
        Some(ErrorCode::Postgres(code)) => matches!(code, "40001" | "40P01"),
        // The low byte of an extended code is its kind: 5 is BUSY, 6 is LOCKED.
        Some(ErrorCode::Sqlite(code)) => matches!(code & 0xff, 5 | 6),
        None => false,
    }
}

/// Whether the database refused a value because another row has it.
pub fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Whether a text has a character that the database can't store.
pub(crate) fn is_unusable_text(error: &DbErr) -> bool {
    // character_not_in_repertoire, untranslatable_character
    matches!(code(error), Some(ErrorCode::Postgres("22021" | "22P05")))
}

enum ErrorCode<'a> {
    Postgres(&'a str),
    Sqlite(u32),
}

fn code(error: &DbErr) -> Option<ErrorCode<'_>> {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    let SqlxError::Database(cause) = cause.as_ref() else {
        return None;
    };
    if let Some(error) = cause.try_downcast_ref::<PgDatabaseError>() {
        return Some(ErrorCode::Postgres(error.code()));
    }
    cause.try_downcast_ref::<SqliteError>()?;
    Some(ErrorCode::Sqlite(cause.code()?.parse().ok()?))
}
