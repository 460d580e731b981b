//! What mutations answer: what was done, or what the person has to correct.

use async_graphql::SimpleObject;
use service::DateTime;

use super::errors::AccountUserError;
use super::second_factor::LoginChallenge;
use super::user::User;

/// A signed-in user.
#[derive(SimpleObject)]
pub(super) struct Session {
    /// The access token: send it as `Authorization: Bearer <token>`. It is valid until `expiresAt`, whatever happens meanwhile.
    pub(super) access_token: String,
    /// When the access token expires: some minutes from now. Then call `refreshSession`.
    pub(super) expires_at: DateTime,
    /// What continues the session, once. Keep it where other sites' scripts can't read it.
    pub(super) refresh_token: String,
    /// When the session ends if it is not refreshed.
    pub(super) refresh_expires_at: DateTime,
    /// What this device is known by when you sign in again: keep it, also after signing out. Null when the session was refreshed.
    pub(super) device_token: Option<String>,
    /// The user.
    pub(super) user: User,
}

/// The answer to `register`.
#[derive(SimpleObject)]
pub(super) struct RegisterPayload {
    /// The address to which a mail is on its way. The mail says how to go on, also if there already is an account.
    pub(super) emailed_to: Option<String>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `confirmRegistration`.
#[derive(SimpleObject)]
pub(super) struct ConfirmRegistrationPayload {
    /// The first session of the account.
    pub(super) session: Option<Session>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `login`.
#[derive(SimpleObject)]
pub(super) struct LoginPayload {
    /// The new session.
    pub(super) session: Option<Session>,
    /// What to go on with in place of a session, if the account has a second factor: give it to `completeLogin` with a code.
    pub(super) challenge: Option<LoginChallenge>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `refreshSession`.
#[derive(SimpleObject)]
pub(super) struct RefreshSessionPayload {
    /// The session with new tokens.
    pub(super) session: Option<Session>,
    /// Why the session can't go on.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `logout`.
#[derive(SimpleObject)]
pub(super) struct LogoutPayload {
    /// That the session has ended, whether it was open before or not.
    pub(super) signed_out: Option<bool>,
    /// Always empty at present.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `logoutEverywhere`.
#[derive(SimpleObject)]
pub(super) struct LogoutEverywherePayload {
    /// How many sessions have ended.
    pub(super) ended_sessions: Option<i32>,
    /// Always empty at present.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `changePassword`.
#[derive(SimpleObject)]
pub(super) struct ChangePasswordPayload {
    /// A new session: all others have ended.
    pub(super) session: Option<Session>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `requestPasswordReset`.
#[derive(SimpleObject)]
pub(super) struct RequestPasswordResetPayload {
    /// The address to which a mail is on its way if there is an account. Whether there is one is not said.
    pub(super) emailed_to: Option<String>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `resetPassword`.
#[derive(SimpleObject)]
pub(super) struct ResetPasswordPayload {
    /// The name to sign in with, now with the new password. All sessions have ended.
    pub(super) username: Option<String>,
    /// What to give to `login` as `deviceToken`: wrong passwords that others try do not keep you out then.
    pub(super) device_token: Option<String>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `changeEmail`.
#[derive(SimpleObject)]
pub(super) struct ChangeEmailPayload {
    /// The address to which a mail is on its way. Until it is confirmed, the old address stays.
    pub(super) emailed_to: Option<String>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `confirmEmail`.
#[derive(SimpleObject)]
pub(super) struct ConfirmEmailPayload {
    /// The user with the new address.
    pub(super) user: Option<User>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `updateProfile`.
#[derive(SimpleObject)]
pub(super) struct UpdateProfilePayload {
    /// The user with the changes.
    pub(super) user: Option<User>,
    /// What the person has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `grantRole`.
#[derive(SimpleObject)]
pub(super) struct GrantRolePayload {
    /// The user with the role.
    pub(super) user: Option<User>,
    /// What the administrator has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}

/// The answer to `revokeRole`.
#[derive(SimpleObject)]
pub(super) struct RevokeRolePayload {
    /// The user without the role.
    pub(super) user: Option<User>,
    /// What the administrator has to correct; nothing was done then.
    pub(super) user_errors: Vec<AccountUserError>,
}
