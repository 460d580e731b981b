//! The caller as resolvers see it, and what the caller may do.

use async_graphql::Context;

use crate::error::{Code, Error, Result};

/// The role that may do everything, as it is spelled in tokens.
pub const ADMIN: &str = "admin";

/// The role of those who work in the shop, as it is spelled in tokens.
pub const STAFF: &str = "staff";

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody who is known.
    Anonymous,
    /// A person with a verified token.
    User(User),
    /// Another of our services.
    Service,
}

/// A person with a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id: the token's `sub`.
    pub id: String,
    /// The roles of the person.
    pub roles: Vec<String>,
}

impl Viewer {
    /// The person who is calling, if it is a person.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::Service => None,
        }
    }

    /// Whether an administrator is calling.
    pub fn is_admin(&self) -> bool {
        self.user().is_some_and(|user| user.has_role(ADMIN))
    }

    /// Whether somebody of the shop's staff is calling; administrators are.
    pub fn is_staff(&self) -> bool {
        self.user().is_some_and(User::is_staff)
    }

    /// Whether one of our services is calling.
    pub fn is_service(&self) -> bool {
        *self == Self::Service
    }

    /// Whether the person with this id is calling.
    pub fn is_user(&self, id: &str) -> bool {
        self.user().is_some_and(|user| user.id == id)
    }

    /// The person who is calling, or an error that asks to sign in.
    pub fn require_user(&self) -> Result<&User> {
        self.user().ok_or_else(|| match self {
            Self::Service => Error::new(Code::Forbidden, "Only a person may do this."),
            _ => sign_in(),
        })
    }

    /// The administrator who is calling, or an error.
    pub fn require_admin(&self) -> Result<&User> {
        let user = self.require_user()?;
        if user.has_role(ADMIN) {
            Ok(user)
        } else {
            Err(Error::new(Code::Forbidden, format!("This needs the role {ADMIN}.")))
        }
    }

    /// The person of the shop's staff who is calling, or an error.
    pub fn require_staff(&self) -> Result<&User> {
        let user = self.require_user()?;
        if user.is_staff() {
            Ok(user)
        } else {
            Err(Error::new(Code::Forbidden, format!("This needs the role {STAFF} or {ADMIN}.")))
        }
    }

    /// An error unless one of our services is calling.
    pub fn require_service(&self) -> Result<()> {
        match self {
            Self::Service => Ok(()),
            _ => Err(Error::new(Code::Forbidden, "Only another service may do this.")),
        }
    }
}

impl User {
    /// Whether the person is of the shop's staff; administrators are.
    fn is_staff(&self) -> bool {
        self.has_role(STAFF) || self.has_role(ADMIN)
    }

    /// Whether the person has the role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }
}

/// Who is calling, from a resolver's context; anonymous if the request does not say.
pub fn viewer<'a>(ctx: &Context<'a>) -> &'a Viewer {
    ctx.data_opt::<Viewer>().unwrap_or(&Viewer::Anonymous)
}

fn sign_in() -> Error {
    Error::new(Code::Unauthenticated, "This needs a signed-in user: send `Authorization: Bearer` with a token.")
}
