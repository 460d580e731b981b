//! The shared room as a service sees it. Table of contents.

mod auth;
mod database;
mod http;
mod world;
