//! What comes back: it is paid for once, is on the shelf once, and nobody sends back more than they have.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use service::Money;
use service::graphql::money::Currency;
use uuid::Uuid;

use super::payments::PaymentCall;
use super::world::{Call, Fault, World, mistake};
use super::{CARD, parcel_of, refund_of};
use crate::entity::order::Model as Order;
use crate::entity::returns::{self as rows, Reason, Status};
use crate::entity::{fulfillment, refund as refunds};
use crate::offer::WantedLine;
use crate::saga::returns::{Receipt, ReceivedLine, Wanted, cancel, decline, receive, request};
use crate::saga::{By, Policy, Saga, cancel as orders, fulfill, refund};

/// What a buyer wants to send back.
pub(super) fn return_of(order: &Order, key: &str, lines: &[(Uuid, i32)], by: By) -> Wanted {
    Wanted {
        order: order.id,
        idempotency_key: key.to_owned(),
        lines: lines.iter().map(|(product, quantity)| WantedLine { product: *product, quantity: *quantity }).collect(),
        reason: Reason::Damaged,
        comment: None,
        by,
    }
}

/// All of a return, or these units and whether they can be sold again.
pub(super) fn receipt_of(id: Uuid, lines: &[(Uuid, i32, bool)]) -> Receipt {
    let line = |(product, quantity, restock): &(Uuid, i32, bool)| ReceivedLine {
        line: WantedLine { product: *product, quantity: *quantity },
        restock: *restock,
    };
    Receipt { id, lines: lines.iter().map(line).collect(), shipping: false, amount: None, by: By::staff("x") }
}

/// An order of which all was sent.
async fn sent(world: &World, product: Uuid, units: i32) -> (Order, By) {
    let order = world.order(&[(product, units)], CARD).await;
    fulfill::ship(&world.saga.db, &parcel_of(order.id, "all", &[])).await.unwrap();
    let buyer = By::buyer(order.buyer_id);
    (order, buyer)
}

async fn refund_for(world: &World, row: &rows::Model) -> refunds::Model {
    refunds::Entity::find_by_id(row.refund_id.unwrap()).one(world.saga.db.reader()).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_back_is_paid_for_and_is_on_the_shelf_again() {
    World::on_each(async |world| {
        let (saga, product) = (&world.saga, world.product(1000, 10));
        let (order, buyer) = sent(world, product, 4).await;
        let wanted = return_of(&order, "1", &[(product, 3)], buyer);
        let announced = request(saga, &wanted).await.unwrap();
        assert_eq!(announced.status, Status::Requested);
        assert_eq!(request(saga, &wanted).await.unwrap(), announced);
        let other = return_of(&order, "1", &[(product, 2)], buyer);
        assert_eq!(mistake(request(saga, &other).await), ("CONFLICT", "input.idempotencyKey".to_owned()));
        // Nothing has happened yet.
        assert_eq!((world.units(product), world.now(order.id).await.refunded_minor), (6, 0));

        // One was lost on the way, one is broken.
        let arrived = receipt_of(announced.id, &[(product, 1, true), (product, 1, false)]);
        let received = receive(saga, &arrived).await.unwrap();
        assert_eq!((received.status, world.units(product)), (Status::Received, 7));
        let paid = refund_for(world, &received).await;
        // Two units of 10.00 and their share of the tax, as any refund.
        assert_eq!((paid.status, paid.amount_minor), (refunds::Status::Succeeded, 2380));
        assert_eq!(paid.reason, "returned: it arrived damaged");
        let line = world.line(order.id).await;
        assert_eq!((line.fulfilled, line.cancelled, line.returned), (4, 0, 2));

        // Again, and in another way.
        assert_eq!(receive(saga, &arrived).await.unwrap(), received);
        let closed = ("NOT_RETURNABLE", "input.id".to_owned());
        assert_eq!(mistake(receive(saga, &receipt_of(announced.id, &[])).await), closed);
        assert_eq!(mistake(decline(&saga.db, announced.id, By::staff("x"), "no").await), closed);
        assert_eq!(mistake(cancel(&saga.db, announced.id, buyer).await), closed);
        assert_eq!(world.refunds().await.len(), 1);
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_back_more_than_they_have() {
    World::on_each(async |world| {
        let (saga, product, other) = (&world.saga, world.product(1000, 10), world.product(1000, 10));
        let order = world.order(&[(product, 4), (other, 1)], CARD).await;
        let (buyer, line) = (By::buyer(order.buyer_id), "input.lines.0.productId".to_owned());
        let ask = async |key: &str, product: Uuid, units: i32| {
            request(saga, &return_of(&order, key, &[(product, units)], buyer)).await
        };
        assert_eq!(mistake(ask("1", product, 1).await), ("NOT_RETURNABLE", line.clone()), "nothing was sent");
        fulfill::ship(&saga.db, &parcel_of(order.id, "1", &[(product, 3)])).await.unwrap();
        for units in [4, 0, -1, i32::MIN] {
            let wrong = ("BAD_USER_INPUT", "input.lines.0.quantity".to_owned());
            assert_eq!(mistake(ask("1", product, units).await), wrong);
        }
        assert_eq!(mistake(ask("1", Uuid::nil(), 1).await), ("BAD_USER_INPUT", line.clone()));
        assert_eq!(mistake(ask("1", other, 1).await), ("NOT_RETURNABLE", line.clone()));
        let none = request(saga, &return_of(&order, "1", &[], buyer)).await;
        assert_eq!(mistake(none), ("BAD_USER_INPUT", "input.lines".to_owned()));
        let twice = request(saga, &return_of(&order, "1", &[(product, 1), (product, 1)], buyer)).await;
        assert_eq!(mistake(twice), ("BAD_USER_INPUT", "input.lines.1.productId".to_owned()));

        // Six at once want two of the three units: one of them gets it.
        let keys: Vec<String> = (0..6).map(|key| format!("many {key}")).collect();
        let asked = join_all(keys.iter().map(|key| ask(key, product, 2))).await;
        let announced: Vec<_> = asked.into_iter().filter_map(Result::ok).collect();
        assert_eq!(announced.len(), 1);
        // What is not announced any more can be announced again.
        let gone = cancel(&saga.db, announced[0].id, buyer).await.unwrap();
        assert_eq!(gone.status, Status::Cancelled);
        assert_eq!(cancel(&saga.db, gone.id, buyer).await.unwrap(), gone);
        let announced = ask("2", product, 3).await.unwrap();
        // The shop pays for a unit without the return; so fewer can come back by it. Two that were not sent are taken first.
        refund::refund(saga, &refund_of(order.id, "a", &[(product, 2)], None)).await.unwrap();
        let too_many = receive(saga, &receipt_of(announced.id, &[])).await;
        assert_eq!(mistake(too_many), ("NOT_RETURNABLE", "input.lines".to_owned()));
        let more = receive(saga, &receipt_of(announced.id, &[(product, 2, true), (product, 2, true)])).await;
        assert_eq!(mistake(more), ("BAD_USER_INPUT", "input.lines.1.quantity".to_owned()));
        let strange = receive(saga, &receipt_of(announced.id, &[(other, 1, true)])).await;
        assert_eq!(mistake(strange), ("BAD_USER_INPUT", line));
        receive(saga, &receipt_of(announced.id, &[(product, 2, true)])).await.unwrap();
        world.check_books().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_have_a_while_and_the_shop_can_always() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let (order, buyer) = sent(world, product, 2).await;
        let within = Policy { return_within: Duration::from_secs(60), ..world.saga.policy };
        let saga = Saga { policy: within, ..world.saga.clone() };
        let set = async |shipped_ago: i64, delivered_ago: Option<i64>| {
            let parcel = fulfillment::Entity::find().one(saga.db.reader()).await.unwrap().unwrap();
            let now = service::clock::now_millis();
            let (shipped_at, delivered_at) = (now - shipped_ago, delivered_ago.map(|ago| now - ago));
            let parcel = fulfillment::Model { shipped_at, delivered_at, ..parcel };
            parcel.into_active_model().reset_all().update(saga.db.reader()).await.unwrap();
        };
        let late = ("NOT_RETURNABLE", "input.lines.0.productId".to_owned());
        let one = [(product, 1)];
        for (shipped, delivered, in_time) in
            [(61_000, None, false), (59_000, None, true), (90_000, Some(59_000), true), (90_000, Some(61_000), false)]
        {
            set(shipped, delivered).await;
            let asked = request(&saga, &return_of(&order, &format!("{shipped} {delivered:?}"), &one, buyer)).await;
            match in_time {
                true => assert_eq!(cancel(&saga.db, asked.unwrap().id, buyer).await.unwrap().status, Status::Cancelled),
                false => assert_eq!(mistake(asked), late),
            }
        }
        let by_shop = request(&saga, &return_of(&order, "shop", &one, By::staff("x"))).await.unwrap();
        let declined = decline(&saga.db, by_shop.id, By::staff("x"), "used for months").await.unwrap();
        assert_eq!(declined.decline_reason.as_deref(), Some("used for months"));
        let again = decline(&saga.db, by_shop.id, By::staff("x"), "another reason").await.unwrap();
        assert_eq!(again, declined);

        let whole = world.order(&[(product, 1)], CARD).await;
        orders::cancel(&saga, whole.id, By::buyer(whole.buyer_id), "no").await.unwrap();
        let gone = request(&saga, &return_of(&whole, "1", &one, By::buyer(whole.buyer_id))).await;
        assert_eq!(mistake(gone), ("NOT_RETURNABLE", "input.orderId".to_owned()));
        world.check_books().await;
    })
    .await;
}

/// Each fault at the calls that follow a receipt: the buyer is paid once, and the shelf has each unit once.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_survives_faults() {
    World::on_each(async |world| {
        for call in [Call::Payment(PaymentCall::Refund), Call::TakeBack] {
            for fault in [Fault::Refused, Fault::Lost, Fault::AnswerLost, Fault::Twice, Fault::Late, Fault::TooMany] {
                let product = world.product(1000, 10);
                let (order, buyer) = sent(world, product, 3).await;
                let announced = request(&world.saga, &return_of(&order, "1", &[(product, 2)], buyer)).await.unwrap();
                world.arm(call, fault);
                receive(&world.saga, &receipt_of(announced.id, &[])).await.unwrap();
                world.settle().await;
                assert_eq!(world.units(product), 9, "{call:?} {fault:?}");
                assert_eq!(world.now(order.id).await.refunded_minor, 2380, "{call:?} {fault:?}");
                world.check_books().await;
            }
        }
    })
    .await;
}

/// A return without anything to pay for: its goods are back all the same.
#[tokio::test(flavor = "multi_thread")]
async fn goods_come_back_although_all_is_paid_back() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let (order, buyer) = sent(world, product, 2).await;
        let announced = request(&world.saga, &return_of(&order, "1", &[(product, 2)], buyer)).await.unwrap();
        let all = refund_of(order.id, "all", &[], Some(order.total_minor));
        refund::refund(&world.saga, &all).await.unwrap();
        let more = Receipt { amount: Some(Money::new(1, Currency::EUR)), ..receipt_of(announced.id, &[]) };
        assert_eq!(mistake(receive(&world.saga, &more).await), ("BAD_USER_INPUT", "input.amount".to_owned()));
        let received = receive(&world.saga, &receipt_of(announced.id, &[])).await.unwrap();
        assert_eq!((received.refund_id, world.units(product)), (None, 10));
        assert_eq!(world.line(order.id).await.returned, 2);
        world.check_books().await;
    })
    .await;
}

/// Units that were not sent are for sale again once they are paid back; a cancellation after that returns only the rest.
#[tokio::test(flavor = "multi_thread")]
async fn units_that_are_not_sent_are_for_sale_again() {
    World::on_each(async |world| {
        for (restock, expected) in [(None, 8), (Some(true), 8), (Some(false), 6)] {
            let product = world.product(1000, 10);
            let order = world.order(&[(product, 4)], CARD).await;
            let wanted = refund::Wanted { restock, ..refund_of(order.id, "a", &[(product, 2)], None) };
            refund::refund(&world.saga, &wanted).await.unwrap();
            assert_eq!(world.units(product), expected, "{restock:?}");
            let other = refund::Wanted { restock: Some(expected == 6), ..wanted.clone() };
            let other = refund::refund(&world.saga, &other).await;
            assert_eq!(mistake(other), ("CONFLICT", "input.idempotencyKey".to_owned()));
            world.check_books().await;
            orders::cancel(&world.saga, order.id, By::staff("x"), "no").await.unwrap();
            assert_eq!(world.units(product), 10, "{restock:?}");
            world.check_books().await;
        }
        // A refund that the provider refuses gives the units back to the order.
        let product = world.product(1000, 10);
        let order = world.order(&[(product, 4)], super::payments::CLOSED).await;
        refund::refund(&world.saga, &refund_of(order.id, "a", &[(product, 2)], None)).await.unwrap();
        assert_eq!((world.units(product), world.restocks().await.len()), (6, 2));
        world.check_books().await;
    })
    .await;
}

/// The order is older than inventory's records, as those of the sample data are: the buyer is paid, and a person sees to the stock.
#[tokio::test(flavor = "multi_thread")]
async fn units_that_inventory_does_not_know_are_not_asked_for_again() {
    World::on_each(async |world| {
        let product = world.product(1000, 10);
        let (order, buyer) = sent(world, product, 2).await;
        let announced = request(&world.saga, &return_of(&order, "1", &[(product, 1)], buyer)).await.unwrap();
        let reservations = || world.others.stock.lock().unwrap();
        let known = reservations().reservations.remove(&order.id.to_string()).unwrap();
        let received = receive(&world.saga, &receipt_of(announced.id, &[])).await.unwrap();
        assert_eq!(refund_for(world, &received).await.status, refunds::Status::Succeeded);
        let restock = world.restocks().await.remove(0);
        assert_eq!(restock.status, crate::entity::restock::Status::Failed);
        assert!(restock.failure.unwrap().contains("NOT_FOUND"));
        assert_eq!(world.units(product), 8);
        reservations().reservations.insert(order.id.to_string(), known);
    })
    .await;
}
