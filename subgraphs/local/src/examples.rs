//! Queries to start with, for the page and the terminal. They are similar to those in the README.

/// A query with a title.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What the query shows.
    pub title: &'static str,
    /// The collection that it belongs to.
    pub collection: &'static str,
    /// Its text.
    pub query: &'static str,
    /// Its variables, as JSON.
    pub variables: &'static str,
}

/// Signs in. The token goes into the `Authorization` header of the other queries.
pub const SIGN_IN: Example = Example {
    title: "Sign in",
    collection: "Account",
    query: include_str!("../../../schema/operations/sign-in.graphql"),
    variables: "",
};

/// Public data from two services.
pub const BEST_SELLERS: Example = Example {
    title: "Products and their sales",
    collection: "Products",
    query: include_str!("../../../schema/operations/best-sellers.graphql"),
    variables: "",
};

/// One query to all three services, with a field that is computed from another service's data.
pub const MY_ORDERS: Example = Example {
    title: "My orders",
    collection: "Orders",
    query: include_str!("../../../schema/operations/my-orders.graphql"),
    variables: "",
};

/// Orders as they change: a subscription.
pub const WATCH_MY_ORDERS: Example = Example {
    title: "Watch my orders",
    collection: "Orders",
    query: include_str!("../../../schema/operations/watch-my-orders.graphql"),
    variables: "",
};

/// All of them, in the order in which a newcomer tries them.
pub const ALL: [Example; 4] = [BEST_SELLERS, SIGN_IN, MY_ORDERS, WATCH_MY_ORDERS];
