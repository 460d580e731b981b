//! Sample identities that the three services agree on without calling one another. Filled in below.
