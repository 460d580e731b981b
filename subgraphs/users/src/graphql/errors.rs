//! What a person can correct about their account, as part of a mutation's payload. Knows no mutation.

use async_graphql::{Enum, Interface, SimpleObject};
use service::graphql::UserMistake;
use service::{Code, graphql};

use crate::account::challenge;
use crate::{account, limits, session};

/// Something about an account that the person can correct.
#[derive(SimpleObject, Clone)]
pub(super) struct AccountUserError {
    /// What kind of mistake it is.
    code: AccountErrorCode,
    /// What is wrong and what to do, for people.
    message: String,
    /// The path of the argument that is wrong, such as `["input", "email"]`; null if no single one is.
    field: Option<Vec<String>>,
}

/// The kinds of mistakes about an account.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccountErrorCode {
    /// A value can't be used.
    BadUserInput,
    /// There is no such thing.
    NotFound,
    /// The present state does not allow it.
    Conflict,
    /// The password is wrong, or there is no such account. Which of them is not said.
    BadCredentials,
    /// Somebody else has the username: choose another.
    UsernameTaken,
    /// There is already an account with the email address.
    EmailTaken,
    /// The password is too easy to guess: choose another.
    WeakPassword,
    /// The password was for one use: sign in again with `newPassword`.
    NewPasswordRequired,
    /// The token of a mail was used already, has expired, or was mistyped: ask for a new mail.
    BadToken,
    /// The code of the app, or the recovery code, is wrong or was used already: take the one that the app shows next.
    BadCode,
    /// The challenge of a sign-in was used, has expired, or had too many wrong codes: sign in again.
    ChallengeEnded,
    /// The session has ended: sign in again.
    SessionEnded,
    /// There were too many attempts: wait, use a device where you have signed in before, reset the password by mail, or take a recovery code where
    /// codes are the subject.
    TooManyAttempts,
    /// The only administrator can't lose the role.
    LastAdmin,
}

/// Something that the user has to correct before a mutation does what it should.
#[derive(Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "What is wrong and what to do, for people."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "The path of the argument that is wrong, such as `[\"input\", \"name\"]`; null if no single one is."
    )
)]
pub(super) enum UserError {
    Account(AccountUserError),
}

impl From<UserMistake> for AccountUserError {
    fn from(mistake: UserMistake) -> Self {
        Self { code: mistake.code.into(), message: mistake.message, field: mistake.field }
    }
}

impl From<Code> for AccountErrorCode {
    fn from(code: Code) -> Self {
        match code {
            Code::NotFound => Self::NotFound,
            Code::Conflict => Self::Conflict,
            account::BAD_CREDENTIALS => Self::BadCredentials,
            account::USERNAME_TAKEN => Self::UsernameTaken,
            account::EMAIL_TAKEN => Self::EmailTaken,
            account::WEAK_PASSWORD => Self::WeakPassword,
            account::NEW_PASSWORD_REQUIRED => Self::NewPasswordRequired,
            account::BAD_TOKEN => Self::BadToken,
            account::BAD_CODE => Self::BadCode,
            challenge::CHALLENGE_ENDED => Self::ChallengeEnded,
            account::LAST_ADMIN => Self::LastAdmin,
            session::SESSION_ENDED => Self::SessionEnded,
            limits::TOO_MANY_ATTEMPTS => Self::TooManyAttempts,
            _ => Self::BadUserInput,
        }
    }
}

/// What a mutation did, and what the person has to correct.
pub(super) fn split<T>(done: service::Result<T>) -> service::Result<(Option<T>, Vec<AccountUserError>)> {
    graphql::user_errors(done)
}
