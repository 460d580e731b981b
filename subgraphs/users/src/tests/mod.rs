//! The service on both databases. Table of contents.

mod email;
mod enumeration;
mod keys;
mod limits;
mod machine;
mod passwords;
mod queries;
mod register;
mod roles;
mod second_factor;
mod security;
mod sessions;
mod smtp;
mod start;
mod statements;
mod world;
