//! Where an order is sent. Knows which parts an address must have, not whether the place exists.

use async_graphql::SimpleObject;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use service::{Error, Result};

/// Where an order is sent, as the buyer wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[graphql(name = "ShippingAddress")]
pub(crate) struct Address {
    /// Who receives it.
    pub(crate) name: String,
    /// The street and the number.
    pub(crate) line1: String,
    /// What more the carrier needs, such as a floor.
    pub(crate) line2: Option<String>,
    /// The postal code, in countries that have them.
    pub(crate) postal_code: Option<String>,
    /// The city.
    pub(crate) city: String,
    /// The state, province or region, in countries where an address has one.
    pub(crate) region: Option<String>,
    /// The country by its two letters of ISO 3166-1, such as `DE`.
    pub(crate) country_code: String,
    /// For the carrier.
    pub(crate) phone: Option<String>,
}

/// More is no address, and would not fit on a label.
const MAX_CHARS: usize = 200;

impl Address {
    /// The address, trimmed. An error names the part that can't be used, below `path`.
    pub(crate) fn checked(self, path: &[&str]) -> Result<Self> {
        let required = |field: &str, value: String| part(path, field, Some(value))?.ok_or_else(|| missing(path, field));
        let optional = |field: &str, value: Option<String>| part(path, field, value);
        Ok(Self {
            name: required("name", self.name)?,
            line1: required("line1", self.line1)?,
            line2: optional("line2", self.line2)?,
            postal_code: optional("postalCode", self.postal_code)?,
            city: required("city", self.city)?,
            region: optional("region", self.region)?,
            country_code: country(path, &self.country_code)?,
            phone: optional("phone", self.phone)?,
        })
    }
}

fn part(path: &[&str], field: &str, value: Option<String>) -> Result<Option<String>> {
    let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.chars().count() > MAX_CHARS {
        return Err(at(path, field, format!("This part of an address may have at most {MAX_CHARS} characters.")));
    }
    if value.chars().any(char::is_control) {
        return Err(at(path, field, "A part of an address is one line, without control characters."));
    }
    Ok(Some(value.to_owned()))
}

fn country(path: &[&str], code: &str) -> Result<String> {
    let code = code.trim();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code.to_owned());
    }
    Err(at(path, "countryCode", "Write the country as two capital letters (ISO 3166-1), such as `DE`."))
}

fn missing(path: &[&str], field: &str) -> Error {
    at(path, field, "An address needs this part.")
}

fn at(path: &[&str], field: &str, message: impl Into<String>) -> Error {
    Error::bad_input(message).at(path.iter().copied().chain([field]))
}

#[cfg(test)]
pub(crate) fn somewhere() -> Address {
    Address {
        name: "Grace Hopper".to_owned(),
        line1: "Lange Str. 7".to_owned(),
        line2: None,
        postal_code: Some("10115".to_owned()),
        city: "Berlin".to_owned(),
        region: None,
        country_code: "DE".to_owned(),
        phone: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl Fn(&mut Address), wrong: Option<&str>) {
        let mut address = somewhere();
        change(&mut address);
        let field = match address.checked(&["input", "shippingAddress"]) {
            Ok(_) => None,
            Err(Error::Caller { field, .. }) => field.map(|field| field.join(".")),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(field, wrong.map(|wrong| format!("input.shippingAddress.{wrong}")));
    }

    #[test]
    fn parts_are_one_line_and_have_an_end() {
        check(|_| {}, None);
        check(|a| a.name = "محمد 🏠 \u{202e}abc".to_owned(), None);
        check(|a| a.city = "é".repeat(MAX_CHARS), None);
        check(|a| a.city = "é".repeat(MAX_CHARS + 1), Some("city"));
        check(|a| a.name = "  ".to_owned(), Some("name"));
        check(|a| a.line1 = "a\nb".to_owned(), Some("line1"));
        check(|a| a.line2 = Some("a\u{0}b".to_owned()), Some("line2"));
        for country in ["", "de", "DEU", "D1", "ÄÖ"] {
            check(|a| a.country_code = country.to_owned(), Some("countryCode"));
        }
    }
}
