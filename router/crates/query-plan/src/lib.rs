//! The query plan as a value, and how it prints.
