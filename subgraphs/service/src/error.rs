//! How a resolver fails: with an error that the caller can act on, or with a cause that is only logged. Knows no HTTP.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::database::{is_duplicate, is_unusable_text};

/// The result of everything that can fail in a service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error, with what the caller may know about it.
///
/// It is cheap to clone, because a data loader hands one failure to every key of a batch.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// For the caller to correct: the response has the message and the code.
    #[error("{message}")]
    Caller {
        /// What kind of mistake.
        code: Code,
        /// What is wrong and what to do.
        message: String,
        /// The path of the argument that is wrong, such as `["input", "email"]`, where one is.
        field: Option<Vec<String>>,
    },
    /// Our fault: the cause is logged, and the response has only `INTERNAL`.
    #[error("internal error")]
    Internal(#[source] Arc<anyhow::Error>),
}

/// The machine-readable kind of an error: `extensions.code` of a GraphQL error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// An argument has a value that can't be used.
    BadUserInput,
    /// The thing that a mutation should change does not exist.
    NotFound,
    /// The current state does not allow it: taken, closed, already done differently.
    Conflict,
    /// The token is missing or not valid.
    Unauthenticated,
    /// The caller is known, but may not do this.
    Forbidden,
    /// Another service did not respond; trying again may help.
    Unavailable,
    /// Our fault.
    Internal,
    /// A code that only one service has.
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
        Self::Caller { code, message: message.into(), field: None }
    }

    /// The error with the path of the argument that is wrong, such as `["input", "email"]`; unless it has one already, or is a fault of ours.
    pub fn at<P: Into<String>>(mut self, path: impl IntoIterator<Item = P>) -> Self {
        if let Self::Caller { field: field @ None, .. } = &mut self {
            *field = Some(path.into_iter().map(Into::into).collect());
        }
        self
    }

    /// An argument that can't be used.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    /// The thing that a mutation should change does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The current state does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// A fault of ours, whose cause is only logged.
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

    /// The database error behind this one, if there is one.
    pub fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Caller { .. } => None,
            Self::Internal(cause) => cause.downcast_ref(),
        }
    }

    /// Whether the database refused a value because another row has it.
    pub fn is_duplicate(&self) -> bool {
        self.database().is_some_and(is_duplicate)
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
