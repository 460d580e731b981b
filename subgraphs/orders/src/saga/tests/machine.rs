//! Random lives of orders with random failures. A model says what may be; after each life the books must agree.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::payments::{self, PaymentCall};
use super::returns::{receipt_of, return_of};
use super::world::{Call, Fault, World};
use super::{CARD, parcel_of, refund_of};
use crate::entity::order::{self, Status, Step};
use crate::saga::place::{Outcome, place};
use crate::saga::{By, cancel, fulfill, reconcile, refund, retry, returns};

/// Something that somebody does.
#[derive(Clone, Debug)]
enum Deed {
    Place {
        units: i32,
        method: &'static str,
    },
    Cancel {
        order: usize,
        staff: bool,
    },
    Refund {
        order: usize,
        units: i32,
        amount: Option<i64>,
    },
    Ship {
        order: usize,
        units: i32,
    },
    /// The buyer sends something back, and the shop receives so much of it, or declines.
    Return {
        order: usize,
        units: i32,
        received: i32,
        restock: bool,
    },
    Retry {
        order: usize,
    },
    Reconcile,
    Fail(Call, Fault),
    /// The stock comes back by itself, as when a reservation has expired.
    Expire {
        order: usize,
    },
}

fn deed() -> impl Strategy<Value = Deed> {
    let method = prop_oneof![
        6 => Just(CARD),
        1 => Just(payments::DECLINED),
        1 => Just(payments::EXPIRES),
        1 => Just(payments::CLOSED)
    ];
    let call = prop_oneof![
        Just(Call::Reserve),
        Just(Call::Commit),
        Just(Call::Release),
        Just(Call::TakeBack),
        Just(Call::Payment(PaymentCall::Authorize)),
        Just(Call::Payment(PaymentCall::Capture)),
        Just(Call::Payment(PaymentCall::Void)),
        Just(Call::Payment(PaymentCall::Refund)),
    ];
    let fault = prop_oneof![
        4 => Just(Fault::Lost),
        4 => Just(Fault::AnswerLost),
        2 => Just(Fault::Twice),
        2 => Just(Fault::TooMany),
        2 => Just(Fault::Refused),
        1 => Just(Fault::Late)
    ];
    let which = 0..4_usize;
    prop_oneof![
        4 => (1..4_i32, method).prop_map(|(units, method)| Deed::Place { units, method }),
        2 => (which.clone(), any::<bool>()).prop_map(|(order, staff)| Deed::Cancel { order, staff }),
        2 => (which.clone(), 0..4_i32, prop::option::of(-1..4000_i64))
            .prop_map(|(order, units, amount)| Deed::Refund { order, units, amount }),
        2 => (which.clone(), 0..4_i32).prop_map(|(order, units)| Deed::Ship { order, units }),
        3 => (which.clone(), 1..4_i32, 0..4_i32, any::<bool>())
            .prop_map(|(order, units, received, restock)| Deed::Return { order, units, received, restock }),
        1 => which.clone().prop_map(|order| Deed::Retry { order }),
        2 => Just(Deed::Reconcile),
        5 => (call, fault).prop_map(|(call, fault)| Deed::Fail(call, fault)),
        1 => which.prop_map(|order| Deed::Expire { order }),
    ]
}

/// `PROPTEST_CASES` sets how many.
#[test]
fn random_lives_keep_the_books() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let test = |world: World| {
        let mut runner =
            TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() });
        let lives = prop::collection::vec(deed(), 1..25);
        runner
            .run(&lives, |life| {
                runtime.block_on(live(&world, &life));
                Ok(())
            })
            .unwrap();
        runtime.block_on(world.end());
    };
    std::thread::scope(|scope| {
        for world in runtime.block_on(World::each()) {
            scope.spawn(|| test(world));
        }
    });
}

async fn live(world: &World, life: &[Deed]) {
    let (product, mut orders, mut keys) = (world.product(999, 6), Vec::new(), 0..);
    for deed in life {
        let key = format!("{}", keys.next().unwrap_or(0));
        act(world, product, &mut orders, &key, deed).await;
        check_order_of_status(world, &orders).await;
    }
    world.settle().await;
    world.check_books().await;
    check_stock(world, product, &orders).await;
}

async fn act(world: &World, product: Uuid, orders: &mut Vec<order::Model>, key: &str, deed: &Deed) {
    let saga = &world.saga;
    let of = |index: &usize| orders.get(*index).map(|order| (order.id, order.buyer_id));
    match deed {
        Deed::Place { units, method } => {
            let wanted = world.wanted(&[(product, *units)], method).await;
            match place(saga, wanted).await.unwrap() {
                Outcome::Order(order) => orders.push(order),
                other => panic!("{other:?}"),
            }
        }
        Deed::Cancel { order, staff } => {
            if let Some((id, buyer)) = of(order) {
                let by = if *staff { By::staff("x") } else { By::buyer(buyer) };
                expect_mistake(cancel::cancel(saga, id, by, "no").await);
            }
        }
        Deed::Refund { order, units, amount } => {
            if let Some((id, _)) = of(order) {
                let lines: Vec<_> = (*units > 0).then_some((product, *units)).into_iter().collect();
                expect_mistake(refund::refund(saga, &refund_of(id, key, &lines, *amount)).await);
            }
        }
        Deed::Ship { order, units } => {
            if let Some((id, _)) = of(order) {
                let lines: Vec<_> = (*units > 0).then_some((product, *units)).into_iter().collect();
                expect_mistake(fulfill::ship(&saga.db, &parcel_of(id, key, &lines)).await);
            }
        }
        Deed::Return { order, units, received, restock } => {
            if let Some(order) = orders.get(*order) {
                let wanted = return_of(order, key, &[(product, *units)], By::buyer(order.buyer_id));
                match returns::request(saga, &wanted).await {
                    Err(error) => expect_mistake::<()>(Err(error)),
                    Ok(row) if *received == 0 => {
                        returns::decline(&saga.db, row.id, By::staff("x"), "no").await.unwrap();
                    }
                    Ok(row) => {
                        let receipt = receipt_of(row.id, &[(product, *received, *restock)]);
                        expect_mistake(returns::receive(saga, &receipt).await);
                    }
                }
            }
        }
        Deed::Retry { order } => {
            if let Some((id, _)) = of(order) {
                retry::retry(saga, id).await.unwrap();
            }
        }
        Deed::Reconcile => {
            reconcile::pass(saga).await.unwrap();
        }
        Deed::Fail(call, fault) => world.arm(*call, *fault),
        Deed::Expire { order } => {
            // Only what is not sold yet expires.
            if let Some((id, _)) = of(order) {
                let mut stock = world.others.stock.lock().unwrap();
                if stock.reservations.get(&id.to_string()).is_some_and(|held| held.status == "HELD") {
                    stock.release(id.to_string());
                }
            }
        }
    }
}

/// It may be refused, but only for a reason of the caller's.
fn expect_mistake<T: std::fmt::Debug>(done: service::Result<T>) {
    if let Err(error) = done {
        assert!(matches!(error, service::Error::Caller { .. }), "{error:?}");
    }
}

/// What is decided stays decided.
async fn check_order_of_status(world: &World, orders: &[order::Model]) {
    for before in orders {
        let now = world.now(before.id).await;
        assert!(now.refunded_minor <= now.captured_minor && now.captured_minor <= now.total_minor);
        assert_eq!((now.total_minor, now.number), (before.total_minor, before.number));
        match (before.status, now.status) {
            (Status::Rejected, after) => assert_eq!(after, Status::Rejected),
            (Status::Cancelled, after) => assert_eq!(after, Status::Cancelled),
            (Status::Placed, after) => assert!(matches!(after, Status::Placed | Status::Cancelled)),
            (Status::Pending, _) => {}
        }
    }
}

/// Six units, some of which are in placed orders.
async fn check_stock(world: &World, product: Uuid, orders: &[order::Model]) {
    let mut sold = 0;
    for order in orders {
        let now = world.now(order.id).await;
        assert_eq!(now.step, Step::Done);
        if now.status == Status::Placed {
            sold += i64::from(world.line(order.id).await.quantity);
            sold -= world.restocked(order.id).await;
        }
    }
    assert_eq!(world.units(product) + sold, 6);
}
