//! Queries to start from, for the page and for the terminal. They are the ones that the README shows.

/// A query, what it shows, and whether it needs a token.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it shows.
    pub title: &'static str,
    /// Its text.
    pub query: &'static str,
    /// Its variables, as JSON.
    pub variables: &'static str,
}

/// Signing in: its token goes into the `Authorization` header of the others.
pub const SIGN_IN: Example =
    Example { title: "Sign in", query: include_str!("../../../schema/operations/sign-in.graphql"), variables: "" };

/// What everyone may see, from two services.
pub const BEST_SELLERS: Example = Example {
    title: "Products and their sales",
    query: include_str!("../../../schema/operations/best-sellers.graphql"),
    variables: "",
};

/// One query over all three services, with a field that is computed from another service's.
pub const MY_ORDERS: Example =
    Example { title: "My orders", query: include_str!("../../../schema/operations/my-orders.graphql"), variables: "" };

/// All of them, in the order in which a newcomer tries them.
pub const ALL: [Example; 3] = [BEST_SELLERS, SIGN_IN, MY_ORDERS];
