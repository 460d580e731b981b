//! The mutations, as a client sees them: what a purchase looks like, and that no input whatever is a fault of ours.

use serde_json::{Value, json};
use service::Viewer;
use service::graphql::id::global;
use uuid::Uuid;

use super::{admin, ask, graph, person};
use crate::saga::tests::payments::{self, PaymentCall};
use crate::saga::tests::world::{Call, Fault, World};

const QUOTE: &str = "mutation($input: QuoteOrderInput!) { quoteOrder(input: $input) {
    quote { id expiresAt subtotal { amount } shipping { amount } tax { amount } total { amount currency } shippingAddress { city }
        lines { name sku quantity weightGrams unitPrice { amount } total { amount } product { id } } }
    userErrors { code message field ... on UserError { message } } } }";
const PLACE: &str = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) {
    order { id number status paymentStatus fulfillmentStatus total { amount } shippingAddress { countryCode } lines { name sku weightGrams } }
    quote { id total { amount } } shortages { requested available product { id } } userErrors { code field } } }";
const CANCEL: &str = "mutation($input: CancelOrderInput!) { cancelOrder(input: $input) { order { status paymentStatus } userErrors { code field } } }";
const FULFILL: &str = "mutation($input: FulfillOrderInput!) { fulfillOrder(input: $input) {
    fulfillment { id carrier trackingNumber lines { quantity } } order { fulfillmentStatus } userErrors { code field } } }";
const DELIVERED: &str = "mutation($input: MarkDeliveredInput!) { markDelivered(input: $input) {
    fulfillment { deliveredAt } order { fulfillmentStatus } userErrors { code field } } }";
const REFUND: &str = "mutation($input: RefundOrderInput!) { refundOrder(input: $input) {
    refund { id status amount { amount } lines { quantity } } order { paymentStatus totalRefunded { amount } } userErrors { code field } } }";
const RETRY: &str =
    "mutation($input: RetryOrderInput!) { retryOrder(input: $input) { order { status } userErrors { code field } } }";

fn address() -> Value {
    json!({ "name": "Grace", "line1": "Lange Str. 7", "city": "Berlin", "countryCode": "DE" })
}

/// The only error in a payload, as code and path.
fn mistake<'a>(answer: &'a Value, field: &str) -> (&'a str, String) {
    assert!(answer.get("errors").is_none(), "{answer}");
    let errors = answer["data"][field]["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    let path = errors[0]["field"].as_array().into_iter().flatten().map(|part| part.as_str().unwrap());
    (errors[0]["code"].as_str().unwrap(), path.collect::<Vec<_>>().join("."))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_from_the_quote_to_the_refund() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let (product, buyer) = (world.product(1000, 10), person(Uuid::new_v4()));
        let lines = json!([{ "productId": global("Product", product), "quantity": 2 }]);
        let input = json!({ "lines": lines, "shippingAddress": address() });
        let quoted = ask(&graph, buyer.clone(), QUOTE, json!({ "input": input })).await;
        let quote = &quoted["data"]["quoteOrder"]["quote"];
        assert_eq!(quote["total"], json!({ "amount": "29.63", "currency": "EUR" }), "{quoted}");
        assert_eq!((&quote["subtotal"]["amount"], &quote["shipping"]["amount"], &quote["tax"]["amount"]), (&json!("20.00"), &json!("4.90"), &json!("4.73")));
        assert_eq!(quote["lines"][0]["product"]["id"], global("Product", product).as_str());

        let input = json!({ "idempotencyKey": "1", "quoteId": quote["id"], "paymentMethod": "pm_card" });
        let placed = ask(&graph, buyer.clone(), PLACE, json!({ "input": input })).await;
        let order = &placed["data"]["placeOrder"]["order"];
        assert_eq!((&order["status"], &order["paymentStatus"], &order["fulfillmentStatus"]), (&json!("PLACED"), &json!("PAID"), &json!("UNFULFILLED")), "{placed}");
        assert_eq!(order["lines"][0]["weightGrams"], 700);
        let again = ask(&graph, buyer.clone(), PLACE, json!({ "input": input })).await;
        assert_eq!(&again["data"]["placeOrder"]["order"]["id"], &order["id"]);
        let other = json!({ "idempotencyKey": "1", "quoteId": quote["id"], "paymentMethod": "pm_other" });
        let other = ask(&graph, buyer.clone(), PLACE, json!({ "input": other })).await;
        assert_eq!(mistake(&other, "placeOrder"), ("CONFLICT", "input.idempotencyKey".to_owned()));

        let parcel = json!({ "orderId": order["id"], "idempotencyKey": "p", "lines": [{ "productId": product, "quantity": 1 }], "carrier": "DHL", "trackingNumber": "JD1" });
        let refused = ask(&graph, buyer.clone(), FULFILL, json!({ "input": parcel })).await;
        assert_eq!((&refused["data"]["fulfillOrder"], &refused["errors"][0]["extensions"]["code"]), (&Value::Null, &json!("FORBIDDEN")));
        let sent = ask(&graph, admin(), FULFILL, json!({ "input": parcel })).await;
        assert_eq!(sent["data"]["fulfillOrder"]["order"]["fulfillmentStatus"], "PARTIALLY_FULFILLED", "{sent}");
        let rest = json!({ "orderId": order["id"], "idempotencyKey": "q" });
        let rest = ask(&graph, admin(), FULFILL, json!({ "input": rest })).await;
        assert_eq!(rest["data"]["fulfillOrder"]["order"]["fulfillmentStatus"], "FULFILLED", "{rest}");
        for parcel in [&sent, &rest] {
            let id = &parcel["data"]["fulfillOrder"]["fulfillment"]["id"];
            let arrived = ask(&graph, admin(), DELIVERED, json!({ "input": { "fulfillmentId": id } })).await;
            assert!(arrived["data"]["markDelivered"]["fulfillment"]["deliveredAt"].is_string(), "{arrived}");
        }
        let late = ask(&graph, buyer.clone(), CANCEL, json!({ "input": { "id": order["id"] } })).await;
        assert_eq!(mistake(&late, "cancelOrder"), ("NOT_CANCELLABLE", "input.id".to_owned()));

        let back = json!({ "orderId": order["id"], "idempotencyKey": "r", "lines": [{ "productId": product, "quantity": 1 }], "reason": "broken" });
        let back = ask(&graph, admin(), REFUND, json!({ "input": back })).await;
        assert_eq!(back["data"]["refundOrder"]["order"], json!({ "paymentStatus": "PARTIALLY_REFUNDED", "totalRefunded": { "amount": "11.90" } }), "{back}");

        let query = "query($id: ID!) { order(by: { id: $id }) { fulfillmentStatus refunds { id status amount { amount } } fulfillments { id } history { __typename actor } } }";
        let whole = ask(&graph, buyer.clone(), query, json!({ "id": order["id"] })).await;
        let events: Vec<_> = whole["data"]["order"]["history"].as_array().unwrap().iter().map(|event| format!("{} {}", event["__typename"].as_str().unwrap(), event["actor"].as_str().unwrap())).collect();
        assert_eq!(events, ["OrderReceived BUYER", "OrderPlaced SYSTEM", "OrderPaid SYSTEM", "OrderShipped STAFF", "OrderShipped STAFF", "OrderDelivered STAFF", "OrderDelivered STAFF", "OrderRefunded STAFF"]);
        assert_eq!(whole["data"]["order"]["fulfillmentStatus"], "DELIVERED");

        // All of it can be found by its id, by those who may see it.
        let ids = [&order["id"], &quote["id"], &whole["data"]["order"]["refunds"][0]["id"], &whole["data"]["order"]["fulfillments"][0]["id"]];
        let found = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Node { id } } }";
        let representations: Vec<_> = ids.iter().map(|id| json!({ "__typename": id.as_str().unwrap().split('_').next(), "id": id })).collect();
        for (viewer, sees) in [(buyer.clone(), true), (person(Uuid::new_v4()), false)] {
            let answer = ask(&graph, viewer, found, json!({ "r": representations })).await;
            let nodes = answer["data"]["_entities"].as_array().unwrap();
            assert!(nodes.iter().zip(ids).all(|(node, id)| (&node["id"] == id) == sees), "{answer}");
        }
        world.settle().await;
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_agreed_to_is_not_ordered() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let (product, buyer) = (world.product(1000, 2), person(Uuid::new_v4()));
        let input = |key: &str, quantity: i32, total: &str, method: &str| {
            let lines = json!([{ "productId": global("Product", product), "quantity": quantity }]);
            json!({ "input": { "idempotencyKey": key, "lines": lines, "shippingAddress": address(), "expectedTotal": { "amount": total, "currency": "EUR" }, "paymentMethod": method } })
        };
        let changed = ask(&graph, buyer.clone(), PLACE, input("1", 1, "17.72", "pm_card")).await;
        assert_eq!(mistake(&changed, "placeOrder").0, "PRICE_CHANGED");
        let payload = &changed["data"]["placeOrder"];
        assert_eq!((&payload["order"], &payload["quote"]["total"]["amount"]), (&Value::Null, &json!("17.73")));
        // The key was not used.
        let declined = ask(&graph, buyer.clone(), PLACE, input("1", 1, "17.73", payments::DECLINED)).await;
        assert_eq!(mistake(&declined, "placeOrder").0, "PAYMENT_DECLINED");
        assert_eq!(declined["data"]["placeOrder"]["order"]["status"], "REJECTED");
        assert_eq!(declined["data"]["placeOrder"]["order"]["paymentStatus"], "NOT_CHARGED");
        assert_eq!(world.units(product), 2);
        let short = ask(&graph, buyer.clone(), PLACE, input("2", 3, "42.42", "pm_card")).await;
        assert_eq!(mistake(&short, "placeOrder").0, "PRICE_CHANGED");
        let total = short["data"]["placeOrder"]["quote"]["total"]["amount"].as_str().unwrap().to_owned();
        let short = ask(&graph, buyer.clone(), PLACE, input("2", 3, &total, "pm_card")).await;
        assert_eq!(mistake(&short, "placeOrder").0, "OUT_OF_STOCK");
        assert_eq!(short["data"]["placeOrder"]["shortages"][0]["available"], 2);
        world.arm(Call::Payment(PaymentCall::Authorize), Fault::Lost);
        let pending = ask(&graph, buyer.clone(), PLACE, input("3", 1, "17.73", "pm_card")).await;
        assert_eq!(pending["data"]["placeOrder"]["order"]["status"], "PENDING", "{pending}");
        let id = &pending["data"]["placeOrder"]["order"]["id"];
        let cancelled = ask(&graph, buyer.clone(), CANCEL, json!({ "input": { "id": id, "reason": "changed my mind" } })).await;
        assert_eq!(cancelled["data"]["cancelOrder"]["order"], json!({ "status": "CANCELLED", "paymentStatus": "NOT_CHARGED" }), "{cancelled}");
        world.arm(Call::Products, Fault::Lost);
        let away = ask(&graph, buyer.clone(), PLACE, input("4", 1, "17.73", "pm_card")).await;
        assert_eq!((&away["data"]["placeOrder"], &away["errors"][0]["extensions"]["code"]), (&Value::Null, &json!("UNAVAILABLE")));
        world.settle().await;
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_order_is_shown_to_administrators_and_can_be_retried() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let product = world.product(1000, 2);
        world.arm(Call::Commit, Fault::Refused);
        let order = world.order(&[(product, 1)], "pm_card").await;
        let query = "{ stuckOrders { totalCount nodes { step attempts failure since order { id status } } } }";
        let stuck = ask(&graph, admin(), query, json!({})).await;
        let node = &stuck["data"]["stuckOrders"]["nodes"][0];
        assert_eq!(
            (&node["step"], &node["order"]["id"]),
            (&json!("COMMIT"), &json!(global("Order", order.id))),
            "{stuck}"
        );
        assert_eq!(stuck["data"]["stuckOrders"]["totalCount"], 1);
        let hidden = ask(&graph, person(order.buyer_id), query, json!({})).await;
        assert_eq!(hidden["errors"][0]["extensions"]["code"], "FORBIDDEN");
        let retried = ask(&graph, admin(), RETRY, json!({ "input": { "id": global("Order", order.id) } })).await;
        assert_eq!(retried["data"]["retryOrder"]["order"]["status"], "PLACED", "{retried}");
        let none = ask(&graph, admin(), query, json!({})).await;
        assert_eq!(none["data"]["stuckOrders"]["totalCount"], 0);
    })
    .await;
}

/// Whatever text or number comes: a mistake of the caller with a path, or something that works. Never a fault of ours.
#[tokio::test(flavor = "multi_thread")]
async fn no_input_is_a_fault_of_ours() {
    World::on_each(async |world| {
        let graph = graph(&world.saga);
        let (product, buyer) = (world.product(1000, 5), person(Uuid::new_v4()));
        let order = world.order(&[(product, 1)], "pm_card").await;
        let long = "é".repeat(500_000);
        let texts = ["", " ", "a\u{0}b", "🏠👩‍👩‍👧", "\u{202e}olleh", "مرحبا", "'; DROP TABLE orders; --", "\u{1b}[31m", long.as_str()];
        let ids = ["", "Order_", "Product_00000000000000000000000000000000", "Order_00000000000000000000000000000000", "🏠", "a\u{0}", long.as_str()];
        let numbers = [0, -1, 10_001, i32::MAX, i32::MIN];
        let place = || json!({ "idempotencyKey": Uuid::new_v4(), "lines": [{ "productId": product, "quantity": 1 }], "shippingAddress": address(), "expectedTotal": { "amount": "17.73", "currency": "EUR" }, "paymentMethod": "pm_card" });
        let mut cases: Vec<(&str, Viewer, Value)> = Vec::new();
        for text in texts {
            for path in ["/idempotencyKey", "/paymentMethod", "/shippingAddress/name", "/shippingAddress/city", "/shippingAddress/countryCode", "/expectedTotal/amount", "/expectedTotal/currency"] {
                let mut input = place();
                *input.pointer_mut(path).unwrap() = json!(text);
                cases.push((PLACE, buyer.clone(), input));
            }
            cases.push((CANCEL, buyer.clone(), json!({ "id": global("Order", order.id), "reason": text })));
            cases.push((FULFILL, admin(), json!({ "orderId": global("Order", order.id), "idempotencyKey": text, "carrier": text, "trackingNumber": text })));
            cases.push((REFUND, admin(), json!({ "orderId": global("Order", order.id), "idempotencyKey": text, "reason": text, "amount": { "amount": text, "currency": "EUR" } })));
        }
        for id in ids {
            cases.push((QUOTE, buyer.clone(), json!({ "lines": [{ "productId": id, "quantity": 1 }], "shippingAddress": address() })));
            cases.push((PLACE, buyer.clone(), json!({ "idempotencyKey": "k", "quoteId": id, "paymentMethod": "pm" })));
            cases.push((CANCEL, buyer.clone(), json!({ "id": id })));
            cases.push((FULFILL, admin(), json!({ "orderId": id, "idempotencyKey": "k" })));
            cases.push((DELIVERED, admin(), json!({ "fulfillmentId": id })));
            cases.push((REFUND, admin(), json!({ "orderId": id, "idempotencyKey": "k", "reason": "r", "shipping": true })));
            cases.push((RETRY, admin(), json!({ "id": id })));
        }
        for quantity in numbers {
            let lines = json!([{ "productId": product, "quantity": quantity }]);
            cases.push((QUOTE, buyer.clone(), json!({ "lines": lines, "shippingAddress": address() })));
            cases.push((FULFILL, admin(), json!({ "orderId": global("Order", order.id), "idempotencyKey": "n", "lines": lines })));
            cases.push((REFUND, admin(), json!({ "orderId": global("Order", order.id), "idempotencyKey": "n", "reason": "r", "lines": lines })));
        }
        for amount in ["-1.00", "0.00", "1e3", "17.731", "92233720368547758.07", "99999999999999999999"] {
            let mut input = place();
            input["expectedTotal"]["amount"] = json!(amount);
            cases.push((PLACE, buyer.clone(), input));
            cases.push((REFUND, admin(), json!({ "orderId": global("Order", order.id), "idempotencyKey": "m", "reason": "r", "amount": { "amount": amount, "currency": "EUR" } })));
        }
        let many: Vec<_> = (0..5000).map(|_| json!({ "productId": Uuid::new_v4(), "quantity": 1 })).collect();
        cases.push((QUOTE, buyer.clone(), json!({ "lines": many, "shippingAddress": address() })));
        cases.push((QUOTE, buyer.clone(), json!({ "lines": [], "shippingAddress": address() })));
        let twice = json!([{ "productId": product, "quantity": 1 }, { "productId": global("Product", product), "quantity": 1 }]);
        cases.push((QUOTE, buyer.clone(), json!({ "lines": twice, "shippingAddress": address() })));
        let both = json!({ "idempotencyKey": "b", "quoteId": "x", "expectedTotal": { "amount": "1", "currency": "EUR" }, "paymentMethod": "pm" });
        cases.push((PLACE, buyer.clone(), both));
        cases.push((PLACE, buyer.clone(), json!({ "idempotencyKey": "b", "paymentMethod": "pm" })));
        for (mutation, viewer, input) in cases {
            let answer = ask(&graph, viewer, mutation, json!({ "input": input })).await;
            let text = answer.to_string();
            for error in answer["errors"].as_array().into_iter().flatten() {
                assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{mutation:.60} {text:.2000}");
            }
            for payload in answer["data"].as_object().into_iter().flat_map(serde_json::Map::values).filter(|payload| payload.is_object()) {
                for error in payload["userErrors"].as_array().unwrap() {
                    let has_path = error["field"].is_array() || ["PRICE_CHANGED", "OUT_OF_STOCK", "ORDER_REJECTED"].contains(&error["code"].as_str().unwrap());
                    assert!(has_path, "{mutation:.60} {text:.2000}");
                }
            }
        }
        world.settle().await;
        world.check_books().await;
    })
    .await;
}
