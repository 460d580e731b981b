//! What clients send. Checks nothing.

use async_graphql::{ID, InputObject, OneofObject};

use crate::entity::user_role::Role;

/// How to find a user: by exactly one of these.
#[derive(OneofObject)]
pub(super) enum UserBy {
    /// The id.
    Id(ID),
    /// The username. Upper and lower case are the same.
    Username(String),
    /// The email address. Upper and lower case are the same.
    Email(String),
}

/// A new account.
#[derive(InputObject)]
pub(super) struct RegisterInput {
    /// 3 to 32 of the characters a-z, 0-9, `.`, `_` and `-`, starting with a letter. Everybody can see it.
    pub(super) username: String,
    /// The full name. Everybody can see it.
    pub(super) name: String,
    /// The email address. A mail is sent there to confirm the account.
    pub(super) email: String,
    /// At least 8 characters.
    #[graphql(secret)]
    pub(super) password: String,
}

/// What confirms a registration.
#[derive(InputObject)]
pub(super) struct ConfirmRegistrationInput {
    /// The token of the mail.
    #[graphql(secret)]
    pub(super) token: String,
    /// The password that was chosen when registering.
    #[graphql(secret)]
    pub(super) password: String,
}

/// Who signs in.
#[derive(InputObject)]
pub(super) struct LoginInput {
    /// The username or the email address. Upper and lower case are the same.
    pub(super) username: String,
    /// The password.
    #[graphql(secret)]
    pub(super) password: String,
    /// A new password, at least 8 characters: only for replacing a one-time password.
    #[graphql(secret)]
    pub(super) new_password: Option<String>,
    /// What an earlier session on this device had as `deviceToken`. With it, wrong passwords that others try do not keep you out.
    #[graphql(secret)]
    pub(super) device_token: Option<String>,
}

/// The session to continue.
#[derive(InputObject)]
pub(super) struct RefreshSessionInput {
    /// The refresh token that the session had last.
    #[graphql(secret)]
    pub(super) refresh_token: String,
}

/// The session to end.
#[derive(InputObject)]
pub(super) struct LogoutInput {
    /// A refresh token of the session.
    #[graphql(secret)]
    pub(super) refresh_token: String,
}

/// A new password.
#[derive(InputObject)]
pub(super) struct ChangePasswordInput {
    /// The present password.
    #[graphql(secret)]
    pub(super) old_password: String,
    /// The new password, at least 8 characters.
    #[graphql(secret)]
    pub(super) new_password: String,
}

/// Whose password is forgotten.
#[derive(InputObject)]
pub(super) struct RequestPasswordResetInput {
    /// The email address of the account.
    pub(super) email: String,
}

/// A new password for one who has forgotten the old one.
#[derive(InputObject)]
pub(super) struct ResetPasswordInput {
    /// The token of the mail.
    #[graphql(secret)]
    pub(super) token: String,
    /// The new password, at least 8 characters.
    #[graphql(secret)]
    pub(super) new_password: String,
}

/// A new email address.
#[derive(InputObject)]
pub(super) struct ChangeEmailInput {
    /// The new address. A mail is sent there to confirm it.
    pub(super) email: String,
    /// The password.
    #[graphql(secret)]
    pub(super) password: String,
}

/// What confirms a new email address.
#[derive(InputObject)]
pub(super) struct ConfirmEmailInput {
    /// The token of the mail.
    #[graphql(secret)]
    pub(super) token: String,
}

/// The changes. Omitted fields keep their value.
#[derive(InputObject)]
pub(super) struct UpdateProfileInput {
    /// The full name.
    pub(super) name: Option<String>,
}

/// A role of a user.
#[derive(InputObject)]
pub(super) struct RoleInput {
    /// The user's id.
    pub(super) user_id: ID,
    /// The role.
    pub(super) role: Role,
}
