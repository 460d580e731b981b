//! The tables of this service, one file each. They know no GraphQL and no inventory.

pub(crate) mod fulfillment;
pub(crate) mod fulfillment_line;
pub(crate) mod ledger_entry;
pub(crate) mod order;
pub(crate) mod order_event;
pub(crate) mod order_line;
pub(crate) mod order_number;
pub(crate) mod product_sales;
pub(crate) mod quote;
pub(crate) mod refund;
pub(crate) mod restock;
pub(crate) mod returns;
