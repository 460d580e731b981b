//! The texts of the mails. Knows no database and no transport.

use super::{FactorChange, Mail};

/// Where a reader can use a token: a page of the shop, if it has one.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// Such as `https://shop.example/account`.
    pub(super) base: Option<String>,
}

impl Links {
    /// How the token is used: with a link, or by hand.
    fn way(&self, page: &str, mutation: &str, token: &str) -> String {
        match &self.base {
            Some(base) => format!("Open {}/{page}#token={token}", base.trim_end_matches('/')),
            None => format!("Use it with the mutation `{mutation}`.\n\nToken: {token}"),
        }
    }

    pub(super) fn confirm_registration(&self, to: &str, name: &str, token: &str) -> Mail {
        let way = self.way("confirm-registration", "confirmRegistration", token);
        mail(
            to,
            "Confirm your account",
            &format!(
                "Hello {name},\n\nto finish your registration, confirm this address within a day and enter the password that you have \
                 chosen.\n\n{way}\n\nIf it was not you who registered, do nothing: there will be no account."
            ),
        )
    }

    pub(super) fn already_registered(&self, to: &str, name: &str, username: &str) -> Mail {
        mail(
            to,
            "You already have an account",
            &format!(
                "Hello {name},\n\nsomebody has registered with this address, but you have an account already: its username is {username}. \
                 Sign in with it, or reset its password if you have forgotten it.\n\nIf it was not you, do nothing."
            ),
        )
    }

    pub(super) fn reset_password(&self, to: &str, name: &str, username: &str, token: &str) -> Mail {
        let way = self.way("reset-password", "resetPassword", token);
        mail(
            to,
            "Choose a new password",
            &format!(
                "Hello {name},\n\nsomebody has asked for a new password for your account {username}. It can be chosen within an \
                 hour.\n\n{way}\n\nIf it was not you, do nothing: your password stays as it is."
            ),
        )
    }

    pub(super) fn password_changed(&self, to: &str, name: &str) -> Mail {
        mail(
            to,
            "Your password was changed",
            &format!(
                "Hello {name},\n\nyour password was changed, and all sessions were ended. If it was not you, reset your password now."
            ),
        )
    }

    pub(super) fn confirm_email(&self, to: &str, name: &str, token: &str) -> Mail {
        let way = self.way("confirm-email", "confirmEmail", token);
        mail(
            to,
            "Confirm your new address",
            &format!(
                "Hello {name},\n\nconfirm within a day that this is the new address of your account.\n\n{way}\n\nIf you have no account \
                 with us, do nothing."
            ),
        )
    }

    pub(super) fn address_has_account(&self, to: &str, name: &str) -> Mail {
        mail(
            to,
            "This address has an account",
            &format!(
                "Hello {name},\n\nthis address was to become that of another account, but it belongs to yours. Nothing was changed. If \
                 you want to use it for the other account, change the address of this one first."
            ),
        )
    }

    pub(super) fn email_change_asked(&self, to: &str, name: &str) -> Mail {
        mail(
            to,
            "A new address for your account",
            &format!(
                "Hello {name},\n\nsomebody who knows your password wants to change the address of your account. If it was not you, reset \
                 your password now: until the new address is confirmed, mails still come here."
            ),
        )
    }

    pub(super) fn email_changed(&self, to: &str, name: &str) -> Mail {
        mail(
            to,
            "The address of your account was changed",
            &format!("Hello {name},\n\nyour account now has another address. If it was not you, write to us."),
        )
    }

    pub(super) fn session_stolen(&self, to: &str, name: &str) -> Mail {
        mail(
            to,
            "You were signed out on one device",
            &format!(
                "Hello {name},\n\nan old refresh token of yours was used again. Somebody may have copied it, so the session was ended. If \
                 you do not know why, change your password."
            ),
        )
    }

    pub(super) fn second_factor(&self, to: &str, name: &str, change: FactorChange) -> Mail {
        let (subject, text) = match change {
            FactorChange::TurnedOn => (
                "Signing in takes a code now",
                "from now on, signing in to your account takes a code of your app, and all sessions were ended. Keep the recovery codes \
                 where you find them without your phone. If it was not you, write to us."
                    .to_owned(),
            ),
            FactorChange::TurnedOff => (
                "Signing in takes no code any more",
                "signing in to your account no longer takes a code of an app, and all sessions were ended. If it was not you, reset your \
                 password now."
                    .to_owned(),
            ),
            FactorChange::NewRecoveryCodes => (
                "You have new recovery codes",
                "the recovery codes of your account were replaced, and the old ones are not valid any more. If it was not you, change \
                 your password."
                    .to_owned(),
            ),
            FactorChange::RecoveryCodeUsed { left } => (
                "A recovery code was used",
                format!(
                    "a recovery code of your account was used; {left} are left. If it was not you, change your password, and replace \
                     the recovery codes."
                ),
            ),
            FactorChange::WrongCodes => (
                "Somebody may have your password",
                "somebody tried to sign in to your account with the right password, and with wrong codes several times. If it was not \
                 you, change your password: the codes alone keep them out now."
                    .to_owned(),
            ),
        };
        mail(to, subject, &format!("Hello {name},\n\n{text}"))
    }

    pub(super) fn first_admin(&self, to: &str, username: &str, password: &str) -> Mail {
        mail(
            to,
            "You are the administrator",
            &format!(
                "Hello,\n\nyou are the first administrator of the shop. Sign in within a day, and choose a password of your own.\n\n\
                 Username: {username}\nOne-time password: {password}"
            ),
        )
    }
}

fn mail(to: &str, subject: &str, text: &str) -> Mail {
    Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() }
}
