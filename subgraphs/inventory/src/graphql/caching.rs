//! By which tags products are thrown out of the router's cache, and what events make untrue.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Context, Name, Value};
use serde_json::json;
use service::events::Event;
use service::graphql::{EntityTags, cache_tag, id};
use uuid::Uuid;

/// What depends on products in general, such as a list: any change can add one to it, or remove one.
pub(super) const ANY_PRODUCT: &str = "products";

/// What shows categories or warehouses, or may do so because it is of a product. They change rarely.
pub(super) const STRUCTURE: &str = "structure";

/// What depends on the product with this id.
pub(super) fn of_product(id: Uuid) -> String {
    format!("product-{id}")
}

/// The tags of entities.
pub(super) const ENTITY_TAGS: EntityTags = EntityTags(of_entity);

fn of_entity(representation: &IndexMap<Name, Value>) -> Vec<String> {
    let text = |name: &str| match representation.get(name) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let own = match (text("__typename"), text("id")) {
        (Some("Product"), Some(found)) => id::parse("Product", found).map(of_product),
        // By its SKU; and a category has a list of products.
        (Some("Product"), None) | (Some("Category"), _) => Some(ANY_PRODUCT.to_owned()),
        _ => None,
    };
    own.into_iter().chain([STRUCTURE.to_owned()]).collect()
}

/// Says in the response of a mutation that a product has changed.
pub(super) fn changed(ctx: &Context<'_>, id: Uuid) {
    cache_tag(ctx, of_product(id));
    cache_tag(ctx, ANY_PRODUCT);
}

/// Says in the response of a mutation that a category or a warehouse has changed.
pub(super) fn structure_changed(ctx: &Context<'_>) {
    cache_tag(ctx, STRUCTURE);
    cache_tag(ctx, ANY_PRODUCT);
}

/// What an event of this service makes untrue: what its message is about, and lists.
pub fn untrue(event: &Event) -> Vec<serde_json::Value> {
    let message: serde_json::Value = serde_json::from_str(&event.payload).unwrap_or_default();
    let id = message["id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
    let tag = |tag: &str| json!({ "kind": "cache_tag", "subgraph": "inventory", "cache_tag": tag });
    let all_of = |ty: &str| json!({ "kind": "type", "subgraph": "inventory", "type": ty });
    match (event.subject.split('.').next(), id) {
        (Some("products" | "stock"), Some(product)) => {
            let key = json!({ "id": id::global("Product", product) });
            vec![
                json!({ "kind": "entity", "subgraph": "inventory", "type": "Product", "key": key }),
                tag(&of_product(product)),
                tag(ANY_PRODUCT),
            ]
        }
        (Some("products"), None) => vec![all_of("Product"), tag(ANY_PRODUCT)],
        (Some("categories"), _) => vec![all_of("Category"), tag(STRUCTURE), tag(ANY_PRODUCT)],
        (Some("warehouses"), _) => vec![all_of("Warehouse"), tag(STRUCTURE)],
        _ => Vec::new(),
    }
}
