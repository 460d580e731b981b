//! What a resolver may fail with: an error that the caller can act on, or a cause that stays inside. Knows no HTTP.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::database::is_unusable_text;

/// The answer of everything that can fail in a service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with what the caller may know of it.
///
/// It is cheap to clone, because a data loader hands one failure to every key of a batch.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// For the caller to correct: the message and the code go out.
    #[error("{message}")]
    Caller {
        /// What kind of mistake.
        code: Code,
        /// What is wrong and what to do.
        message: String,
    },
    /// Ours: the cause goes to the log, and only `INTERNAL` goes out.
    #[error("internal error")]
    Internal(#[source] Arc<anyhow::Error>),
}

/// The machine-readable kind of an error: `extensions.code` of a GraphQL error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// An argument has a value that can't be used.
    BadUserInput,
    /// What a mutation should change does not exist.
    NotFound,
    /// The state of things does not allow it: taken, closed, already done otherwise.
    Conflict,
    /// A token is missing, or is no good.
    Unauthenticated,
    /// The caller is known and may not.
    Forbidden,
    /// Another service did not answer; trying again may help.
    Unavailable,
    /// Our fault.
    Internal,
    /// A kind that only one service knows; its own text is the code.
    Own(&'static str),
}

impl Code {
    /// The text of the code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::Own(code) => code,
        }
    }
}

impl Error {
    /// An error for the caller.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::Caller { code, message: message.into() }
    }

    /// An argument that can't be used.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    /// Something that a mutation should change does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The state of things does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// A fault of ours, whose cause stays inside.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(Arc::new(cause.into()))
    }

    /// The code of the error.
    pub const fn code(&self) -> Code {
        match self {
            Self::Caller { code, .. } => *code,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// The database's error behind this one, if that is what it is.
    pub fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Caller { .. } => None,
            Self::Internal(cause) => cause.downcast_ref(),
        }
    }
}

impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        if is_unusable_text(&cause) {
            return Self::bad_input("A text has a character that can't be stored, such as U+0000. Remove it.");
        }
        Self::internal(cause)
    }
}

impl From<anyhow::Error> for Error {
    fn from(cause: anyhow::Error) -> Self {
        Self::internal(cause)
    }
}
