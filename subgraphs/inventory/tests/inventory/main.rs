//! The inventory subgraph against both databases. Table of contents; the harness is in `shop`.

mod administration;
mod concurrency;
mod entities;
mod listing;
mod reservations;
mod shop;
mod start;
