//! The mutations. Knows who may run them; `account` knows how.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use service::graphql::{authenticated, database, resource};
use service::{DateTime, Error, Result, viewer};

use super::one_password::take_password;
use super::user::User;
use crate::account::{self, Changes, Registration, parse_id};
use crate::entity::user::Model;
use crate::token::Issuer;

/// The mutation root.
pub(crate) struct Mutation;

/// A new account.
#[derive(InputObject)]
struct RegisterInput {
    /// 3 to 32 of the characters a-z, 0-9, `.`, `_` and `-`, starting with a letter.
    username: String,
    /// The full name.
    name: String,
    /// The email address.
    email: String,
    /// At least 8 characters.
    #[graphql(secret)]
    password: String,
}

/// The changes. Omitted fields keep their value.
#[derive(InputObject)]
struct UpdateProfileInput {
    /// The full name.
    name: Option<String>,
    /// The email address.
    email: Option<String>,
}

/// A signed-in user.
#[derive(SimpleObject)]
struct Session {
    /// The bearer token: send it as `Authorization: Bearer <token>`.
    token: String,
    /// When the token expires.
    expires_at: DateTime,
    /// The user.
    user: User,
}

#[Object]
impl Mutation {
    /// Creates an account and signs in. A request may have one `register` or `login`.
    /// Errors: `USERNAME_TAKEN`, `EMAIL_TAKEN`, `WEAK_PASSWORD`, `BAD_USER_INPUT`, `UNAVAILABLE`.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
    ) -> Result<Session> {
        take_password(ctx)?;
        let RegisterInput { username, name, email, password } = input;
        let wanted = Registration { username, name, email, password };
        let user = account::register(database(ctx)?, wanted).await?;
        session(ctx, user)
    }

    /// Signs in. A request may have one `register` or `login`. Errors: `BAD_CREDENTIALS`, `BAD_USER_INPUT`, `UNAVAILABLE`.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The username. Upper and lower case are the same.")] username: String,
        #[graphql(desc = "The password.", secret)] password: String,
    ) -> Result<Session> {
        take_password(ctx)?;
        let user = account::sign_in(database(ctx)?, &username, password).await?;
        session(ctx, user)
    }

    /// Changes the signed-in user's account. Errors: `EMAIL_TAKEN`, `BAD_USER_INPUT`.
    #[graphql(directive = authenticated::apply())]
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateProfileInput,
    ) -> Result<User> {
        let caller = viewer(ctx).require_user()?;
        let id = parse_id(&caller.id).ok_or_else(|| Error::not_found("The token's user has no account here."))?;
        let changes = Changes { name: input.name, email: input.email };
        Ok(User::to_themselves(account::update(database(ctx)?, id.0, changes).await?))
    }
}

fn session(ctx: &Context<'_>, user: Model) -> Result<Session> {
    let token = resource::<Issuer>(ctx)?.issue(&user)?;
    Ok(Session { token: token.text, expires_at: token.expires_at, user: User::to_themselves(user) })
}
