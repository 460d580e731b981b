//! The tables of inventory, one file each. Knows no rule about their contents.

pub(crate) mod allocation;
pub(crate) mod product;
pub(crate) mod product_word;
pub(crate) mod reservation;
pub(crate) mod reservation_line;
pub(crate) mod stock;
pub(crate) mod warehouse;
