//! The codes of authenticator apps (RFC 6238): six digits that follow from a shared secret and the time. Knows no account and no clock.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use subtle::ConstantTimeEq;

/// A secret has as many bytes as the hash of its codes (RFC 4226, 4).
pub(crate) const SECRET_BYTES: usize = 20;
/// How many digits a code has.
pub(crate) const DIGITS: usize = 6;
/// For how long a code is shown.
pub(crate) const STEP_MILLIS: i64 = 30_000;
/// So many steps may the clock of an app differ.
const DRIFT: i64 = 1;

/// The number of the step at a time in milliseconds since 1970.
pub(crate) fn step_at(millis: i64) -> i64 {
    millis.div_euclid(STEP_MILLIS)
}

/// The step whose code was given, if it is one of those that are valid at the time. Takes the same time whichever it is.
pub(crate) fn matching_step(secret: &[u8], given: &str, millis: i64) -> Option<i64> {
    let now = step_at(millis);
    (now - DRIFT..=now + DRIFT).fold(None, |found, step| {
        let matches = bool::from(code(secret, step).as_bytes().ct_eq(given.as_bytes()));
        if matches { Some(step) } else { found }
    })
}

/// The code of a step. Apps know no other hash than SHA-1, which is no weakness here: nobody can choose what is hashed.
pub(crate) fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    // RFC 4226, 5.3: the last four bits say where the number is.
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
    let number = bytes.iter().skip(offset).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 10_u32.pow(DIGITS as u32))
}

/// The secret as people type it into an app.
pub(crate) fn shown(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// What an app reads from a picture: the secret, and whose account it is for.
pub(crate) fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let (issuer, account) = (encoded(issuer), encoded(account));
    let (secret, period) = (shown(secret), STEP_MILLIS / 1000);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={period}"
    )
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// The table of RFC 6238, appendix B, whose codes have two digits more.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, step_at(seconds * 1000)), expected, "{seconds}");
        }
    }

    #[test]
    fn codes_of_the_steps_beside_are_valid_and_no_others() {
        let now = 1_700_000_010_000;
        let step = step_at(now);
        for (difference, valid) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let given = code(SECRET, step + difference);
            assert_eq!(matching_step(SECRET, &given, now), valid.then_some(step + difference), "{difference}");
        }
        let given = code(SECRET, step);
        for wrong in ["", "000", &given[1..], &format!("{given}0"), &format!(" {given}"), "١٢٣٤٥٦"] {
            assert_eq!(matching_step(SECRET, wrong, now), None, "{wrong}");
        }
        assert_eq!(matching_step(b"another secret, 20 b", &given, now), None);
        assert!(matching_step(SECRET, &code(SECRET, 0), 0).is_some());
    }

    #[test]
    fn an_app_reads_whose_secret_it_is() {
        assert_eq!(
            uri(SECRET, "Ada & Söhne", "ada.b"),
            "otpauth://totp/Ada%20%26%20S%C3%B6hne:ada%2Eb?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Ada%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
        );
    }
}
