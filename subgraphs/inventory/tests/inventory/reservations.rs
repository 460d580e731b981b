//! The contract that orders relies on: each step has its effect once per key, even if calls are repeated, late or out of order.

use serde_json::{Value, json};
use service::Viewer;

use super::shop::{COMMIT, RESERVE, Shop, TAKE_BACK, admin, customer, money, on_each, reserve_variables};

#[tokio::test(flavor = "multi_thread")]
async fn reserve_commit_release_each_once() {
    on_each(|shop| async move {
        let (a, b) = (shop.product("RES-A", &[4, 3]).await, shop.product("RES-B", &[10]).await);
        let lines = [(a.as_str(), 6), (b.as_str(), 1)];
        let held = shop.reserve("key", &lines).await;
        assert_eq!((&held["__typename"], &held["status"]), (&json!("StockReservation"), &json!("HELD")));
        assert_eq!(held["idempotencyKey"], "key");
        assert_eq!(held["expiresAt"], Value::Null);
        let mut quantities: Vec<_> = held["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| {
                (line["product"]["id"].as_str().unwrap(), line["quantity"].as_i64().unwrap(), &line["unitPrice"])
            })
            .collect();
        quantities.sort_by_key(|line| line.0);
        let price = json!({ "amount": "12.50", "currency": "EUR" });
        let mut expected = [(a.as_str(), 6, &price), (b.as_str(), 1, &price)];
        expected.sort_by_key(|line| line.0);
        assert_eq!(quantities, expected);
        check_stock(&shop, &a, 1, 6).await;

        // A repeated call has the same result, also with the lines in another order.
        assert_eq!(shop.reserve("key", &[(b.as_str(), 1), (a.as_str(), 2), (a.as_str(), 4)]).await, held);
        check_stock(&shop, &a, 1, 6).await;

        for _ in 0..2 {
            let committed = shop.commit("key").await;
            assert_eq!((&committed["status"], &committed["id"]), (&json!("COMMITTED"), &held["id"]));
            assert_eq!(committed["expiresAt"], Value::Null);
        }
        assert_eq!(shop.reserve("key", &lines).await["status"], "COMMITTED");
        check_stock(&shop, &a, 1, 6).await;

        for _ in 0..2 {
            let released = shop.release("key").await;
            assert_eq!((&released["status"], &released["id"]), (&json!("RELEASED"), &held["id"]));
            check_stock(&shop, &a, 7, 0).await;
        }
        assert_eq!(shop.commit("key").await["__typename"], "ReservationClosed");
        assert_eq!(shop.reserve("key", &lines).await["__typename"], "ReservationClosed");
        check_stock(&shop, &a, 7, 0).await;
        assert_eq!(shop.levels(&a).await, [4, 3]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_what_was_sold_is_taken_back_once() {
    on_each(|shop| async move {
        let (a, b) = (shop.product("BACK-A", &[4, 3]).await, shop.product("BACK-B", &[10]).await);
        shop.reserve("sold", &[(&a, 6), (&b, 1)]).await;
        assert_eq!(shop.take_back("1", "sold", &[(&a, 1)]).await, "CONFLICT", "it is held, not sold");
        shop.commit("sold").await;
        for _ in 0..2 {
            assert_eq!(shop.take_back("1", "sold", &[(&a, 2), (&a, 3)]).await, "StockReservation");
            assert_eq!(shop.stock(&a).await, 6);
        }
        assert_eq!(shop.take_back("1", "sold", &[(&a, 1)]).await, "CONFLICT", "the key is used");
        assert_eq!(shop.take_back("2", "sold", &[(&a, 1), (&b, 2)]).await, "CONFLICT", "one of b is sold");
        assert_eq!(shop.take_back("2", "sold", &[(&a, 2)]).await, "CONFLICT", "one of a is left");
        assert_eq!(shop.take_back("2", "other", &[(&a, 1)]).await, "NOT_FOUND");
        for (key, lines) in [("", &[(a.as_str(), 1)][..]), ("2", &[]), ("2", &[(&a, 0)]), ("2", &[("nonsense", 1)])] {
            assert_eq!(shop.take_back(key, "sold", lines).await, "BAD_USER_INPUT");
        }
        // What failed has not used the key.
        assert_eq!(shop.take_back("2", "sold", &[(&b, 1)]).await, "StockReservation");
        // All that is left comes back by a release, and no more after that.
        shop.release("sold").await;
        assert_eq!(shop.levels(&a).await, [4, 3]);
        assert_eq!(shop.stock(&b).await, 10);
        for key in ["1", "3"] {
            let lines = if key == "1" { [(a.as_str(), 5)] } else { [(a.as_str(), 1)] };
            assert_eq!(shop.take_back(key, "sold", &lines).await, "ReservationClosed");
        }
        assert_eq!(shop.differences().await, 0);
    })
    .await;
}

/// Eight callers at once who take back three units each: of the ten that were sold, three of them get theirs.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_taken_back_than_was_sold() {
    on_each(|shop| async move {
        let product = shop.product("BACK-MANY", &[10]).await;
        shop.reserve("many", &[(&product, 10)]).await;
        shop.commit("many").await;
        let keys: Vec<String> = (0..8).map(|key| format!("many {key}")).collect();
        let lines = [(product.as_str(), 3)];
        let taken = futures_util::future::join_all(keys.iter().map(|key| shop.take_back(key, "many", &lines))).await;
        assert_eq!(taken.iter().filter(|outcome| *outcome == "StockReservation").count(), 3, "{taken:?}");
        assert_eq!((shop.stock(&product).await, shop.differences().await), (9, 0));
    })
    .await;
}

async fn check_stock(shop: &Shop, product: &str, stock: i64, taken: i64) {
    assert_eq!((shop.stock(product).await, shop.taken(product).await), (stock, taken));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_of_one_takes_nothing_of_the_other() {
    on_each(|shop| async move {
        let (a, b) = (shop.product("FEW-A", &[4]).await, shop.product("FEW-B", &[1, 1]).await);
        let answer = shop.reserve("few", &[(&a, 4), (&b, 3)]).await;
        let expected = json!({
            "__typename": "InsufficientStock",
            "lines": [{ "product": { "id": b }, "requested": 3, "available": 2 }],
        });
        assert_eq!(answer, expected);
        check_stock(&shop, &a, 4, 0).await;
        check_stock(&shop, &b, 2, 0).await;
        // The key is still unused.
        assert_eq!(shop.reserve("few", &[(&a, 4), (&b, 2)]).await["status"], "HELD");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_products_are_named() {
    on_each(|shop| async move {
        let a = shop.product("UNK-A", &[4]).await;
        let nobodys = service::graphql::id::global("Product", uuid::Uuid::nil());
        for unknown in [nobodys.as_str(), "nonsense"] {
            let answer = shop.reserve("unknown", &[(&a, 1), (unknown, 1)]).await;
            assert_eq!(answer, json!({ "__typename": "UnknownProduct", "productIds": [unknown] }));
        }
        check_stock(&shop, &a, 4, 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_released_first_is_closed() {
    on_each(|shop| async move {
        let a = shop.product("LATE-A", &[4]).await;
        let released = shop.release("late").await;
        assert_eq!(released["status"], "RELEASED");
        assert_eq!(released["lines"], json!([]));
        assert_eq!(shop.release("late").await["id"], released["id"]);
        let late = shop.reserve("late", &[(&a, 1)]).await;
        assert_eq!(late, json!({ "__typename": "ReservationClosed", "idempotencyKey": "late" }));
        assert_eq!(shop.commit("late").await["__typename"], "ReservationClosed");
        check_stock(&shop, &a, 4, 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_those_of_the_moment() {
    on_each(|shop| async move {
        let a = shop.product("PRICE-A", &[4]).await;
        let held = shop.reserve("price", &[(&a, 1)]).await;
        shop.change("updateProduct", json!({ "id": a, "price": money("99") }), "product { id }").await;
        assert_eq!(shop.reserve("price", &[(&a, 1)]).await, held);
        assert_eq!(held["lines"][0]["unitPrice"]["amount"], "12.50");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused() {
    on_each(|shop| async move {
        let (a, b) = (shop.product("BAD-A", &[4]).await, shop.product("BAD-B", &[4]).await);
        shop.reserve("used", &[(&a, 1)]).await;
        let long = "k".repeat(201);
        let many: Vec<String> = (0..101).map(|n| uuid::Uuid::from_u128(n).to_string()).collect();
        let many: Vec<(&str, i32)> = many.iter().map(|id| (id.as_str(), 1)).collect();
        type Lines<'a> = &'a [(&'a str, i32)];
        let cases: [(&str, Lines<'_>, &str); 9] = [
            ("used", &[(&a, 2)], "CONFLICT"),
            ("used", &[(&b, 1)], "CONFLICT"),
            ("used", &[(&a, 1), (&b, 1)], "CONFLICT"),
            ("", &[(&a, 1)], "BAD_USER_INPUT"),
            (&long, &[(&a, 1)], "BAD_USER_INPUT"),
            ("new", &[], "BAD_USER_INPUT"),
            ("new", &[(&a, 0)], "BAD_USER_INPUT"),
            ("new", &[(&a, 1_000_000), (&a, 1)], "BAD_USER_INPUT"),
            ("new", &many, "BAD_USER_INPUT"),
        ];
        for (key, lines, code) in cases {
            assert_eq!(
                shop.code(Viewer::Service, RESERVE, reserve_variables(key, lines)).await,
                code,
                "{key} {lines:?}"
            );
        }
        assert_eq!(shop.code(Viewer::Service, COMMIT, json!({ "key": "never" })).await, "NOT_FOUND");
        check_stock(&shop, &a, 3, 1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_services_may() {
    on_each(|shop| async move {
        let release = "mutation($key: String!) { releaseStock(idempotencyKey: $key) { id } }";
        for viewer in [Viewer::Anonymous, customer(), admin()] {
            for (query, variables) in [
                (RESERVE, reserve_variables("key", &[("1", 1)])),
                (COMMIT, json!({ "key": "key" })),
                (release, json!({ "key": "key" })),
                (TAKE_BACK, json!({ "input": { "idempotencyKey": "1", "reservationKey": "key", "lines": [] } })),
            ] {
                assert_eq!(shop.code(viewer.clone(), query, variables).await, "FORBIDDEN", "{query}");
            }
        }
    })
    .await;
}
