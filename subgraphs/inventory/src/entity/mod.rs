//! The tables of inventory, one file each. Knows no rule about their contents.

pub(crate) mod allocation;
pub(crate) mod category;
pub(crate) mod product;
pub(crate) mod product_image;
pub(crate) mod product_option;
pub(crate) mod product_terms;
pub(crate) mod reservation;
pub(crate) mod reservation_line;
pub(crate) mod stock;
pub(crate) mod stock_movement;
pub(crate) mod stock_request;
pub(crate) mod warehouse;
