//! What the three services share: configuration, database, HTTP, health, shutdown.
