use async_graphql::{EmptyMutation, EmptySubscription, ID, Object, Schema, SimpleObject};
use async_graphql_axum::GraphQL;
use axum::Router;
use axum::routing::post_service;
use tokio::net::TcpListener;

/// Something that the shop sells.
#[derive(SimpleObject)]
struct Product {
    sku: ID,
    name: String,
}

fn all_products() -> Vec<Product> {
    let product = |sku: &str, name: &str| Product { sku: sku.into(), name: name.to_owned() };
    vec![product("LAMP", "Desk lamp"), product("MUG", "Mug")]
}

struct Query;

#[Object]
impl Query {
    /// Everything that the shop sells.
    async fn products(&self) -> Vec<Product> {
        all_products()
    }

    /// A product by its SKU. The router asks this when another subgraph refers to a product.
    #[graphql(entity)]
    async fn product_by_sku(&self, sku: ID) -> Option<Product> {
        all_products().into_iter().find(|product| product.sku == sku)
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).enable_federation().finish();
    let port = std::env::var("PORT").unwrap_or_else(|_| "4001".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("products listens on port {port}");
    axum::serve(listener, Router::new().route("/graphql", post_service(GraphQL::new(schema)))).await
}
