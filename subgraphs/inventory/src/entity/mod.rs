//! The tables of this service, one file each. They know no GraphQL.

pub(crate) mod product;
pub(crate) mod reservation;
pub(crate) mod reservation_line;
pub(crate) mod stock;
pub(crate) mod warehouse;
