//! Stock as a ledger: what moves it, that a key moves it once, and that the database itself refuses a stock that is not the sum.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::shop::{Shop, admin, on_each};

const MOVED: &str = "product { stock } movements { kind delta onHand reason actor idempotencyKey warehouse { code } }";

fn input(key: &str, product: &str, warehouse: &str, more: Value) -> Value {
    let mut input = json!({ "idempotencyKey": key, "productId": product, "warehouseId": warehouse });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn transfer(key: &str, product: &str, from: &str, to: &str, quantity: i32) -> Value {
    json!({ "idempotencyKey": key, "productId": product, "fromWarehouseId": from, "toWarehouseId": to, "quantity": quantity })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_a_line_of_the_ledger() {
    on_each(|shop| async move {
        let (id, places) = (shop.product("LED-1", &[]).await, shop.warehouses().await);
        let note = json!({ "quantity": 10, "reason": "delivery 7" });
        let received = shop.change("receiveStock", input("r", &id, &places[0], note), MOVED).await;
        let expected = json!([{
            "kind": "RECEIPT", "delta": 10, "onHand": 10, "reason": "delivery 7", "actor": "1", "idempotencyKey": "r",
            "warehouse": { "code": "BER" },
        }]);
        assert_eq!((&received["product"]["stock"], &received["movements"]), (&json!(10), &expected));
        let lost = input("a", &id, &places[0], json!({ "delta": -3, "reason": "broken" }));
        assert_eq!(shop.change("adjustStock", lost, MOVED).await["product"]["stock"], 7);
        shop.change("transferStock", transfer("t", &id, &places[0], &places[1], 2), MOVED).await;
        let counted = shop.change("countStock", input("c", &id, &places[1], json!({ "quantity": 3 })), MOVED).await;
        assert_eq!(counted["movements"][0]["delta"], 1);
        shop.reserve("order", &[(&id, 4)]).await;
        shop.commit("order").await;
        shop.release("order").await;
        assert_eq!(shop.differences().await, 0);

        let query = "query($id: ID!, $after: String) { product(by: { id: $id }) {
          stock stockLevels { onHand reserved quantity }
          stockMovements(first: 5, after: $after) { totalCount nodes { kind delta onHand idempotencyKey } pageInfo { hasNextPage endCursor } }
        } }";
        let first = shop.data(admin(), query, json!({ "id": id })).await["product"].take();
        assert_eq!(first["stock"], 8);
        assert_eq!(first["stockMovements"]["totalCount"], 7);
        let after = &first["stockMovements"]["pageInfo"]["endCursor"];
        let second = shop.data(admin(), query, json!({ "id": id, "after": after })).await["product"].take();
        assert_eq!(second["stockMovements"]["pageInfo"]["hasNextPage"], false);
        let kinds: Vec<&Value> = [&first, &second]
            .iter()
            .flat_map(|page| page["stockMovements"]["nodes"].as_array().unwrap())
            .map(|movement| &movement["kind"])
            .collect();
        assert_eq!(kinds, ["RETURN", "SALE", "COUNT", "TRANSFER_IN", "TRANSFER_OUT", "ADJUSTMENT", "RECEIPT"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_moves_once_and_only_the_same() {
    on_each(|shop| async move {
        let (id, places) = (shop.product("KEY-1", &[]).await, shop.warehouses().await);
        let same = (0..8).map(|_| {
            let (shop, input) = (shop.clone(), input("k", &id, &places[0], json!({ "quantity": 5 })));
            tokio::spawn(async move { shop.change("receiveStock", input, MOVED).await["movements"].take() })
        });
        let mut answers = Vec::new();
        for answer in same.collect::<Vec<_>>() {
            answers.push(answer.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(shop.stock(&id).await, 5);
        let conflict = ("CONFLICT".to_owned(), json!(["input", "idempotencyKey"]));
        for (mutation, other) in [
            ("receiveStock", input("k", &id, &places[0], json!({ "quantity": 6 }))),
            ("receiveStock", input("k", &id, &places[1], json!({ "quantity": 5 }))),
            ("receiveStock", input("k", &id, &places[0], json!({ "quantity": 5, "reason": "x" }))),
            ("countStock", input("k", &id, &places[0], json!({ "quantity": 5 }))),
        ] {
            assert_eq!(shop.mistake(mutation, other).await, conflict);
        }
        // What failed has not used its key.
        let lost = |delta: i32| input("f", &id, &places[0], json!({ "delta": delta, "reason": "lost" }));
        assert_eq!(shop.mistake("adjustStock", lost(-6)).await.0, "CONFLICT");
        shop.change("adjustStock", lost(-5), MOVED).await;
        assert_eq!((shop.stock(&id).await, shop.differences().await), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_units_stay_and_bad_changes_are_refused_by_field() {
    on_each(|shop| async move {
        let (id, places) = (shop.product("BAD-1", &[5]).await, shop.warehouses().await);
        shop.reserve("order", &[(&id, 4)]).await;
        let place = &places[0];
        let nowhere = "Warehouse_00000000000000000000000000000000";
        let at = |code: &str, field: &str| (code.to_owned(), json!(["input", field]));
        for (mutation, input, expected) in [
            ("adjustStock", input("1", &id, place, json!({ "delta": -2, "reason": "r" })), at("CONFLICT", "delta")),
            (
                "adjustStock",
                input("1", &id, place, json!({ "delta": i32::MIN, "reason": "r" })),
                at("BAD_USER_INPUT", "delta"),
            ),
            (
                "adjustStock",
                input("1", &id, place, json!({ "delta": 0, "reason": "r" })),
                at("BAD_USER_INPUT", "delta"),
            ),
            (
                "adjustStock",
                input("1", &id, place, json!({ "delta": 1, "reason": " " })),
                at("BAD_USER_INPUT", "reason"),
            ),
            (
                "adjustStock",
                input("1", &id, place, json!({ "delta": 1, "reason": "x".repeat(501) })),
                at("BAD_USER_INPUT", "reason"),
            ),
            ("countStock", input("1", &id, place, json!({ "quantity": 3 })), at("CONFLICT", "quantity")),
            ("countStock", input("1", &id, place, json!({ "quantity": -1 })), at("BAD_USER_INPUT", "quantity")),
            ("receiveStock", input("1", &id, place, json!({ "quantity": 0 })), at("BAD_USER_INPUT", "quantity")),
            ("receiveStock", input("1", &id, place, json!({ "quantity": i32::MAX })), at("BAD_USER_INPUT", "quantity")),
            ("receiveStock", input("", &id, place, json!({ "quantity": 1 })), at("BAD_USER_INPUT", "idempotencyKey")),
            (
                "receiveStock",
                input(&"k".repeat(201), &id, place, json!({ "quantity": 1 })),
                at("BAD_USER_INPUT", "idempotencyKey"),
            ),
            ("receiveStock", input("1", &id, nowhere, json!({ "quantity": 1 })), at("NOT_FOUND", "warehouseId")),
            ("receiveStock", input("1", &id, &id, json!({ "quantity": 1 })), at("NOT_FOUND", "warehouseId")),
            ("receiveStock", input("1", place, place, json!({ "quantity": 1 })), at("NOT_FOUND", "productId")),
            ("transferStock", transfer("1", &id, place, &places[1], 2), at("CONFLICT", "quantity")),
            ("transferStock", transfer("1", &id, place, place, 1), at("BAD_USER_INPUT", "toWarehouseId")),
            ("transferStock", transfer("1", &id, place, nowhere, 1), at("NOT_FOUND", "toWarehouseId")),
        ] {
            assert_eq!(shop.mistake(mutation, input.clone()).await, expected, "{mutation} {input}");
        }
        // The most that a warehouse can have of a product is what GraphQL can show.
        let much = |key: &str| input(key, &id, place, json!({ "quantity": 1_000_000_000 }));
        shop.change("receiveStock", much("m1"), MOVED).await;
        shop.change("receiveStock", much("m2"), MOVED).await;
        assert_eq!(shop.mistake("receiveStock", much("m3")).await, at("CONFLICT", "quantity"));
        assert_eq!(shop.differences().await, 0);
    })
    .await;
}

/// Whoever writes to the database by hand can't make the stock differ from the sum of its movements.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_is_not_the_sum() {
    on_each(|shop| async move {
        shop.product("SUM-1", &[5, 7]).await;
        for (statement, refused) in [
            ("UPDATE stock SET on_hand = on_hand + 1", true),
            ("UPDATE stock SET position = position + 1", true),
            ("UPDATE stock SET reserved = on_hand + 1", true),
            ("UPDATE stock SET reserved = -1", true),
            ("UPDATE stock_movements SET quantity_after = quantity_after + 1, delta = delta + 1", true),
            ("UPDATE stock_movements SET delta = delta + 1", true),
            ("UPDATE stock_movements SET position = 2", true),
            ("DELETE FROM stock_movements", true),
            ("UPDATE stock SET on_hand = on_hand", false),
        ] {
            let done = shop.database.reader().execute_unprepared(statement).await;
            assert_eq!(done.is_err(), refused, "{statement}: {done:?}");
        }
        assert_eq!(shop.differences().await, 0);
    })
    .await;
}

impl Shop {
    /// How many units each warehouse can ship, by code.
    pub(crate) async fn levels(&self, product: &str) -> Vec<i64> {
        let query = "query($id: ID!) { product(by: { id: $id }) { stockLevels { quantity warehouse { code } } } }";
        let found = self.data(admin(), query, json!({ "id": product })).await;
        let mut levels: Vec<_> = found["product"]["stockLevels"].as_array().unwrap().clone();
        levels.sort_by_key(|level| level["warehouse"]["code"].to_string());
        levels.iter().map(|level| level["quantity"].as_i64().unwrap()).collect()
    }
}
