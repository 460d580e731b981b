//! Which errors of a mutation a form can show: those the user can correct are part of its payload, all others are errors of the response. Knows no
//! mutation.
//!
//! Each service has one type for them, with an enum of its codes, that implements the interface `UserError`:
//!
//! ```
//! use async_graphql::{Enum, Interface, SimpleObject};
//! use service::graphql::UserMistake;
//! use service::{Code, Result};
//!
//! /// A reason why a greeting was not changed.
//! #[derive(SimpleObject, Clone)]
//! struct GreetingUserError {
//!     /// What kind of mistake it is.
//!     code: GreetingErrorCode,
//!     /// What is wrong and what to do, for people.
//!     message: String,
//!     /// The path of the argument that is wrong.
//!     field: Option<Vec<String>>,
//! }
//!
//! #[derive(Enum, Clone, Copy, PartialEq, Eq)]
//! enum GreetingErrorCode {
//!     /// There is no such greeting.
//!     NotFound,
//!     /// A value can't be used.
//!     Invalid,
//! }
//!
//! #[derive(Interface)]
//! #[graphql(field(name = "message", ty = "&String"), field(name = "field", ty = "&Option<Vec<String>>"))]
//! enum UserError {
//!     Greeting(GreetingUserError),
//! }
//!
//! impl From<UserMistake> for GreetingUserError {
//!     fn from(mistake: UserMistake) -> Self {
//!         let code = match mistake.code {
//!             Code::NotFound => GreetingErrorCode::NotFound,
//!             _ => GreetingErrorCode::Invalid,
//!         };
//!         Self { code, message: mistake.message, field: mistake.field }
//!     }
//! }
//!
//! fn payload(changed: Result<u32>) -> Result<(Option<u32>, Vec<GreetingUserError>)> {
//!     service::graphql::user_errors(changed)
//! }
//! # assert!(payload(Err(service::Error::not_found("No."))).is_ok());
//! ```

use crate::error::{Code, Error, Result};

/// Something that the user can correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMistake {
    /// What kind of mistake it is.
    pub code: Code,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// The path of the argument that is wrong, such as `["input", "email"]`.
    pub field: Option<Vec<String>>,
}

/// Splits the result of a mutation: what it did, and what the user has to correct. An error that no user can correct (not signed in, not
/// allowed, a service that is away, a fault of ours) stays an error.
pub fn user_errors<T, E: From<UserMistake>>(done: Result<T>) -> Result<(Option<T>, Vec<E>)> {
    match done {
        Ok(done) => Ok((Some(done), Vec::new())),
        Err(Error::Caller { code, message, field }) if is_correctable(code) => {
            Ok((None, vec![E::from(UserMistake { code, message, field })]))
        }
        Err(error) => Err(error),
    }
}

const fn is_correctable(code: Code) -> bool {
    match code {
        Code::BadUserInput | Code::NotFound | Code::Conflict | Code::Own(_) => true,
        Code::Unauthenticated | Code::Forbidden | Code::Unavailable | Code::Internal => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_user_can_correct_is_part_of_the_payload() {
        let done: Result<(Option<u32>, Vec<UserMistake>)> = user_errors(Ok(1));
        assert_eq!(done.unwrap(), (Some(1), Vec::new()));
        let failed = Err::<u32, _>(Error::bad_input("Too long.").at(["input", "name"]));
        let (none, mistakes) = user_errors::<_, UserMistake>(failed).unwrap();
        let field = Some(vec!["input".to_owned(), "name".to_owned()]);
        let mistake = UserMistake { code: Code::BadUserInput, message: "Too long.".to_owned(), field };
        assert_eq!((none, mistakes), (None, vec![mistake]));
        for error in [Error::new(Code::Unavailable, "Away."), Error::internal(anyhow::anyhow!("a secret"))] {
            assert!(user_errors::<u32, UserMistake>(Err(error)).is_err());
        }
    }
}
