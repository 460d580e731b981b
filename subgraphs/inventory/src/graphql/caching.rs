//! By which tags products are thrown out of the router's cache, and what events make untrue.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Context, Name, Value};
use serde_json::json;
use service::events::Event;
use service::graphql::{EntityTags, cache_tag};
use uuid::Uuid;

/// What depends on products in general, such as a list: any change can add one to it, or remove one.
pub(super) const ANY_PRODUCT: &str = "products";

/// What depends on the product with this id.
pub(super) fn of_product(id: &str) -> String {
    format!("product-{id}")
}

/// The tags of entities.
pub(super) const ENTITY_TAGS: EntityTags = EntityTags(of_entity);

fn of_entity(representation: &IndexMap<Name, Value>) -> Vec<String> {
    match (representation.get("__typename"), representation.get("id")) {
        (Some(Value::String(ty)), Some(Value::String(id))) if ty == "Product" => vec![of_product(id)],
        // By its SKU.
        (Some(Value::String(ty)), None) if ty == "Product" => vec![ANY_PRODUCT.to_owned()],
        _ => Vec::new(),
    }
}

/// Says in the response of a mutation that a product has changed.
pub(super) fn changed(ctx: &Context<'_>, id: Uuid) {
    cache_tag(ctx, of_product(&id.to_string()));
    cache_tag(ctx, ANY_PRODUCT);
}

/// What an event of this service makes untrue: the product that its message is about, and lists.
pub fn untrue(event: &Event) -> Vec<serde_json::Value> {
    let message: serde_json::Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let Some(id) = message["id"].as_str() else { return Vec::new() };
    vec![
        json!({ "kind": "entity", "subgraph": "inventory", "type": "Product", "key": { "id": id } }),
        json!({ "kind": "cache_tag", "subgraph": "inventory", "cache_tag": of_product(id) }),
        json!({ "kind": "cache_tag", "subgraph": "inventory", "cache_tag": ANY_PRODUCT }),
    ]
}
