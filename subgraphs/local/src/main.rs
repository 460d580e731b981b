//! The whole federation on this machine, in one process.

fn main() {}
