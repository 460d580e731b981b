//! Returns, as a buyer and the shop see them.

use serde_json::{Value, json};
use service::Viewer;
use service::graphql::id::global;
use uuid::Uuid;

use super::{admin, ask, graph, on_each, person};
use crate::saga::fulfill;
use crate::saga::tests::parcel_of;
use crate::saga::tests::world::World;

const REQUEST: &str = "mutation($input: RequestReturnInput!) { requestReturn(input: $input) {
    return { id status reason comment lines { quantity receivedQuantity restockedQuantity product { id } } refund { id } closedAt }
    order { lines { returnableQuantity } returns { id } } userErrors { code field } } }";
const CANCEL: &str = "mutation($input: CancelReturnInput!) { cancelReturn(input: $input) { return { status } userErrors { code field } } }";
const DECLINE: &str = "mutation($input: DeclineReturnInput!) { declineReturn(input: $input) { return { status declineReason } userErrors { code field } } }";
const RECEIVE: &str = "mutation($input: ReceiveReturnInput!) { receiveReturn(input: $input) {
    return { status lines { receivedQuantity restockedQuantity } refund { status amount { amount } } }
    order { paymentStatus totalRefunded { amount } lines { refundedQuantity returnableQuantity } } userErrors { code field } } }";
const LIST: &str = "query($status: ReturnStatus, $after: String) { returns(status: $status, first: 2, after: $after) {
    totalCount nodes { id order { number } } pageInfo { endCursor hasNextPage } } }";

/// The code of the only error, of the payload or of the response.
fn code(answer: &Value) -> &str {
    let payload = answer["data"].as_object().and_then(|data| data.values().next());
    let mistake = payload.and_then(|payload| payload["userErrors"][0]["code"].as_str());
    mistake.or_else(|| answer["errors"][0]["extensions"]["code"].as_str()).unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_from_the_announcement_to_the_refund() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 3)], "pm_card").await;
        fulfill::ship(&world.saga.db, &parcel_of(order.id, "1", &[(product, 2)])).await.unwrap();
        let (buyer, stranger) = (person(order.buyer_id), person(Uuid::new_v4()));
        let input = |key: &str, quantity: i32| {
            let lines = [json!({ "productId": global("Product", product), "quantity": quantity })];
            json!({ "input": { "orderId": global("Order", order.id), "idempotencyKey": key, "lines": lines, "reason": "DEFECTIVE", "comment": "makes a noise" } })
        };
        assert_eq!(code(&ask(&graph, stranger.clone(), REQUEST, input("1", 2)).await), "NOT_FOUND");
        assert_eq!(code(&ask(&graph, Viewer::Anonymous, REQUEST, input("1", 2)).await), "UNAUTHENTICATED");
        assert_eq!(code(&ask(&graph, buyer.clone(), REQUEST, input("1", 3)).await), "BAD_USER_INPUT");
        let asked = ask(&graph, buyer.clone(), REQUEST, input("1", 2)).await;
        let payload = &asked["data"]["requestReturn"];
        let id = payload["return"]["id"].clone();
        let expected = json!({
            "id": id, "status": "REQUESTED", "reason": "DEFECTIVE", "comment": "makes a noise", "refund": null, "closedAt": null,
            "lines": [{ "quantity": 2, "receivedQuantity": 0, "restockedQuantity": 0, "product": { "id": global("Product", product) } }],
        });
        assert_eq!(payload["return"], expected, "{asked}");
        assert_eq!(payload["order"], json!({ "lines": [{ "returnableQuantity": 0 }], "returns": [{ "id": id }] }));

        // Only the shop says what has arrived, and what it declines.
        let arrived = json!({ "input": { "id": id, "lines": [{ "productId": product, "quantity": 1 }, { "productId": product, "quantity": 1, "restock": false }] } });
        let declined = json!({ "input": { "id": id, "reason": "no" } });
        for viewer in [buyer.clone(), stranger.clone()] {
            assert_eq!(code(&ask(&graph, viewer.clone(), RECEIVE, arrived.clone()).await), "FORBIDDEN");
            assert_eq!(code(&ask(&graph, viewer, DECLINE, declined.clone()).await), "FORBIDDEN");
        }
        assert_eq!(code(&ask(&graph, stranger.clone(), CANCEL, json!({ "input": { "id": id } })).await), "NOT_FOUND");
        let received = ask(&graph, admin(), RECEIVE, arrived.clone()).await;
        let expected = json!({
            "return": { "status": "RECEIVED", "lines": [{ "receivedQuantity": 2, "restockedQuantity": 1 }], "refund": { "status": "SUCCEEDED", "amount": { "amount": "23.80" } } },
            "order": { "paymentStatus": "PARTIALLY_REFUNDED", "totalRefunded": { "amount": "23.80" }, "lines": [{ "refundedQuantity": 2, "returnableQuantity": 0 }] },
            "userErrors": [],
        });
        assert_eq!(received["data"]["receiveReturn"], expected);
        assert_eq!(ask(&graph, admin(), RECEIVE, arrived).await, received);
        assert_eq!(code(&ask(&graph, buyer.clone(), CANCEL, json!({ "input": { "id": id } })).await), "NOT_RETURNABLE");
        assert_eq!(world.units(product), 8);

        // The history tells it, and those who may see the order find it by its id.
        let query = "query($id: ID!, $r: [_Any!]!) { order(by: { id: $id }) { history { __typename actor ... on OrderReturnRequested { returnId } } }
            _entities(representations: $r) { ... on Node { id } } }";
        let variables = json!({ "id": global("Order", order.id), "r": [{ "__typename": "Return", "id": id }] });
        let seen = ask(&graph, buyer, query, variables.clone()).await;
        let last: Vec<_> = seen["data"]["order"]["history"].as_array().unwrap().iter().rev().take(3).rev().collect();
        assert_eq!(last, [
            &json!({ "__typename": "OrderReturnRequested", "actor": "BUYER", "returnId": id }),
            &json!({ "__typename": "OrderReturnReceived", "actor": "STAFF" }),
            &json!({ "__typename": "OrderRefunded", "actor": "STAFF" }),
        ]);
        assert_eq!(seen["data"]["_entities"], json!([{ "id": id }]));
        let hidden = ask(&graph, stranger, query, variables).await;
        assert_eq!(hidden["data"], json!({ "order": null, "_entities": [null] }));
        world.settle().await;
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_lists_what_comes_back() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let product = world.product(1000, 100);
        let mut ids = Vec::new();
        for _ in 0..5 {
            let order = world.order(&[(product, 1)], "pm_card").await;
            fulfill::ship(&world.saga.db, &parcel_of(order.id, "1", &[])).await.unwrap();
            let lines = [json!({ "productId": product, "quantity": 1 })];
            let input = json!({ "orderId": global("Order", order.id), "idempotencyKey": "1", "lines": lines, "reason": "OTHER" });
            let asked = ask(&graph, person(order.buyer_id), REQUEST, json!({ "input": input })).await;
            ids.push(asked["data"]["requestReturn"]["return"]["id"].clone());
        }
        let declined = json!({ "input": { "id": ids[1], "reason": "used" } });
        let declined = ask(&graph, admin(), DECLINE, declined).await;
        assert_eq!(declined["data"]["declineReturn"]["return"], json!({ "status": "DECLINED", "declineReason": "used" }));
        let open = [0, 2, 3, 4].map(|index| ids[index].clone());
        for (status, expected) in [(json!(null), ids.clone()), (json!("REQUESTED"), open.to_vec())] {
            let (mut got, mut after) = (Vec::new(), json!(null));
            loop {
                let page = ask(&graph, admin(), LIST, json!({ "status": status, "after": after })).await;
                let page = &page["data"]["returns"];
                assert_eq!(page["totalCount"], expected.len());
                got.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] != true {
                    break;
                }
            }
            assert_eq!(got, expected);
        }
        assert_eq!(code(&ask(&graph, person(Uuid::new_v4()), LIST, json!({})).await), "FORBIDDEN");
        assert_eq!(code(&ask(&graph, admin(), LIST, json!({ "after": "W10" })).await), "BAD_USER_INPUT");
    })
    .await;
}

/// However many orders are asked for: one statement for the returns of all of them, and one for those that their lines need.
#[tokio::test(flavor = "multi_thread")]
async fn returns_of_many_orders_take_no_more_statements() {
    on_each(async |world| {
        let query = "{ orders(first: 50) { nodes { returns { id } lines { returnableQuantity } } } }";
        let (answer, statements) = world.ask(admin(), query, json!({})).await;
        assert_eq!(answer["data"]["orders"]["nodes"].as_array().unwrap().len(), 50, "{answer}");
        assert_eq!(statements, 4, "orders, lines, returns, and again once the lines are there");
    })
    .await;
}

/// Whatever text or number comes is a mistake of the caller with a path, or works.
#[tokio::test(flavor = "multi_thread")]
async fn no_return_is_a_fault_of_ours() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let product = world.product(1000, 5);
        let order = world.order(&[(product, 2)], "pm_card").await;
        fulfill::ship(&world.saga.db, &parcel_of(order.id, "1", &[])).await.unwrap();
        let long = "é".repeat(500_000);
        let texts = ["", " ", "a\u{0}b", "🏠", "\u{202e}olleh", "Return_00000000000000000000000000000000", long.as_str()];
        let mut cases = Vec::new();
        for text in texts {
            for path in ["/orderId", "/idempotencyKey", "/comment", "/lines/0/productId"] {
                let lines = [json!({ "productId": product, "quantity": 1 })];
                let mut input = json!({ "orderId": global("Order", order.id), "idempotencyKey": "k", "lines": lines, "reason": "OTHER", "comment": "c" });
                *input.pointer_mut(path).unwrap() = json!(text);
                cases.push((REQUEST, input));
            }
            cases.push((CANCEL, json!({ "id": text })));
            cases.push((DECLINE, json!({ "id": text, "reason": text })));
            cases.push((RECEIVE, json!({ "id": text, "amount": { "amount": text, "currency": text } })));
        }
        for quantity in [0, -1, 3, i32::MAX, i32::MIN] {
            let lines = [json!({ "productId": product, "quantity": quantity })];
            cases.push((REQUEST, json!({ "orderId": global("Order", order.id), "idempotencyKey": "q", "lines": lines, "reason": "OTHER" })));
        }
        for (mutation, input) in cases {
            let answer = ask(&graph, admin(), mutation, json!({ "input": input })).await;
            for error in answer["errors"].as_array().into_iter().flatten() {
                assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{mutation:.60} {answer:.2000}");
            }
            for payload in answer["data"].as_object().into_iter().flat_map(serde_json::Map::values).filter(|payload| payload.is_object()) {
                let mistakes = payload["userErrors"].as_array().unwrap();
                assert!(mistakes.iter().all(|error| error["field"].is_array()), "{mutation:.60} {answer:.2000}");
            }
        }
    })
    .await;
}
