//! Orders that nothing in the background finishes: a command does, or a schedule that invokes a function.

use std::process::{Command, Output};
use std::time::Duration;

use uuid::Uuid;

use crate::proxy::{Call, Fault};
use crate::world::{self, World};

/// Longer than the lease of an order.
const LEASE_IS_OVER: Duration = Duration::from_millis(1200);

/// Runs a command of orders with the variables of this world.
async fn orders(world: &World, argument: &'static str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
    command.env_clear().envs(world.environment()).arg(argument);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Leaves an order that is reserved and neither paid nor sold, and nobody who works on it.
async fn crash(world: &World) {
    let product = world.products_in_stock()[0];
    world.proxy.arm(Call::Commit, Fault::OrdersDiesAfter);
    world.place_once(Uuid::new_v4(), &Uuid::new_v4().to_string(), product, 1, "pm_card").await;
    assert!(world.proxy.went_off() && world.proxy.orders.address().is_none());
    assert_eq!(world.under_way().await, 1);
    tokio::time::sleep(LEASE_IS_OVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finishes_what_a_crash_left() {
    for world in world::each().await {
        crash(&world).await;
        let done = orders(&world, "reconcile").await;
        let (printed, log) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && printed.starts_with("reconciler: 1\n"), "{printed}{log}");
        assert_eq!(world.under_way().await, 0, "{log}");
        world.check_books().await;
        // With nothing to do it says so.
        let printed = String::from_utf8(orders(&world, "reconcile").await.stdout).unwrap();
        assert_eq!(printed, "reconciler: 0\nrelay of events: 0\n");
        world.end().await;
    }
}

#[cfg(feature = "lambda")]
mod function {
    use serde_json::Value;

    use super::*;
    use crate::lambda::{LambdaFunction, asking, event};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_schedule_finishes_what_a_crash_left() {
        for world in world::each().await {
            crash(&world).await;
            let root = tempfile::tempdir().unwrap();
            let mut function =
                LambdaFunction::start(env!("CARGO_BIN_EXE_orders"), root.path(), &world.environment()).await;
            println!("cold start of orders: {:?}", function.init);
            // Nothing is done beside requests: the function may stand still at any time.
            let own = ask(&mut function, &world, "{ __typename }").await;
            assert_eq!(own["data"]["__typename"], "Query", "{own}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(world.under_way().await, 1, "{}", function.log());
            let returned = function.invoke(&event("scheduled", |_| {})).await;
            let done = returned.json();
            assert!(!returned.is_error && done["reconciler"] == 1, "{done}\n{}", function.log());
            assert_eq!(world.under_way().await, 0, "{}", function.log());
            world.check_books().await;
            let (took, well) = function.end().await;
            assert!(well && took < Duration::from_millis(500), "{took:?}\n{}", function.log());
            world.end().await;
        }
    }

    async fn ask(function: &mut LambdaFunction, world: &World, query: &str) -> Value {
        let bearer = world.bearer(Uuid::new_v4());
        let asked = event("function-url", |event| {
            asking(query)(event);
            event["headers"]["authorization"] = bearer.into();
        });
        function.invoke(&asked).await.content()
    }
}
