//! What changed between two schemas, and whom it hurts.
