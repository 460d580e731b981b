//! The mutations of accounts and sessions. Knows who may run them; `account` and `session` know how.

use async_graphql::{Context, Object};
use service::graphql::{authenticated, database, id, resource};
use service::{Code, Error, Result, client_address, viewer};
use uuid::Uuid;

use super::Resources;
use super::errors::split;
use super::inputs::{
    ChangeEmailInput, ChangePasswordInput, ConfirmEmailInput, ConfirmRegistrationInput, LoginInput, LogoutInput,
    RefreshSessionInput, RegisterInput, RequestPasswordResetInput, ResetPasswordInput, RoleInput, UpdateProfileInput,
};
use super::one_password::take_password;
use super::payloads::{
    ChangeEmailPayload, ChangePasswordPayload, ConfirmEmailPayload, ConfirmRegistrationPayload, GrantRolePayload,
    LoginPayload, LogoutEverywherePayload, LogoutPayload, RefreshSessionPayload, RegisterPayload,
    RequestPasswordResetPayload, ResetPasswordPayload, RevokeRolePayload, Session, UpdateProfilePayload,
};
use super::user::{TYPE, User};
use crate::account::profile::Changes;
use crate::account::register::Registration;
use crate::account::sign_in::{Credentials, SignedIn};
use crate::account::{email, no_user, password_change, profile, register, roles, sign_in};
use crate::entity::user::Model;
use crate::session::{self, Ticket, Visit};

/// The mutations of accounts and sessions.
#[derive(Default)]
pub(crate) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Asks for an account. A mail says how to confirm it within a day; before that there is none. The answer is the same if there already is an
    /// account with the address: the mail tells its owner. A request may have one password or code.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
    ) -> Option<Result<RegisterPayload>> {
        let done = async {
            take_password(ctx)?;
            resources(ctx)?.sends_mail.require()?;
            let RegisterInput { username, name, email, password } = input;
            register::register(database(ctx)?, Registration { username, name, email, password }, &visit(ctx, None))
                .await
        };
        Some(split(done.await).map(|(emailed_to, user_errors)| RegisterPayload { emailed_to, user_errors }))
    }

    /// Creates the account that was asked for with `register`, and signs in. A request may have one password or code.
    async fn confirm_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the mail, and the password.")] input: ConfirmRegistrationInput,
    ) -> Option<Result<ConfirmRegistrationPayload>> {
        let done = async {
            take_password(ctx)?;
            let life = resources(ctx)?.session_life;
            let visit = visit(ctx, None);
            let confirmed = register::confirm(database(ctx)?, &input.token, input.password, &visit, life).await?;
            session(ctx, confirmed).await
        };
        Some(split(done.await).map(|(session, user_errors)| ConfirmRegistrationPayload { session, user_errors }))
    }

    /// Signs in. If the account has a second factor, the answer has a challenge in place of the session: `completeLogin` takes it, with a code. A request may have one password or code.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: LoginInput,
    ) -> Option<Result<LoginPayload>> {
        let done = async {
            take_password(ctx)?;
            let LoginInput { username, password, new_password, device_token } = input;
            let credentials = Credentials { login: username, password, new_password };
            let life = resources(ctx)?.session_life;
            let signed_in = sign_in::sign_in(database(ctx)?, credentials, &visit(ctx, device_token), life).await?;
            Ok(match signed_in {
                SignedIn::Session(user, ticket) => (Some(session(ctx, (user, ticket)).await?), None),
                SignedIn::Challenge(challenge) => (None, Some(challenge.into())),
            })
        };
        Some(split(done.await).map(|(opened, user_errors)| {
            let (session, challenge) = opened.unwrap_or_default();
            LoginPayload { session, challenge, user_errors }
        }))
    }

    /// Continues a session: gives a new access token and the next refresh token. A refresh token is valid once; if an old one comes again, somebody
    /// has copied it, and the session ends. For ten seconds after its use, a token gives the same next one again, so that two tabs, or a
    /// client that did not get the answer, don't end their own session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshSessionInput,
    ) -> Option<Result<RefreshSessionPayload>> {
        let done = async {
            let life = resources(ctx)?.session_life;
            session(ctx, session::refresh(database(ctx)?, &input.refresh_token, life).await?).await
        };
        Some(split(done.await).map(|(session, user_errors)| RefreshSessionPayload { session, user_errors }))
    }

    /// Ends a session. Its access token is valid until it expires.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: LogoutInput,
    ) -> Option<Result<LogoutPayload>> {
        let done = async {
            session::end(database(ctx)?, &input.refresh_token).await?;
            Ok(true)
        };
        Some(split(done.await).map(|(signed_out, user_errors)| LogoutPayload { signed_out, user_errors }))
    }

    /// Ends all sessions of the signed-in user. Their access tokens are valid until they expire.
    #[graphql(directive = authenticated::apply())]
    async fn logout_everywhere(&self, ctx: &Context<'_>) -> Option<Result<LogoutEverywherePayload>> {
        let done = async {
            let ended = session::end_all(database(ctx)?.reader(), caller(ctx)?).await?;
            Ok(i32::try_from(ended).unwrap_or(i32::MAX))
        };
        Some(
            split(done.await)
                .map(|(ended_sessions, user_errors)| LogoutEverywherePayload { ended_sessions, user_errors }),
        )
    }

    /// Changes the password of the signed-in user. All sessions end; the answer has a new one. A request may have one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old and the new password.")] input: ChangePasswordInput,
    ) -> Option<Result<ChangePasswordPayload>> {
        let done = async {
            take_password(ctx)?;
            let (life, ChangePasswordInput { old_password, new_password }) = (resources(ctx)?.session_life, input);
            let changed =
                password_change::change(database(ctx)?, caller(ctx)?, old_password, new_password, life).await?;
            session(ctx, changed).await
        };
        Some(split(done.await).map(|(session, user_errors)| ChangePasswordPayload { session, user_errors }))
    }

    /// Sends a mail with which a new password can be chosen within an hour. The answer is the same if there is no account with the address.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address.")] input: RequestPasswordResetInput,
    ) -> Option<Result<RequestPasswordResetPayload>> {
        let done = async {
            resources(ctx)?.sends_mail.require()?;
            password_change::request_reset(database(ctx)?, &input.email, &visit(ctx, None)).await?;
            Ok(input.email.trim().to_lowercase())
        };
        Some(split(done.await).map(|(emailed_to, user_errors)| RequestPasswordResetPayload { emailed_to, user_errors }))
    }

    /// Sets a new password with the token of a mail, and ends all sessions. A request may have one password or code.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the mail, and the new password.")] input: ResetPasswordInput,
    ) -> Option<Result<ResetPasswordPayload>> {
        let done = async {
            take_password(ctx)?;
            password_change::reset(database(ctx)?, &input.token, input.new_password).await
        };
        Some(split(done.await).map(|(reset, user_errors)| {
            let (user, device_token) = reset.unzip();
            ResetPasswordPayload { username: user.map(|user| user.username), device_token, user_errors }
        }))
    }

    /// Sends a mail to a new address of the signed-in user, with which it can be confirmed within a day; the old address is told. A request may have
    /// one password or code.
    #[graphql(directive = authenticated::apply())]
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address, and the password.")] input: ChangeEmailInput,
    ) -> Option<Result<ChangeEmailPayload>> {
        let done = async {
            take_password(ctx)?;
            resources(ctx)?.sends_mail.require()?;
            email::change(database(ctx)?, caller(ctx)?, &input.email, input.password).await
        };
        Some(split(done.await).map(|(emailed_to, user_errors)| ChangeEmailPayload { emailed_to, user_errors }))
    }

    /// Makes the address the user's to which the mail with the token went. The old address is told.
    async fn confirm_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the mail.")] input: ConfirmEmailInput,
    ) -> Option<Result<ConfirmEmailPayload>> {
        let done = async { Ok(User::to_themselves(email::confirm(database(ctx)?, &input.token).await?)) };
        Some(split(done.await).map(|(user, user_errors)| ConfirmEmailPayload { user, user_errors }))
    }

    /// Changes the signed-in user's profile.
    #[graphql(directive = authenticated::apply())]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProfileInput,
    ) -> Option<Result<UpdateProfilePayload>> {
        let done = async {
            let changes = Changes { name: input.name };
            Ok(User::to_themselves(profile::update(database(ctx)?, caller(ctx)?, changes).await?))
        };
        Some(split(done.await).map(|(user, user_errors)| UpdateProfilePayload { user, user_errors }))
    }

    /// Gives a role to a user. For administrators. It counts from the user's next access token on.
    #[graphql(requires_scopes = "accounts:write")]
    async fn grant_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user and the role.")] input: RoleInput,
    ) -> Option<Result<GrantRolePayload>> {
        let done = async {
            viewer(ctx).require_admin()?;
            Ok(User::from(roles::grant(database(ctx)?, named(&input)?, input.role).await?))
        };
        Some(split(done.await).map(|(user, user_errors)| GrantRolePayload { user, user_errors }))
    }

    /// Takes a role from a user; the last administrator stays one. For administrators. It counts from the user's next access token on.
    #[graphql(requires_scopes = "accounts:write")]
    async fn revoke_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user and the role.")] input: RoleInput,
    ) -> Option<Result<RevokeRolePayload>> {
        let done = async {
            viewer(ctx).require_admin()?;
            Ok(User::from(roles::revoke(database(ctx)?, named(&input)?, input.role).await?))
        };
        Some(split(done.await).map(|(user, user_errors)| RevokeRolePayload { user, user_errors }))
    }
}

pub(super) fn resources<'a>(ctx: &Context<'a>) -> Result<&'a Resources> {
    resource(ctx)
}

pub(super) fn visit(ctx: &Context<'_>, device: Option<String>) -> Visit {
    Visit { address: client_address(ctx), device }
}

/// The id of the signed-in user.
pub(super) fn caller(ctx: &Context<'_>) -> Result<Uuid> {
    let user = viewer(ctx).require_user()?;
    Uuid::parse_str(&user.id).map_err(|_| Error::new(Code::Unauthenticated, "The token's user has no account here."))
}

/// The id in the input.
fn named(input: &RoleInput) -> Result<Uuid> {
    id::parse(TYPE, &input.user_id).ok_or_else(no_user)
}

pub(super) async fn session(ctx: &Context<'_>, (user, ticket): (Model, Ticket)) -> Result<Session> {
    let roles = roles::of(database(ctx)?.reader(), user.id).await?;
    let token = resources(ctx)?.issuer.issue(user.id, &roles)?;
    Ok(Session {
        access_token: token.text,
        expires_at: token.expires_at,
        refresh_token: ticket.refresh,
        refresh_expires_at: ticket.expires_at,
        device_token: ticket.device,
        user: User::to_themselves(user),
    })
}
