//! Runs query plans: compiled shapes, slots, and response bytes.
