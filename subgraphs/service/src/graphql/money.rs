//! Money without rounding errors: an integer of minor units and a currency. Knows no exchange rates.

use std::fmt;
use std::str::FromStr;

use async_graphql::{InputObject, Object};

use super::format;
use crate::error::{Error, Result};

/// An amount of money, such as `19.99 EUR`.
///
/// A database stores it in two columns, the minor units as a 64-bit integer and the three letters of the currency:
/// SQLite would read a decimal as a float.
///
/// ```
/// use service::Money;
///
/// let price: Money = "19.99 EUR".parse().unwrap();
/// assert_eq!(price.minor(), 1999);
/// assert_eq!(price.times(3).unwrap().to_string(), "59.97 EUR");
/// assert_eq!("500 JPY".parse::<Money>().unwrap().minor(), 500);
/// assert!("19.999 EUR".parse::<Money>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// A currency by its three-letter code of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// What is wrong with an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text does not have the right form.
    #[error("`{0}` is not an amount of money; write it like `19.99 EUR`")]
    Form(String),
    /// The text has more digits than the currency has minor units.
    #[error("{currency} has at most {digits} decimal digits")]
    Digits {
        /// The currency.
        currency: Currency,
        /// The number of its decimal digits.
        digits: u32,
    },
    /// The amount is too large.
    #[error("the amount is too large")]
    Overflow,
    /// The amounts of a sum have different currencies.
    #[error("{0} and {1} can't be added")]
    Currencies(Currency, Currency),
}

impl Money {
    /// An amount in minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// An amount from its two database columns.
    pub fn from_columns(minor: i64, currency: &str) -> Result<Self, MoneyError> {
        Ok(Self::new(minor, currency.parse()?))
    }

    /// The amount zero.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units, cents for most currencies.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in decimal notation, without the currency.
    pub fn amount_text(self) -> String {
        let digits = self.currency.digits();
        let unit = 10_u64.pow(digits);
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        if digits == 0 {
            return format!("{sign}{minor}");
        }
        format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = digits as usize)
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor);
        Ok(Self::new(minor.ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The amount, multiplied.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count);
        Ok(Self::new(minor.ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The sum of amounts, which must all be of this currency.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }
}

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The dollar of the United States.
    pub const USD: Self = Self(*b"USD");

    /// The three letters.
    pub fn code(&self) -> &str {
        // Only ASCII capitals are accepted, so this is always UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many decimal digits an amount has: two, apart from the exceptions in ISO 4217.
    pub const fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(MoneyError::Form(text.to_owned())),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount_text(), self.currency)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let form = || MoneyError::Form(text.to_owned());
        let (amount, currency) = text.split_once(' ').ok_or_else(form)?;
        let currency: Currency = currency.parse().map_err(|_| form())?;
        let (negative, amount) = match amount.strip_prefix('-') {
            Some(amount) => (true, amount),
            None => (false, amount),
        };
        let (whole, fraction) = match amount.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(form()),
            None => (amount, ""),
        };
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let digits = currency.digits();
        if fraction.len() > digits as usize {
            return Err(MoneyError::Digits { currency, digits });
        }
        // Built with its sign, so that the lowest 64-bit integer can be read too.
        let padding = std::iter::repeat_n(b'0', digits as usize - fraction.len());
        let minor = whole
            .bytes()
            .chain(fraction.bytes())
            .chain(padding)
            .try_fold(0_i64, |minor, digit| {
                let digit = i64::from(digit - b'0');
                minor.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
            })
            .ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, currency))
    }
}

/// An amount of money. Never a float: compute with the text of `amount`.
#[Object(shareable)]
impl Money {
    /// The amount in decimal notation, such as `19.99`, with as many decimal digits as the currency has.
    async fn amount(&self) -> String {
        self.amount_text()
    }

    /// The currency by its code of ISO 4217, such as `EUR`.
    #[graphql(name = "currency")]
    async fn currency_code(&self) -> &str {
        self.currency.code()
    }

    /// The amount as people write it, such as `€19.99` in English or `19,99 €` in German.
    async fn formatted(
        &self,
        #[graphql(desc = "The reader's language, such as `de` or `pt-BR` (BCP 47).", default = "en")] locale: String,
    ) -> Option<Result<String>> {
        Some(format::formatted(*self, &locale))
    }
}

/// An amount of money.
#[derive(Debug, Clone, InputObject)]
pub struct MoneyInput {
    /// The amount in decimal notation, such as `19.99`.
    amount: String,
    /// The currency by its code of ISO 4217, such as `EUR`.
    currency: String,
}

impl MoneyInput {
    /// The amount. An error if it is none names the argument by its path, such as `["input", "price"]`.
    pub fn read<P: Into<String>>(&self, path: impl IntoIterator<Item = P>) -> Result<Money> {
        let text = format!("{} {}", self.amount, self.currency);
        text.parse()
            .map_err(|error: MoneyError| Error::bad_input(format!("This amount can't be used: {error}.")).at(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_without_loss() {
        for text in [
            "0.00 EUR",
            "19.99 EUR",
            "-0.05 USD",
            "500 JPY",
            "1.234 KWD",
            "92233720368547758.07 EUR",
            "-92233720368547758.08 EUR",
            "-9223372036854775808 JPY",
        ] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn reads_fewer_digits_than_the_currency_has() {
        assert_eq!("5 EUR".parse::<Money>().unwrap().minor(), 500);
        assert_eq!("5.5 EUR".parse::<Money>().unwrap().minor(), 550);
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in [
            "",
            "5",
            "EUR",
            "5 eur",
            "5 EURO",
            "5. EUR",
            ".5 EUR",
            "5,00 EUR",
            "+5 EUR",
            "--5 EUR",
            "5.001 EUR",
            "5.0 JPY",
            "1e3 EUR",
            " 5 EUR",
            "5  EUR",
            "٥ EUR",
            "92233720368547758.08 EUR",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(most.plus(Money::new(1, Currency::EUR)), Err(MoneyError::Overflow));
        assert_eq!(most.times(2), Err(MoneyError::Overflow));
        assert_eq!(
            Money::zero(Currency::EUR).plus(Money::zero(Currency::USD)),
            Err(MoneyError::Currencies(Currency::EUR, Currency::USD))
        );
        let cents = [1, 2, 3].map(|minor| Money::new(minor, Currency::EUR));
        assert_eq!(Money::sum(cents, Currency::EUR), Ok(Money::new(6, Currency::EUR)));
    }
}
