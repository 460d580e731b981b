//! What a user can correct about a change of the catalog or of stock. Knows no mutation.

use async_graphql::{Enum, Interface, SimpleObject};
use service::graphql::UserMistake;
use service::{Code, Error, Result};

/// Something that the user has to correct before a mutation does what it should.
#[derive(Interface)]
#[graphql(field(name = "message", ty = "&String", desc = "What is wrong and what to do, for people."))]
#[graphql(field(
    name = "field",
    ty = "&Option<Vec<String>>",
    desc = "The path of the argument that is wrong, such as `[\"input\", \"name\"]`; null if no single one is."
))]
pub(crate) enum UserError {
    /// About the catalog or stock.
    Catalog(CatalogUserError),
}

/// A reason why the catalog or the stock was not changed.
#[derive(SimpleObject, Debug, Clone)]
pub(crate) struct CatalogUserError {
    /// What kind of mistake it is, for programs.
    code: CatalogErrorCode,
    /// What is wrong and what to do, for people.
    message: String,
    /// The path of the argument that is wrong, such as `["input", "name"]`; null if no single one is.
    field: Option<Vec<String>>,
}

/// The kinds of mistakes in changes of the catalog or of stock.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogErrorCode {
    /// A value can't be used. Correct it and try again.
    BadUserInput,
    /// What the change is about does not exist.
    NotFound,
    /// The current state does not allow it: taken, too few units, or the key was used for something else.
    Conflict,
}

impl From<UserMistake> for CatalogUserError {
    fn from(mistake: UserMistake) -> Self {
        let code = match mistake.code {
            Code::NotFound => CatalogErrorCode::NotFound,
            Code::Conflict => CatalogErrorCode::Conflict,
            _ => CatalogErrorCode::BadUserInput,
        };
        Self { code, message: mistake.message, field: mistake.field }
    }
}

/// What a mutation did, and what its user has to correct.
pub(super) type Done<T> = (Option<T>, Vec<CatalogUserError>);

/// Splits the result of a mutation into these.
pub(super) fn done<T>(result: Result<T>) -> Result<Done<T>> {
    service::graphql::user_errors(result)
}

/// There is nothing with the id that this argument has.
pub(super) fn nothing(what: &str, argument: &str) -> Error {
    Error::not_found(format!("There is no {what} with this id.")).at(["input", argument])
}
