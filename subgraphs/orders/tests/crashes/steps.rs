//! One fault at a time, at each step of an order's life.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::payments::{self, PaymentCall};
use crate::proxy::{Call, Fault};
use crate::world::{self, World};

/// What a client does, and so which calls there are that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Orders what there is, until it is placed.
    Places,
    /// Orders what there is, once, and is never heard of again.
    Vanishes,
    /// Orders more than there is.
    WantsTooMuch,
    /// Pays with a card that is declined.
    CannotPay,
    /// Pays with a card whose authorization has expired when the money is to be taken.
    Expires,
    /// Orders, then cancels.
    Cancels,
    /// Cancels an order that is still pending.
    CancelsEarly,
}

impl Story {
    const ALL: [Self; 7] = [
        Self::Places,
        Self::Vanishes,
        Self::WantsTooMuch,
        Self::CannotPay,
        Self::Expires,
        Self::Cancels,
        Self::CancelsEarly,
    ];

    fn calls(self) -> &'static [Call] {
        use PaymentCall::{Authorize, Capture, Refund, Void};
        match self {
            Self::Places => {
                &[Call::Quote, Call::Reserve, Call::Payment(Authorize), Call::Commit, Call::Payment(Capture)]
            }
            Self::Vanishes => &[Call::Reserve, Call::Payment(Authorize), Call::Commit, Call::Payment(Capture)],
            Self::WantsTooMuch => &[Call::Reserve, Call::Release],
            Self::CannotPay => &[Call::Payment(Authorize), Call::Release],
            Self::Expires => &[Call::Payment(Capture), Call::Payment(Void), Call::Release],
            Self::Cancels => &[Call::Release, Call::Payment(Refund)],
            Self::CancelsEarly => &[Call::Reserve, Call::Payment(Authorize), Call::Payment(Capture)],
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::CannotPay => payments::DECLINED,
            Self::Expires => payments::EXPIRES,
            _ => "pm_card",
        }
    }
}

fn faults(call: Call) -> &'static [Fault] {
    match call {
        Call::Payment(_) => &Fault::OF_PAYMENTS,
        _ => &Fault::ALL,
    }
}

/// One fault in one life of an order.
#[derive(Debug, Clone, Copy)]
struct Case {
    story: Story,
    call: Call,
    fault: Fault,
}

impl Case {
    fn all() -> Vec<Self> {
        let of_call = |story, call| faults(call).iter().map(move |fault| Self { story, call, fault: *fault });
        let of_story = |story: Story| story.calls().iter().flat_map(move |call| of_call(story, *call));
        Story::ALL.into_iter().flat_map(of_story).collect()
    }

    /// Each fault of each call in one of the stories that make this call. The turn decides in which.
    fn some(turn: usize) -> Vec<Self> {
        let mut alike: Vec<Vec<Self>> = Vec::new();
        for case in Self::all() {
            match alike.iter_mut().find(|alike| (alike[0].call, alike[0].fault) == (case.call, case.fault)) {
                Some(alike) => alike.push(case),
                None => alike.push(vec![case]),
            }
        }
        (turn..).zip(alike).map(|(turn, alike)| alike[turn % alike.len()]).collect()
    }
}

/// So many worlds on each kind of database; each has one case at a time.
const WORLDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_step() {
    let all = std::env::var("CRASH_CASES").is_ok_and(|cases| cases == "all");
    let cases = |kind| if all { Case::all() } else { Case::some(kind) };
    let worlds = join_all((0..WORLDS).map(|_| world::each())).await;
    let left: Vec<_> = (0..worlds[0].len()).map(|kind| Mutex::new(cases(kind).into_iter())).collect();
    let runs = worlds.into_iter().flat_map(|each| each.into_iter().zip(&left)).map(|(world, left)| run(world, left));
    let ran: usize = join_all(runs).await.into_iter().sum();
    println!("{ran} faults have left the books in order");
}

/// Takes one case after the other; says how many.
async fn run(world: World, left: &Mutex<impl Iterator<Item = Case>>) -> usize {
    let mut products = world.products_in_stock().into_iter().cycle();
    let mut ran = 0;
    loop {
        let Some(case) = left.lock().unwrap().next() else { break };
        let done = AssertUnwindSafe(check(&world, case, products.next().unwrap())).catch_unwind().await;
        assert!(done.is_ok(), "{case:?} went wrong, as said above");
        ran += 1;
    }
    world.end().await;
    ran
}

async fn check(world: &World, case: Case, product: Uuid) {
    let Case { story, call, fault } = case;
    let (user, key) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    let stock = world.stock_of(product).await;
    let quantity = if story == Story::WantsTooMuch { stock + 1 } else { 1 };
    if story != Story::Cancels {
        world.proxy.arm(call, fault);
    }
    let method = story.method();
    match story {
        Story::Places => {
            let result = world.place(user, &key, product, quantity, method).await;
            assert_eq!(result["order"]["status"], "PLACED", "{case:?}: {result}");
            let again = world.place(user, &key, product, quantity, method).await;
            assert_eq!(again["order"]["id"], result["order"]["id"], "{case:?}");
        }
        Story::Vanishes => {
            world.place_once(user, &key, product, quantity, method).await;
        }
        Story::WantsTooMuch => {
            let result = world.place(user, &key, product, quantity, method).await;
            assert_eq!(result["userErrors"][0]["code"], "OUT_OF_STOCK", "{case:?}: {result}");
            assert_eq!(result["shortages"][0]["available"], stock, "{case:?}");
        }
        Story::CannotPay => {
            let result = world.place(user, &key, product, quantity, method).await;
            assert_eq!(result["userErrors"][0]["code"], "PAYMENT_DECLINED", "{case:?}: {result}");
        }
        Story::Expires => {
            world.place_once(user, &key, product, quantity, method).await;
        }
        Story::Cancels => {
            let result = world.place(user, &key, product, quantity, method).await;
            world.proxy.arm(call, fault);
            world.cancel(user, &result["order"]["id"]).await;
        }
        Story::CancelsEarly => {
            if let Some(result) = world.place_once(user, &key, product, quantity, method).await {
                world.cancel(user, &result["order"]["id"]).await;
            }
        }
    }
    world.settle().await;
    assert!(world.proxy.went_off(), "{case:?}: the fault did not happen");
    assert_eq!(world.orders_of_key(&key).await, 1, "{case:?}");
    world.check_books().await;
    let left = world.stock_of(product).await;
    let sold = match story {
        Story::Places | Story::Vanishes => 1,
        Story::WantsTooMuch | Story::CannotPay | Story::Expires | Story::Cancels => 0,
        // Killed under it, a client can't cancel what it knows no id of.
        Story::CancelsEarly => stock - left,
    };
    assert_eq!(left, stock - sold, "{case:?}");
}
