//! The mutations of the second factor. Knows who may run them; `account::second_factor` and `account::challenge` know how.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use service::graphql::{authenticated, database, id};
use service::{DateTime, Error, Result, viewer};

use super::errors::{AccountUserError, split};
use super::mutation::{caller, resources, session, visit};
use super::one_password::take_password;
use super::payloads::Session;
use super::user::{TYPE, User};
use crate::account::challenge::{self, Challenge};
use crate::account::{no_user, second_factor};

/// The mutations of the second factor.
#[derive(Default)]
pub(crate) struct SecondFactorMutation;

#[Object]
impl SecondFactorMutation {
    /// Makes a secret for an authenticator app of the signed-in user. Signing in takes its codes once `confirmTotp` has shown that the app has it. A
    /// request may have one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn enroll_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password.")] input: EnrollTotpInput,
    ) -> Option<Result<EnrollTotpPayload>> {
        let done = async {
            take_password(ctx)?;
            let issuer = &resources(ctx)?.totp_issuer;
            second_factor::enroll(database(ctx)?, caller(ctx)?, input.password, issuer).await
        };
        Some(split(done.await).map(|(made, user_errors)| {
            let (secret, otpauth_uri) = made.map(|made| (made.secret, made.uri)).unzip();
            EnrollTotpPayload { secret, otpauth_uri, user_errors }
        }))
    }

    /// Turns the second factor of the signed-in user on: from now on, `login` takes a code. All sessions end; the answer has a new one. A request may
    /// have one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn confirm_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A code of the app.")] input: ConfirmTotpInput,
    ) -> Option<Result<ConfirmTotpPayload>> {
        let done = async {
            take_password(ctx)?;
            let life = resources(ctx)?.session_life;
            let (user, ticket, codes) = second_factor::confirm(database(ctx)?, caller(ctx)?, &input.code, life).await?;
            Ok((codes, session(ctx, (user, ticket)).await?))
        };
        Some(split(done.await).map(|(done, user_errors)| {
            let (recovery_codes, session) = done.unzip();
            ConfirmTotpPayload { recovery_codes, session, user_errors }
        }))
    }

    /// Turns the second factor of the signed-in user off. All sessions end; the answer has a new one. A request may have one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn disable_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, and a code.")] input: DisableTotpInput,
    ) -> Option<Result<DisableTotpPayload>> {
        let done = async {
            take_password(ctx)?;
            let (life, DisableTotpInput { password, code }) = (resources(ctx)?.session_life, input);
            session(ctx, second_factor::disable(database(ctx)?, caller(ctx)?, password, &code, life).await?).await
        };
        Some(split(done.await).map(|(session, user_errors)| DisableTotpPayload { session, user_errors }))
    }

    /// Replaces the recovery codes of the signed-in user. The old ones are not valid any more. A request may have one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn regenerate_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, and a code.")] input: RegenerateRecoveryCodesInput,
    ) -> Option<Result<RegenerateRecoveryCodesPayload>> {
        let done = async {
            take_password(ctx)?;
            let RegenerateRecoveryCodesInput { password, code } = input;
            second_factor::regenerate(database(ctx)?, caller(ctx)?, password, &code).await
        };
        Some(
            split(done.await)
                .map(|(recovery_codes, user_errors)| RegenerateRecoveryCodesPayload { recovery_codes, user_errors }),
        )
    }

    /// Completes a sign-in for which `login` has given a challenge. A request may have one password or code.
    async fn complete_login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The challenge, and a code.")] input: CompleteLoginInput,
    ) -> Option<Result<CompleteLoginPayload>> {
        let done = async {
            take_password(ctx)?;
            let (life, visit) = (resources(ctx)?.session_life, visit(ctx, None));
            let CompleteLoginInput { challenge, code } = input;
            let completed = challenge::complete(database(ctx)?, &challenge, &code, &visit, life).await?;
            session(ctx, completed).await
        };
        Some(split(done.await).map(|(session, user_errors)| CompleteLoginPayload { session, user_errors }))
    }

    /// Takes the second factor from another user who has lost both the app and the recovery codes. All of their sessions end, and they get a mail.
    /// For administrators, who should know by other means that it is this user who asks.
    #[graphql(requires_scopes = "accounts:write")]
    async fn clear_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user.")] input: ClearTotpInput,
    ) -> Option<Result<ClearTotpPayload>> {
        let done = async {
            let admin = viewer(ctx).require_admin()?;
            let user = id::parse(TYPE, &input.user_id).ok_or_else(no_user)?;
            if admin.id == user.to_string() {
                let message = "Turn your own second factor off with `disableTotp`.";
                return Err(Error::conflict(message).at(["input", "userId"]));
            }
            let cleared = second_factor::clear(database(ctx)?, user).await?.ok_or_else(no_user)?;
            tracing::info!(%user, by = admin.id, "An administrator has taken the second factor from a user");
            Ok(User::from(cleared))
        };
        Some(split(done.await).map(|(user, user_errors)| ClearTotpPayload { user, user_errors }))
    }
}

/// What stands between the password and a session, where the account has a second factor.
#[derive(SimpleObject)]
pub(super) struct LoginChallenge {
    /// What to give to `completeLogin`, once.
    token: String,
    /// When it expires: some minutes from now. Then start again with `login`.
    expires_at: DateTime,
}

impl From<Challenge> for LoginChallenge {
    fn from(challenge: Challenge) -> Self {
        Self { token: challenge.token, expires_at: challenge.expires_at }
    }
}

/// Who wants a second factor.
#[derive(InputObject)]
pub(super) struct EnrollTotpInput {
    /// The password.
    #[graphql(secret)]
    password: String,
}

/// The answer to `enrollTotp`.
#[derive(SimpleObject)]
pub(super) struct EnrollTotpPayload {
    /// The secret, to be typed into an app. It can be confirmed for a quarter of an hour, and is shown only now.
    secret: Option<String>,
    /// The same for a QR code that an app reads: an `otpauth` URI.
    otpauth_uri: Option<String>,
    /// What the person has to correct; nothing was done then.
    user_errors: Vec<AccountUserError>,
}

/// What shows that an app has the secret.
#[derive(InputObject)]
pub(super) struct ConfirmTotpInput {
    /// The six digits that the app shows.
    #[graphql(secret)]
    code: String,
}

/// The answer to `confirmTotp`.
#[derive(SimpleObject)]
pub(super) struct ConfirmTotpPayload {
    /// Ten codes, each of which takes the place of the app once. They are shown only now: the person has to keep them.
    recovery_codes: Option<Vec<String>>,
    /// A new session: all others have ended.
    session: Option<Session>,
    /// What the person has to correct; nothing was done then.
    user_errors: Vec<AccountUserError>,
}

/// What turns a second factor off.
#[derive(InputObject)]
pub(super) struct DisableTotpInput {
    /// The password.
    #[graphql(secret)]
    password: String,
    /// The six digits that the app shows, or a recovery code.
    #[graphql(secret)]
    code: String,
}

/// The answer to `disableTotp`.
#[derive(SimpleObject)]
pub(super) struct DisableTotpPayload {
    /// A new session: all others have ended.
    session: Option<Session>,
    /// What the person has to correct; nothing was done then.
    user_errors: Vec<AccountUserError>,
}

/// What replaces the recovery codes.
#[derive(InputObject)]
pub(super) struct RegenerateRecoveryCodesInput {
    /// The password.
    #[graphql(secret)]
    password: String,
    /// The six digits that the app shows, or one of the old recovery codes.
    #[graphql(secret)]
    code: String,
}

/// The answer to `regenerateRecoveryCodes`.
#[derive(SimpleObject)]
pub(super) struct RegenerateRecoveryCodesPayload {
    /// Ten new codes. They are shown only now: the person has to keep them.
    recovery_codes: Option<Vec<String>>,
    /// What the person has to correct; nothing was done then.
    user_errors: Vec<AccountUserError>,
}

/// What completes a sign-in.
#[derive(InputObject)]
pub(super) struct CompleteLoginInput {
    /// The token of the challenge.
    #[graphql(secret)]
    challenge: String,
    /// The six digits that the app shows, or a recovery code.
    #[graphql(secret)]
    code: String,
}

/// The answer to `completeLogin`.
#[derive(SimpleObject)]
pub(super) struct CompleteLoginPayload {
    /// The new session.
    session: Option<Session>,
    /// What the person has to correct. After `BAD_CODE` the challenge is still open for another code, up to five times.
    user_errors: Vec<AccountUserError>,
}

/// Whose second factor is lost.
#[derive(InputObject)]
pub(super) struct ClearTotpInput {
    /// The user's id.
    user_id: ID,
}

/// The answer to `clearTotp`.
#[derive(SimpleObject)]
pub(super) struct ClearTotpPayload {
    /// The user, who has no second factor now.
    user: Option<User>,
    /// What the administrator has to correct; nothing was done then.
    user_errors: Vec<AccountUserError>,
}
