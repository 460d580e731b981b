//! How a code is explained.

use crate::codes::Code;

/// A code, its paragraph, and its example.
pub(super) type Entry = (Code, &'static str, &'static str);
