//! The people and products of the sample data, as pure functions: the three services agree on them without a call.
//!
//! Everything follows from the lists in this folder and from a fixed seed, so every machine gets the same ids,
//! prices and dates. What a service keeps of its own (orders, stock) it makes itself, with [`Dice`].

mod dice;
mod products;
mod users;

use chrono::TimeZone;
use uuid::Uuid;

use crate::graphql::DateTime;

pub use dice::Dice;
pub use products::{SampleProduct, products};
pub use users::{PASSWORD, SampleUser, users};

/// The "today" of the sample data: nothing in it is later.
pub fn today() -> DateTime {
    chrono::Utc.timestamp_opt(1_788_220_800, 0).single().unwrap_or_default()
}

/// The id that a sample thing always has: a UUID of version 5 of its kind and name.
pub fn id(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}/{name}").as_bytes())
}

/// Any fixed UUID; this one is version 5 of the name `braid` in the URL namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0xbf12_8633_d8d8_59cb_8896_7d84_519c_74cb);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_and_names_are_unique() {
        let (users, products) = (users(), products());
        assert!(users.len() >= 300 && products.len() >= 300);
        let distinct = |keys: Vec<String>| keys.iter().collect::<HashSet<_>>().len();
        assert_eq!(distinct(users.iter().map(|user| user.username.clone()).collect()), users.len());
        assert_eq!(distinct(users.iter().map(|user| user.email.clone()).collect()), users.len());
        assert_eq!(distinct(users.iter().map(|user| user.id.to_string()).collect()), users.len());
        assert_eq!(distinct(products.iter().map(|product| product.sku.clone()).collect()), products.len());
        assert_eq!(distinct(products.iter().map(|product| product.id.to_string()).collect()), products.len());
    }

    /// Orders in a database refer to these ids: a change here would orphan them.
    #[test]
    fn ids_stay() {
        assert_eq!(users()[0].id.to_string(), "7d769ee6-ef91-527e-943e-252b5aeab1e4");
        assert_eq!(products()[0].id.to_string(), "2b8040d6-51c9-5c83-b405-96922d517d94");
        assert_eq!(today().to_rfc3339(), "2026-09-01T00:00:00+00:00");
    }
}
