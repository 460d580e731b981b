//! The saga against an inventory and a payment provider that fail: what it undoes, what it retries, and that the books agree.

mod machine;
#[path = "../../../tests/support/payments.rs"]
pub(crate) mod payments;
mod returns;
pub(crate) mod world;

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use service::Money;
use service::graphql::money::Currency;
use uuid::Uuid;

use self::payments::PaymentCall;
use self::world::{Call, Fault, World, mistake};
use super::inventory::InventoryError;
use super::place::{Agreement, Outcome, Wanted, place};
use super::{By, Policy, SagaError, cancel, fulfill, quote, reconcile, refund, retry};
use crate::address::somewhere;
use crate::entity::order::{Rejection, Status, Step};
use crate::entity::refund::Status as RefundStatus;
use crate::offer::WantedLine;

const CARD: &str = "pm_card";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_and_paid_once() {
    World::on_each(async |world| {
        let product = world.product(150, 10);
        let wanted = world.wanted(&[(product, 2)], CARD).await;
        let Outcome::Order(order) = place(&world.saga, wanted.clone()).await.unwrap() else { panic!() };
        assert_eq!((order.status, order.step), (Status::Placed, Step::Done));
        // 2 × 1.50 and 4.90 for shipping, with 19 % tax.
        assert_eq!(
            (order.subtotal_minor, order.shipping_minor, order.tax_minor, order.total_minor),
            (300, 490, 150, 940)
        );
        assert_eq!((order.captured_minor, order.refunded_minor), (940, 0));
        let Outcome::Order(again) = place(&world.saga, wanted.clone()).await.unwrap() else { panic!() };
        assert_eq!(again, order);
        // The same key for something else.
        let other = Wanted { payment_method: "pm_other".to_owned(), ..wanted };
        assert_eq!(mistake(place(&world.saga, other).await), ("CONFLICT", "input.idempotencyKey".to_owned()));
        assert_eq!(world.units(product), 8);
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_follow_each_other_and_are_never_the_same() {
    World::on_each(async |world| {
        let product = world.product(100, 1000);
        let lines = [(product, 1)];
        let orders = futures_util::future::join_all((0..12).map(|_| world.order(&lines, CARD))).await;
        let mut numbers: Vec<i64> = orders.iter().map(|order| order.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1_000_001..=1_000_012).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changed_is_a_new_quote() {
    World::on_each(async |world| {
        let product = world.product(150, 10);
        let set = |cents| world.others.stock.lock().unwrap().products.get_mut(&product).unwrap().cents = cents;
        let wanted = world.wanted(&[(product, 2)], CARD).await;
        set(200);
        let Outcome::PriceChanged(quote, None) = place(&world.saga, wanted.clone()).await.unwrap() else { panic!() };
        assert_eq!(quote.offer.subtotal_minor, 400);
        assert!(world.orders().await.is_empty());

        // The new quote is accepted by its id, once it is agreed to.
        let wanted = Wanted { agreement: Agreement::Quote(quote.id), ..wanted };
        set(250);
        let Outcome::PriceChanged(quote, None) = place(&world.saga, wanted.clone()).await.unwrap() else { panic!() };
        let accepted = Wanted { agreement: Agreement::Quote(quote.id), ..wanted.clone() };
        let Outcome::Order(order) = place(&world.saga, accepted).await.unwrap() else { panic!() };
        assert_eq!((order.status, order.subtotal_minor), (Status::Placed, 500));

        // Another's quote, or none.
        let stranger = Wanted { buyer: Uuid::new_v4(), agreement: Agreement::Quote(quote.id), ..wanted.clone() };
        assert_eq!(mistake(place(&world.saga, stranger).await), ("NOT_FOUND", "input.quoteId".to_owned()));

        // A quote that has expired.
        let soon =
            super::Saga { policy: Policy { quote_for: Duration::ZERO, ..world.saga.policy }, ..world.saga.clone() };
        let lines = [WantedLine { product, quantity: 1 }];
        let old = quote::quote(&soon, wanted.buyer, &lines, somewhere()).await.unwrap();
        let late = Wanted { idempotency_key: "late".to_owned(), agreement: Agreement::Quote(old.id), ..wanted };
        let Outcome::QuoteExpired(new) = place(&world.saga, late).await.unwrap() else { panic!() };
        assert!(new.expires_at > old.expires_at);
        quote::forget_expired(&world.saga).await.unwrap();
        assert_eq!(world.quotes().await.len(), 5, "it is kept for a day");
        world.check_books().await;
    })
    .await;
}

/// The price changes between the quote and the reservation, which the provider never hears of.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changes_at_the_last_moment_is_a_new_quote_too() {
    World::on_each(async |world| {
        let product = world.product(150, 10);
        let wanted = world.wanted(&[(product, 1)], CARD).await;
        world.arm(Call::Reserve, Fault::Lost);
        let Outcome::Order(order) = place(&world.saga, wanted.clone()).await.unwrap() else { panic!() };
        assert_eq!(order.status, Status::Pending);
        world.others.stock.lock().unwrap().products.get_mut(&product).unwrap().cents = 160;
        world.settle().await;
        let Outcome::PriceChanged(quote, Some(order)) = place(&world.saga, wanted).await.unwrap() else { panic!() };
        assert_eq!(order.status, Status::Rejected);
        assert_eq!(quote.offer.subtotal_minor, 160);
        assert_eq!(world.units(product), 10);
        assert!(world.others.payments.intents().is_empty());
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_sold_is_rejected_and_nothing_is_taken() {
    World::on_each(async |world| {
        let (product, gone) = (world.product(150, 3), world.product(150, 3));
        let order = world.order(&[(product, 4)], CARD).await;
        assert!(matches!(order.rejection, Some(Rejection::OutOfStock { .. })), "{order:?}");
        let declined = world.order(&[(product, 1)], payments::DECLINED).await;
        let reason = "Your card was declined.".to_owned();
        assert_eq!(declined.rejection, Some(Rejection::PaymentDeclined { reason }));
        assert_eq!((declined.status, declined.step), (Status::Rejected, Step::Done));
        assert_eq!(world.units(product), 3);

        let wanted = world.wanted(&[(gone, 1)], CARD).await;
        world.others.stock.lock().unwrap().products.get_mut(&gone).unwrap().discontinued = true;
        let wrong = ("PRODUCT_DISCONTINUED", "input.lines.0.productId".to_owned());
        assert_eq!(mistake(place(&world.saga, wanted).await), wrong);
        let lines = [WantedLine { product: Uuid::new_v4(), quantity: 1 }];
        let unknown = quote::quote(&world.saga, Uuid::new_v4(), &lines, somewhere()).await;
        assert_eq!(mistake(unknown), ("UNKNOWN_PRODUCT", "input.lines.0.productId".to_owned()));
        world.check_books().await;
    })
    .await;
}

/// Each fault at each call of placing an order: what is answered in the end, and that nothing is taken twice or kept.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_call_of_an_order() {
    use PaymentCall::{Authorize, Capture};
    World::on_each(async |world| {
        for call in [Call::Reserve, Call::Payment(Authorize), Call::Commit, Call::Payment(Capture)] {
            for fault in [Fault::Refused, Fault::Lost, Fault::AnswerLost, Fault::Twice, Fault::Late, Fault::TooMany] {
                let product = world.product(1999, 10);
                let wanted = world.wanted(&[(product, 3)], CARD).await;
                world.arm(call, fault);
                let Outcome::Order(order) = place(&world.saga, wanted).await.unwrap() else { panic!() };
                let waits_long = fault == Fault::Refused && matches!(call, Call::Commit | Call::Payment(Capture));
                assert_eq!(world.now(order.id).await.stuck_since.is_some(), waits_long, "{call:?} {fault:?}");
                world.settle().await;
                let order = world.now(order.id).await;
                // Before anything is set aside, a refusal ends the order.
                let ends = fault == Fault::Refused && matches!(call, Call::Reserve | Call::Payment(Authorize));
                let expected = if ends { (Status::Rejected, 10) } else { (Status::Placed, 7) };
                assert_eq!((order.status, world.units(product)), expected, "{call:?} {fault:?} {order:?}");
                assert_eq!((order.stuck_since, order.failure.is_some()), (None, false), "{call:?} {fault:?}");
                world.check_books().await;
            }
        }
    })
    .await;
}

/// Each fault at each call of undoing an order, from the step at which it was cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_call_of_a_cancellation() {
    use PaymentCall::{Authorize, Capture, Refund, Void};
    World::on_each(async |world| {
        for (stopped_at, call) in [
            (Call::Reserve, Call::Release),
            (Call::Payment(Authorize), Call::Payment(Authorize)),
            (Call::Payment(Authorize), Call::Payment(Void)),
            (Call::Commit, Call::Payment(Void)),
            (Call::Payment(Capture), Call::Payment(Void)),
            (Call::Products, Call::Payment(Refund)),
        ] {
            for stop in [Fault::Lost, Fault::AnswerLost] {
                for fault in [Fault::Refused, Fault::Lost, Fault::AnswerLost, Fault::Twice, Fault::Late, Fault::TooMany]
                {
                    let case = format!("{stopped_at:?} {stop:?} {call:?} {fault:?}");
                    let product = world.product(1999, 10);
                    let wanted = world.wanted(&[(product, 3)], CARD).await;
                    // An order that is placed asks for products before, so that nothing stops it.
                    if stopped_at != Call::Products {
                        world.arm(stopped_at, stop);
                    }
                    let Outcome::Order(order) = place(&world.saga, wanted).await.unwrap() else { panic!() };
                    world.arm(call, fault);
                    let by = By::buyer(order.buyer_id);
                    let cancelled = cancel::cancel(&world.saga, order.id, by, "no").await.unwrap();
                    assert_eq!(cancelled.status, Status::Cancelled, "{case}");
                    world.settle().await;
                    assert_eq!(world.units(product), 10, "{case}");
                    world.check_books().await;
                    if stopped_at == Call::Products {
                        assert_eq!(world.now(order.id).await.refunded_minor, order.total_minor, "{case}");
                    }
                }
                if stopped_at == Call::Products {
                    break;
                }
            }
        }
    })
    .await;
}

/// The authorization expires before the capture, the reservation before the commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_expires_is_undone() {
    World::on_each(async |world| {
        let product = world.product(1999, 10);
        let unpaid = world.order(&[(product, 1)], payments::EXPIRES).await;
        assert_eq!((unpaid.status, unpaid.step), (Status::Cancelled, Step::Done));

        let wanted = world.wanted(&[(product, 1)], CARD).await;
        world.arm(Call::Commit, Fault::Lost);
        let Outcome::Order(order) = place(&world.saga, wanted).await.unwrap() else { panic!() };
        world.others.stock.lock().unwrap().release(order.id.to_string());
        world.settle().await;
        assert_eq!(world.now(order.id).await.rejection, Some(Rejection::ReservationClosed));
        assert_eq!(world.units(product), 10);
        world.check_books().await;
    })
    .await;
}

/// An order that nobody answers is given up, but not without a last try; what may have been done is undone.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_order_gets_one_more_try() {
    World::on_each(async |world| {
        let at_once = Policy { give_up_after: Duration::ZERO, ..world.saga.policy };
        let impatient = super::Saga { policy: at_once, ..world.saga.clone() };
        for call in [Call::Reserve, Call::Payment(PaymentCall::Authorize)] {
            for (tries, expected) in [(1, Status::Placed), (2, Status::Rejected)] {
                let product = world.product(1999, 10);
                let wanted = world.wanted(&[(product, 1)], CARD).await;
                for _ in 0..tries {
                    world.arm(call, Fault::AnswerLost);
                }
                let Outcome::Order(order) = place(&world.saga, wanted).await.unwrap() else { panic!() };
                assert_eq!(order.status, Status::Pending);
                tokio::time::sleep(Duration::from_millis(20)).await;
                reconcile::pass(&impatient).await.unwrap();
                assert_eq!(world.now(order.id).await.status, expected, "{call:?} {tries}");
                world.settle().await;
                world.check_books().await;
            }
        }
    })
    .await;
}

/// What a person must mend is shown, is not repeated every second, and goes on when the person says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_order_waits_for_a_person() {
    World::on_each(async |world| {
        let product = world.product(1999, 10);
        let wanted = world.wanted(&[(product, 1)], CARD).await;
        let patient = Policy { last_backoff: Duration::from_secs(60), ..world.saga.policy };
        let saga = super::Saga { policy: patient, ..world.saga.clone() };
        world.arm(Call::Commit, Fault::Refused);
        let Outcome::Order(order) = place(&saga, wanted).await.unwrap() else { panic!() };
        assert_eq!((order.status, order.step), (Status::Pending, Step::Commit));
        assert!(order.stuck_since.is_some() && order.failure.unwrap().contains("FORBIDDEN"));
        assert_eq!(reconcile::pass(&saga).await.unwrap(), 0);
        let order = retry::retry(&saga, order.id).await.unwrap();
        assert_eq!((order.status, order.step, order.stuck_since), (Status::Placed, Step::Done, None));
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_share_the_work() {
    World::on_each(async |world| {
        let product = world.product(1999, 100);
        for _ in 0..12 {
            world.arm(Call::Payment(PaymentCall::Capture), Fault::Lost);
            world.order(&[(product, 1)], CARD).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let other = super::Saga { counters: super::Counters::default(), ..world.saga.clone() };
        let (one, two) = tokio::join!(reconcile::pass(&world.saga), reconcile::pass(&other));
        assert_eq!(one.unwrap() + two.unwrap(), 12, "each order went to one of them");
        assert_eq!(world.saga.counters.reconciled.get() + other.counters.reconciled.get(), 12);
        world.settle().await;
        world.check_books().await;
    })
    .await;
}

fn refund_of(order: Uuid, key: &str, lines: &[(Uuid, i32)], amount: Option<i64>) -> refund::Wanted {
    refund::Wanted {
        order,
        idempotency_key: key.to_owned(),
        lines: lines.iter().map(|(product, quantity)| WantedLine { product: *product, quantity: *quantity }).collect(),
        shipping: false,
        amount: amount.map(|minor| Money::new(minor, Currency::EUR)),
        restock: None,
        reason: "broken".to_owned(),
        by: By::staff("somebody"),
    }
}

pub(crate) fn parcel_of(order: Uuid, key: &str, lines: &[(Uuid, i32)]) -> fulfill::Wanted {
    fulfill::Wanted {
        order,
        idempotency_key: key.to_owned(),
        lines: lines.iter().map(|(product, quantity)| WantedLine { product: *product, quantity: *quantity }).collect(),
        carrier: Some("DHL".to_owned()),
        tracking_number: Some("JD1".to_owned()),
        by: By::staff("somebody"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_is_sent_or_paid_back_than_was_sold() {
    World::on_each(async |world| {
        let (saga, db) = (&world.saga, &world.saga.db);
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 4)], CARD).await;
        // 40.00 and 5.80 for 2.8 kg, with 19 % tax: 8.70.
        assert_eq!(order.total_minor, 5450);
        let first = fulfill::ship(db, &parcel_of(order.id, "1", &[(product, 1)])).await.unwrap();
        assert_eq!(fulfill::ship(db, &parcel_of(order.id, "1", &[(product, 1)])).await.unwrap(), first);
        let other = fulfill::ship(db, &parcel_of(order.id, "1", &[(product, 2)])).await;
        assert_eq!(mistake(other), ("CONFLICT", "input.idempotencyKey".to_owned()));
        let too_many = fulfill::ship(db, &parcel_of(order.id, "2", &[(product, 4)])).await;
        assert_eq!(mistake(too_many), ("BAD_USER_INPUT", "input.lines.0.quantity".to_owned()));
        let late = cancel::cancel(saga, order.id, By::buyer(order.buyer_id), "no").await;
        assert_eq!(mistake(late), ("NOT_CANCELLABLE", "input.id".to_owned()));

        // Two units, of which none was sent: they will not be. Their share of the tax is 3.80.
        let paid = refund::refund(saga, &refund_of(order.id, "a", &[(product, 2)], None)).await.unwrap();
        assert_eq!((paid.status, paid.amount_minor), (RefundStatus::Succeeded, 2380));
        assert_eq!(refund::refund(saga, &refund_of(order.id, "a", &[(product, 2)], None)).await.unwrap(), paid);
        let other = refund::refund(saga, &refund_of(order.id, "a", &[(product, 1)], None)).await;
        assert_eq!(mistake(other), ("CONFLICT", "input.idempotencyKey".to_owned()));
        let too_many = fulfill::ship(db, &parcel_of(order.id, "3", &[(product, 2)])).await;
        assert_eq!(mistake(too_many), ("BAD_USER_INPUT", "input.lines.0.quantity".to_owned()));
        let rest = fulfill::ship(db, &parcel_of(order.id, "4", &[])).await.unwrap();
        assert_ne!(rest.id, first.id);
        let nothing = fulfill::ship(db, &parcel_of(order.id, "5", &[])).await;
        assert_eq!(mistake(nothing), ("NOT_FULFILLABLE", "input.orderId".to_owned()));

        let too_many = refund::refund(saga, &refund_of(order.id, "b", &[(product, 3)], None)).await;
        assert_eq!(mistake(too_many), ("BAD_USER_INPUT", "input.lines.0.quantity".to_owned()));
        let too_much = refund::refund(saga, &refund_of(order.id, "c", &[], Some(5450 - 2380 + 1))).await;
        assert_eq!(mistake(too_much), ("BAD_USER_INPUT", "input.amount".to_owned()));
        let back = refund::refund(saga, &refund_of(order.id, "d", &[(product, 2)], None)).await.unwrap();
        assert_eq!(back.amount_minor, 2380);
        let line = world.line(order.id).await;
        assert_eq!((line.fulfilled, line.cancelled, line.returned), (2, 2, 2));
        let rest = refund::refund(saga, &refund_of(order.id, "e", &[], Some(5450 - 2 * 2380))).await.unwrap();
        assert_eq!(rest.status, RefundStatus::Succeeded);
        let more = refund::refund(saga, &refund_of(order.id, "f", &[], Some(1))).await;
        assert_eq!(mistake(more), ("NOT_REFUNDABLE", "input.orderId".to_owned()));
        world.check_books().await;
    })
    .await;
}

/// Many refunds at once: their sum is at most what was taken.
#[tokio::test(flavor = "multi_thread")]
async fn refunds_at_once_do_not_exceed_what_was_taken() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 1)], CARD).await;
        let keys: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        let wanted: Vec<_> =
            keys.iter().map(|key| refund_of(order.id, key, &[], Some(order.total_minor / 3))).collect();
        let done =
            futures_util::future::join_all(wanted.iter().map(|wanted| refund::refund(&world.saga, wanted))).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3);
        world.settle().await;
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_survives_faults_and_a_refused_one_is_shown() {
    World::on_each(async |world| {
        for fault in [Fault::Refused, Fault::Lost, Fault::AnswerLost, Fault::Twice, Fault::Late, Fault::TooMany] {
            let product = world.product(1000, 10);
            let order = world.order(&[(product, 2)], CARD).await;
            world.arm(Call::Payment(PaymentCall::Refund), fault);
            let wanted = refund_of(order.id, "a", &[(product, 1)], None);
            let promised = refund::refund(&world.saga, &wanted).await.unwrap();
            let pending = if fault == Fault::Twice { RefundStatus::Succeeded } else { RefundStatus::Pending };
            assert_eq!(promised.status, pending, "{fault:?}");
            world.settle().await;
            world.check_books().await;
        }
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 2)], payments::CLOSED).await;
        let wanted = refund_of(order.id, "a", &[(product, 1)], None);
        let refused = refund::refund(&world.saga, &wanted).await.unwrap();
        assert_eq!(refused.status, RefundStatus::Failed);
        assert_eq!(world.now(order.id).await.refunded_minor, 0);
        assert_eq!(world.line(order.id).await.cancelled, 0);
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_can_cancel_for_a_while_and_the_shop_until_it_is_sent() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 2)], CARD).await;
        let at_once = Policy { cancel_within: Duration::ZERO, ..world.saga.policy };
        let strict = super::Saga { policy: at_once, ..world.saga.clone() };
        tokio::time::sleep(Duration::from_millis(5)).await;
        let late = cancel::cancel(&strict, order.id, By::buyer(order.buyer_id), "no").await;
        assert_eq!(mistake(late), ("NOT_CANCELLABLE", "input.id".to_owned()));
        let cancelled = cancel::cancel(&strict, order.id, By::staff("x"), "no").await.unwrap();
        assert_eq!((cancelled.status, cancelled.refunded_minor), (Status::Cancelled, order.total_minor));
        let again = cancel::cancel(&strict, order.id, By::staff("x"), "no").await.unwrap();
        assert_eq!(again, cancelled);
        assert_eq!(world.refunds().await.len(), 1);
        let sent = fulfill::ship(&world.saga.db, &parcel_of(order.id, "1", &[])).await;
        assert_eq!(mistake(sent), ("NOT_FULFILLABLE", "input.orderId".to_owned()));
        world.check_books().await;
    })
    .await;
}

/// Nobody answers at all: the caller is told so, quickly.
#[tokio::test(flavor = "multi_thread")]
async fn a_quote_without_inventory_is_unavailable() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let lines = [WantedLine { product, quantity: 1 }];
        for (fault, code) in [(Fault::Late, service::Code::Unavailable), (Fault::Refused, service::Code::Internal)] {
            world.arm(Call::Products, fault);
            let started = Instant::now();
            let quoted = quote::quote(&world.saga, Uuid::new_v4(), &lines, somewhere()).await;
            assert_eq!(quoted.unwrap_err().code(), code);
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    })
    .await;
}

#[test]
fn waits_double_up_to_a_limit() {
    let policy = Policy::default();
    let waits = |status: StatusCode| {
        let error = SagaError::from(InventoryError::Status(status));
        [1, 2, 3, 8, 1000, i32::MAX].map(|attempts| policy.wait_after(&error, attempts))
    };
    let expected = [500, 1000, 2000, 60_000, 60_000, 60_000].map(Duration::from_millis);
    assert_eq!(waits(StatusCode::BAD_GATEWAY), expected);
    assert_eq!(waits(StatusCode::FORBIDDEN), [Duration::from_secs(60); 6]);
}
