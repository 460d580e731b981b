//! Many clients, few units.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use service::sample::Dice;
use uuid::Uuid;

use crate::world::{self, World};

const CLIENTS: usize = 32;
/// Together the clients want more than there is.
const ORDERS_OF_EACH: usize = 5;
const UNITS: std::ops::RangeInclusive<i64> = 60..=140;
const MOST_KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_last_unit_is_sold_once() {
    for world in world::each().await {
        check(world, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_unit_is_sold_once_though_services_die() {
    for world in world::each().await {
        check(world, true).await;
    }
}

async fn check(world: World, kill: bool) {
    let (product, units) = world.product_with(UNITS);
    let world = Arc::new(world);
    let over = Arc::new(AtomicBool::new(false));
    let killer = tokio::spawn(kill_now_and_then(Arc::clone(&world), Arc::clone(&over), kill));
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(buy(Arc::clone(&world), product))).collect();
    let mut placed = 0;
    for client in clients {
        placed += client.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let kills = killer.await.unwrap();
    assert!(!kill || kills > 0, "nothing was killed");

    world.settle().await;
    world.check_books().await;
    assert_eq!(placed, units, "units sold, with {kills} kills");
    assert_eq!(world.stock_of(product).await, 0);
    let Ok(world) = Arc::try_unwrap(world) else { panic!("a task is left") };
    world.end().await;
}

/// Orders one unit, several times; says how many orders were placed.
async fn buy(world: Arc<World>, product: Uuid) -> i64 {
    let user = Uuid::new_v4();
    let mut placed = 0;
    for number in 0..ORDERS_OF_EACH {
        let result = world.place(user, &number.to_string(), product, 1, "pm_card").await;
        match (result["order"]["status"].as_str(), result["userErrors"][0]["code"].as_str()) {
            (Some("PLACED"), None) => placed += 1,
            (Some("REJECTED"), Some("OUT_OF_STOCK")) => {}
            _ => panic!("{result}"),
        }
    }
    placed
}

/// Kills one or the other at odd moments; the clients start them again.
async fn kill_now_and_then(world: Arc<World>, over: Arc<AtomicBool>, kill: bool) -> usize {
    let mut dice = Dice::new("kills");
    let mut kills = 0;
    while kill && kills < MOST_KILLS && !over.load(Ordering::SeqCst) {
        // Later each time, so that a slow machine too gets something done between two kills.
        let pause = 100 * (kills as u64 + 1) + dice.below(500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match dice.below(3) {
            0 => world.proxy.orders.kill(),
            1 => world.proxy.inventory.kill(),
            _ => {
                world.proxy.orders.kill();
                world.proxy.inventory.kill();
            }
        }
        kills += 1;
        // Time to get up again, or nothing would ever be sold.
        world.revive().await;
    }
    kills
}
