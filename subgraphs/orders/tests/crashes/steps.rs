//! One fault at a time, at each step of an order's life.

use uuid::Uuid;

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
    /// Orders, then cancels.
    Cancels,
    /// Cancels an order that is still pending.
    CancelsEarly,
}

impl Story {
    const ALL: [Self; 5] = [Self::Places, Self::Vanishes, Self::WantsTooMuch, Self::Cancels, Self::CancelsEarly];

    fn calls(self) -> &'static [Call] {
        match self {
            Self::Places => &[Call::Quote, Call::Reserve, Call::Commit],
            Self::Vanishes => &[Call::Reserve, Call::Commit],
            Self::WantsTooMuch => &[Call::Reserve, Call::Release],
            Self::Cancels => &[Call::Release],
            Self::CancelsEarly => &[Call::Reserve],
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_every_step() {
    for world in world::each().await {
        let mut products = world.products_in_stock().into_iter().cycle();
        for story in Story::ALL {
            for call in story.calls() {
                for fault in Fault::ALL {
                    let product = products.next().unwrap();
                    check(&world, story, *call, fault, product).await;
                }
            }
        }
        world.end().await;
    }
}

async fn check(world: &World, story: Story, call: Call, fault: Fault, product: Uuid) {
    let case = format!("{story:?} {call:?} {fault:?}");
    let (user, key) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    let stock = world.stock_of(product).await;
    let quantity = if story == Story::WantsTooMuch { stock + 1 } else { 1 };
    if story != Story::Cancels {
        world.proxy.arm(call, fault);
    }
    match story {
        Story::Places => {
            let result = world.place(user, &key, product, quantity).await;
            assert_eq!(result["__typename"], "PlacedOrder", "{case}: {result}");
            let again = world.place(user, &key, product, quantity).await;
            assert_eq!(again["order"]["id"], result["order"]["id"], "{case}");
        }
        Story::Vanishes => {
            world.place_once(user, &key, product, quantity).await;
        }
        Story::WantsTooMuch => {
            let result = world.place(user, &key, product, quantity).await;
            assert_eq!(result["__typename"], "OutOfStock", "{case}: {result}");
            assert_eq!(result["lines"][0]["available"], stock, "{case}");
        }
        Story::Cancels => {
            let result = world.place(user, &key, product, quantity).await;
            world.proxy.arm(call, fault);
            world.cancel(user, &result["order"]["id"]).await;
        }
        Story::CancelsEarly => {
            if let Some(result) = world.place_once(user, &key, product, quantity).await {
                world.cancel(user, &result["order"]["id"]).await;
            }
        }
    }
    world.settle().await;
    assert!(world.proxy.went_off(), "{case}: the fault did not happen");
    assert_eq!(world.orders_of_key(&key).await, 1, "{case}");
    world.check_books().await;
    let left = world.stock_of(product).await;
    let sold = match story {
        Story::Places | Story::Vanishes => 1,
        Story::WantsTooMuch | Story::Cancels => 0,
        // Killed under it, a client can't cancel what it knows no id of.
        Story::CancelsEarly => stock - left,
    };
    assert_eq!(left, stock - sold, "{case}");
}
