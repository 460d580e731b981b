//! An amount of money as people of a language write it. Knows no exchange rates.

use std::str::FromStr;

use fixed_decimal::Decimal;
use icu_decimal::DecimalFormatter;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;

use super::money::Money;
use crate::error::{Error, Result};

/// The amount as the language writes it. An error if the locale is none; a language without rules of its own is written like the root of all languages.
pub(super) fn formatted(money: Money, locale: &str) -> Result<String> {
    let not_one = || {
        let shown: String = locale.chars().take(35).collect();
        Error::bad_input(format!("`{shown}` is not a locale; write one like `de` or `pt-BR`."))
    };
    let locale = Locale::from_str(locale).map_err(|_| not_one())?;
    let formatter = DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default())
        .map_err(|error| Error::internal(anyhow::Error::new(error)))?;
    let digits = i16::try_from(money.currency().digits()).unwrap_or_default();
    let mut amount = Decimal::from(money.minor().unsigned_abs());
    amount.multiply_pow10(-digits);
    amount.pad_end(-digits);
    let number = formatter.format(&amount).to_string();
    let sign = if money.minor() < 0 { "-" } else { "" };
    let currency = money.currency();
    let symbol = symbol(currency.code());
    // A code needs a space where a symbol needs none.
    let gap = if symbol.is_some() { "" } else { SPACE };
    let shown = symbol.unwrap_or_else(|| currency.code());
    Ok(match Place::of(&locale) {
        Place::Before => format!("{sign}{shown}{gap}{number}"),
        Place::BeforeWithSpace => format!("{sign}{shown}{SPACE}{number}"),
        Place::After => format!("{sign}{number}{SPACE}{shown}"),
    })
}

/// A space at which no line is broken.
const SPACE: &str = "\u{a0}";

/// Where a language writes the currency.
enum Place {
    Before,
    BeforeWithSpace,
    After,
}

impl Place {
    fn of(locale: &Locale) -> Self {
        let region = locale.id.region.as_ref().map(|region| region.as_str());
        match (locale.id.language.as_str(), region) {
            ("en" | "ja" | "ko" | "th" | "tr" | "zh" | "hi" | "id", _) | ("es", Some("MX" | "US")) => Self::Before,
            ("nl" | "nb" | "nn", _) | ("pt", None | Some("BR")) | ("de", Some("AT" | "CH" | "LI")) => {
                Self::BeforeWithSpace
            }
            _ => Self::After,
        }
    }
}

/// The symbols that are understood everywhere; any other currency is written by its code.
fn symbol(code: &str) -> Option<&'static str> {
    Some(match code {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        "INR" => "₹",
        "KRW" => "₩",
        "BRL" => "R$",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_language_does() {
        for (money, locale, expected) in [
            ("1234.50 EUR", "en", "€1,234.50"),
            ("1234567.50 EUR", "de", "1.234.567,50\u{a0}€"),
            ("-0.05 EUR", "de-AT", "-€\u{a0}0,05"),
            ("500 JPY", "ja", "¥500"),
            ("1234.50 BRL", "pt-BR", "R$\u{a0}1.234,50"),
            ("1.234 KWD", "en", "KWD\u{a0}1.234"),
            ("92233720368547758.07 USD", "en", "$92,233,720,368,547,758.07"),
        ] {
            assert_eq!(formatted(money.parse().unwrap(), locale).unwrap(), expected, "{money} {locale}");
        }
    }

    #[test]
    fn a_text_that_is_no_locale_is_refused_and_an_unknown_language_is_not() {
        let money: Money = "1.00 EUR".parse().unwrap();
        assert!(formatted(money, "tlh").is_ok());
        for locale in ["", "not a locale", "de_", "\u{202e}", &"x".repeat(1 << 20)] {
            let error = formatted(money, locale).unwrap_err();
            assert!(error.to_string().len() < 200, "{locale:.40}");
        }
    }
}
