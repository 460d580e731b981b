//! What the parts of an account may look like, and the one form in which each is stored. Knows no database.

use service::{Error, Result};

use super::WEAK_PASSWORD;
use crate::password;

/// A username as it is stored: in lower case, of characters that can't be mistaken for others.
pub(crate) fn username(text: &str) -> Result<String> {
    let username = text.trim().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let fits = (3..=32).contains(&username.len())
        && username.chars().all(allowed)
        && username.starts_with(|c: char| c.is_ascii_lowercase());
    if fits {
        Ok(username)
    } else {
        let message =
            "A username must have 3 to 32 of the characters a-z, 0-9, `.`, `_` and `-`, and start with a letter.";
        Err(Error::bad_input(message).at(["input", "username"]))
    }
}

/// A name as it is stored. Characters that change the direction of text are refused: with them, one name can look like another.
pub(crate) fn name(text: &str) -> Result<String> {
    let name = text.trim();
    let unseen = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(unseen) {
        Ok(name.to_owned())
    } else {
        let message = "A name must have 1 to 100 characters, without line breaks and other control characters.";
        Err(Error::bad_input(message).at(["input", "name"]))
    }
}

/// An email address as it is stored: one that mail can be sent to.
pub(crate) fn email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let well_formed = email.len() <= 254
        && email.is_ascii()
        && email.split_once('@').is_some_and(|(_, domain)| domain.contains('.'))
        && email.parse::<lettre::Address>().is_ok();
    if well_formed {
        Ok(email)
    } else {
        let message = "An email address must be of the form `name@example.com`.";
        Err(Error::bad_input(message).at(["input", "email"]))
    }
}

/// An error if the password is too easy to guess. `field` is where the client gave it.
pub(crate) fn password(password: &str, username: &str, field: &str) -> Result<()> {
    match password::weakness(password, username) {
        None => Ok(()),
        Some(weakness) => {
            Err(Error::new(WEAK_PASSWORD, format!("Choose another password: {weakness}.")).at(["input", field]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: fn(&str) -> Result<String>, text: &str, expected: Option<&str>) {
        assert_eq!(form(text).ok().as_deref(), expected, "{text:?}");
    }

    #[test]
    fn usernames_are_stored_in_one_form() {
        check(username, " Ada ", Some("ada"));
        check(username, "ada.b-c_9", Some("ada.b-c_9"));
        // The Kelvin sign is a k in lower case.
        check(username, "\u{212a}elvin", Some("kelvin"));
        for wrong in ["ad", "9ada", "ädä", "аda", "ada b", "a\u{202e}da", "a\0da", "ada😀", &"a".repeat(33)] {
            check(username, wrong, None);
        }
    }

    #[test]
    fn names_are_texts_that_can_be_seen() {
        check(name, " Ada Lovelace ", Some("Ada Lovelace"));
        check(name, "عمر الخيام", Some("عمر الخيام"));
        check(name, "👩‍👩‍👧 Family", Some("👩‍👩‍👧 Family"));
        for wrong in ["", "  ", "a\nb", "a\0b", "admin\u{202e}", &"a".repeat(101)] {
            check(name, wrong, None);
        }
    }

    #[test]
    fn email_addresses_are_stored_in_one_form() {
        check(email, " Ada@Example.com", Some("ada@example.com"));
        check(email, "a@b.co", Some("a@b.co"));
        for wrong in [
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@example..com",
            "a@b@example.com",
            "a b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "Ada <ada@example.com>",
            "a@example.com,b@example.com",
            "ädä@example.com",
            &format!("{}@example.com", "a".repeat(250)),
        ] {
            check(email, wrong, None);
        }
    }
}
