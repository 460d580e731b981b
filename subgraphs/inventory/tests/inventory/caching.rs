//! What responses say of caching, and what events tell the router.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_graphql::{CacheControl, Request, Variables};
use serde_json::{Value, json};
use service::Viewer;
use service::config::CacheConfig;
use service::events::Invalidator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, admin, bare, money, mutation_of, on_each};

impl Shop {
    /// Whether a response may be kept by everybody and for how many seconds, and its extensions.
    async fn caching(&self, viewer: Viewer, query: &str, variables: Value) -> (bool, i32, Value) {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        let response = self.schema.execute(request).await;
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        let CacheControl { public, max_age } = response.cache_control;
        (public, max_age, serde_json::to_value(response.extensions).unwrap())
    }
}

#[tokio::test]
async fn products_are_public_for_a_minute_under_their_tags() {
    on_each(|shop| async move {
        let (id, other) = (shop.product("TAG-1", &[]).await, shop.product("TAG-2", &[]).await);
        let tag = format!("product-{}", bare(&id));
        let product = "query($sku: String!) { product(by: { sku: $sku }) { name stockLevels { warehouse { code } } } }";
        let found = shop.caching(Viewer::Anonymous, product, json!({ "sku": "TAG-1" })).await;
        assert_eq!(found, (true, 60, json!({ "cacheTags": [tag, "structure"] })));
        let none = shop.caching(Viewer::Anonymous, product, json!({ "sku": "TAG-9" })).await;
        assert_eq!(none, (true, 60, json!({ "cacheTags": ["products", "structure"] })));
        let list = shop.caching(Viewer::Anonymous, "{ products(first: 2) { nodes { sku } } }", json!({})).await;
        assert_eq!(list, (true, 60, json!({ "cacheTags": ["products", "structure"] })));
        let cost = shop.caching(admin(), "{ product(by: { sku: \"TAG-1\" }) { cost { amount } } }", json!({})).await;
        assert!(!cost.0, "{cost:?}");

        let entities = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Product { name } } }";
        let of = json!([
            { "__typename": "Product", "id": id }, { "__typename": "Product", "sku": "TAG-2" }, { "__typename": "Product", "id": other },
        ]);
        let found = shop.caching(Viewer::Anonymous, entities, json!({ "of": of })).await;
        let other = format!("product-{}", bare(&other));
        let tags = json!([[tag, "structure"], ["products", "structure"], [other, "structure"]]);
        assert_eq!(found, (true, 60, json!({ "entityCacheTags": tags })));
    })
    .await;
}

#[tokio::test]
async fn what_node_finds_is_not_kept() {
    on_each(|shop| async move {
        let product = shop.product("TAG-1", &[3]).await;
        let query = "query($id: ID!) { node(id: $id) { ... on Product { name } ... on StockMovement { kind } } }";
        let movements = "{ product(by: { sku: \"TAG-1\" }) { stockMovements(first: 1) { nodes { id } } } }";
        let found = shop.data(admin(), movements, json!({})).await;
        let movement = found["product"]["stockMovements"]["nodes"][0]["id"].as_str().unwrap();
        for id in [product.as_str(), movement, "StockMovement_00000000000040008000000000000000"] {
            let (_, max_age, tags) = shop.caching(admin(), query, json!({ "id": id })).await;
            assert_eq!((max_age, tags), (-1, json!({})), "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn mutations_say_what_they_make_untrue() {
    on_each(|shop| async move {
        let id = shop.product("TAG-1", &[3]).await;
        let own = format!("product-{}", bare(&id));
        let place = shop.warehouses().await.remove(0);
        let count = json!({ "idempotencyKey": "c", "productId": id, "warehouseId": place, "quantity": 3 });
        let image = json!({ "id": id, "images": [{ "url": "https://img.example/1.png" }] });
        let category = shop.category("tools").await;
        for (mutation, input, tags) in [
            ("updateProduct", json!({ "id": id, "price": money("1.00") }), json!([own, "products"])),
            ("updateProduct", image, json!([own, "products"])),
            ("discontinueProduct", json!({ "id": id }), json!([own, "products"])),
            ("countStock", count, json!([own, "products"])),
            ("updateCategory", json!({ "id": category, "name": "Gear" }), json!(["products", "structure"])),
            ("updateWarehouse", json!({ "id": place, "name": "New" }), json!(["products", "structure"])),
        ] {
            let query = mutation_of(mutation, "");
            let found = shop.caching(admin(), &query, json!({ "input": input })).await;
            assert_eq!(found, (true, 0, json!({ "cacheTags": tags })), "{mutation}");
        }
    })
    .await;
}

/// Takes requests one after the other, refuses the first ones, and keeps their bodies.
async fn router(refuse: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/invalidation", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let taken = bodies.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                stream.read_buf(&mut request).await.unwrap();
            }
            let request = String::from_utf8(request).unwrap();
            assert!(request.to_ascii_lowercase().contains("authorization: bearer s3cret\r\n"), "{request}");
            taken.lock().unwrap().push(request.split_once("\r\n\r\n").unwrap().1.to_owned());
            let status = if number < refuse { "503 Service Unavailable" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, bodies)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_is_told_of_changes_until_it_has_understood() {
    on_each(|shop| async move {
        let (url, bodies) = router(2).await;
        let id = shop.product("TAG-1", &[3]).await;
        let category = shop.category("tools").await;
        shop.change("updateCategory", json!({ "id": category, "name": "Gear" }), "category { id }").await;
        let config = CacheConfig { invalidation_url: Some(url), invalidation_secret: Some("s3cret".to_owned()) };
        let events = shop.events.clone().with_invalidator(Invalidator::open(&config, inventory::untrue).unwrap());
        let stop = CancellationToken::new();
        let relay = {
            let relay = service::events::Relay::new(shop.database.clone(), events, &service::Metrics::new("test"));
            tokio::spawn(relay.run(stop.clone()))
        };
        let told = async {
            while bodies.lock().unwrap().len() < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("it tries again");
        let bodies = bodies.lock().unwrap().clone();
        // Nothing is lost, and nothing is forgotten before it is understood.
        assert_eq!((&bodies[0], &bodies[1]), (&bodies[2], &bodies[2]));
        let entity = json!({ "kind": "entity", "subgraph": "inventory", "type": "Product", "key": { "id": id } });
        let items: Vec<Value> = serde_json::from_str(&bodies[2]).unwrap();
        assert!(items.contains(&entity), "{items:?}");
        // A product shows the name of its category.
        let categories = json!({ "kind": "type", "subgraph": "inventory", "type": "Category" });
        let structure = json!({ "kind": "cache_tag", "subgraph": "inventory", "cache_tag": "structure" });
        assert!(items.contains(&categories) && items.contains(&structure), "{items:?}");
        stop.cancel();
        relay.await.unwrap();
    })
    .await;
}
