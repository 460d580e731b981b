//! Any sequence of changes of stock, beside a model in memory: the same answers, the same stock, and sums that agree after each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use service::{Viewer, clock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::shop::{RESERVE, Shop, bare, on_each, reserve_variables};

#[derive(Debug, Clone)]
enum Step {
    Receive { product: usize, place: usize, quantity: i64 },
    Adjust { product: usize, place: usize, delta: i64 },
    Transfer { product: usize, from: usize, to: usize, quantity: i64 },
    Count { product: usize, place: usize, quantity: i64 },
    Reserve { key: usize, quantities: [i64; PRODUCTS], expired: bool },
    Commit { key: usize },
    Release { key: usize },
    TakeBack { key: usize, quantities: [i64; PRODUCTS] },
    Sweep,
}

const PRODUCTS: usize = 2;
const PLACES: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let (product, place, key) = (0..PRODUCTS, 0..PLACES, 0..5_usize);
    prop_oneof![
        3 => (product.clone(), place.clone(), 1..20_i64).prop_map(|(product, place, quantity)| Step::Receive { product, place, quantity }),
        1 => (product.clone(), place.clone(), prop_oneof![-20..0_i64, 1..20_i64]).prop_map(|(product, place, delta)| Step::Adjust { product, place, delta }),
        2 => (product.clone(), place.clone(), place.clone(), 1..15_i64).prop_map(|(product, from, to, quantity)| Step::Transfer { product, from, to, quantity }),
        1 => (product, place, 0..20_i64).prop_map(|(product, place, quantity)| Step::Count { product, place, quantity }),
        4 => (key.clone(), 1..15_i64, 0..15_i64, any::<bool>()).prop_map(|(key, a, b, expired)| Step::Reserve { key, quantities: [a, b], expired }),
        2 => key.clone().prop_map(|key| Step::Commit { key }),
        2 => key.clone().prop_map(|key| Step::Release { key }),
        3 => (key, 0..6_i64, 1..6_i64).prop_map(|(key, a, b)| Step::TakeBack { key, quantities: [a, b] }),
        1 => Just(Step::Sweep),
    ]
}

/// What a level has, and how many of it are reserved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Level {
    on_hand: i64,
    reserved: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Held,
    Committed,
    Released,
}

#[derive(Debug, Clone)]
struct Reservation {
    status: Status,
    quantities: [i64; PRODUCTS],
    expired: bool,
    /// How many units of each product come from each place.
    shares: [[i64; PLACES]; PRODUCTS],
}

struct Model {
    levels: [[Level; PLACES]; PRODUCTS],
    reservations: BTreeMap<usize, Reservation>,
    /// By which equal levels are ordered.
    places: Vec<Uuid>,
}

/// Each level, and how many units of each product can be ordered.
type Stock = ([[Level; PLACES]; PRODUCTS], [i64; PRODUCTS]);

impl Model {
    fn stock(&self) -> Stock {
        let free = |levels: [Level; PLACES]| levels.iter().map(|level| level.on_hand - level.reserved).sum();
        (self.levels, self.levels.map(free))
    }

    /// Changes what is there, if enough is left for what is reserved.
    fn change(&mut self, changes: &[(usize, usize, i64)]) -> bool {
        let fits = changes.iter().all(|(product, place, delta)| {
            let level = self.levels[*product][*place];
            level.on_hand + delta >= level.reserved
        });
        for (product, place, delta) in changes.iter().filter(|_| fits) {
            self.levels[*product][*place].on_hand += delta;
        }
        fits
    }

    fn reserve(&mut self, key: usize, quantities: [i64; PRODUCTS], expired: bool) -> &'static str {
        if let Some(found) = self.reservations.get(&key) {
            return match found.status {
                Status::Released => "ReservationClosed",
                _ if found.quantities == quantities => "StockReservation",
                _ => "CONFLICT",
            };
        }
        let mut shares = [[0; PLACES]; PRODUCTS];
        for (product, wanted) in quantities.into_iter().enumerate() {
            let mut missing = wanted;
            let free = |place: usize| self.levels[product][place].on_hand - self.levels[product][place].reserved;
            let mut fullest: Vec<usize> = (0..PLACES).collect();
            fullest.sort_by_key(|place| (-free(*place), self.places[*place]));
            for place in fullest {
                shares[product][place] = free(place).min(missing);
                missing -= shares[product][place];
            }
            if missing > 0 {
                return "InsufficientStock";
            }
        }
        self.each(&shares, |level, share| level.reserved += share);
        self.reservations.insert(key, Reservation { status: Status::Held, quantities, expired, shares });
        "StockReservation"
    }

    fn commit(&mut self, key: usize) -> &'static str {
        let Some(found) = self.reservations.get_mut(&key) else { return "NOT_FOUND" };
        let (status, shares) = (found.status, found.shares);
        if status == Status::Released {
            return "ReservationClosed";
        }
        found.status = Status::Committed;
        if status == Status::Held {
            self.each(&shares, |level, share| {
                level.reserved -= share;
                level.on_hand -= share;
            });
        }
        "StockReservation"
    }

    fn release(&mut self, key: usize) {
        let unused = Reservation {
            status: Status::Released,
            quantities: [0; PRODUCTS],
            expired: false,
            shares: [[0; PLACES]; PRODUCTS],
        };
        let found = self.reservations.entry(key).or_insert(unused);
        let (status, shares) = (found.status, found.shares);
        found.status = Status::Released;
        match status {
            Status::Held => self.each(&shares, |level, share| level.reserved -= share),
            Status::Committed => self.each(&shares, |level, share| level.on_hand += share),
            Status::Released => {}
        }
    }

    fn take_back(&mut self, key: usize, quantities: [i64; PRODUCTS]) -> &'static str {
        let Some(found) = self.reservations.get_mut(&key) else { return "NOT_FOUND" };
        match found.status {
            Status::Held => return "CONFLICT",
            Status::Released => return "ReservationClosed",
            Status::Committed => {}
        }
        let mut in_order: Vec<usize> = (0..PLACES).collect();
        in_order.sort_by_key(|place| self.places[*place]);
        let mut back = [[0; PLACES]; PRODUCTS];
        for (product, mut missing) in quantities.into_iter().enumerate() {
            for place in &in_order {
                back[product][*place] = found.shares[product][*place].min(missing);
                missing -= back[product][*place];
            }
            if missing > 0 {
                return "CONFLICT";
            }
        }
        for (shares, back) in found.shares.iter_mut().flatten().zip(back.iter().flatten()) {
            *shares -= back;
        }
        self.each(&back, |level, share| level.on_hand += share);
        "StockReservation"
    }

    fn sweep(&mut self) {
        let expired =
            |(key, found): (&usize, &Reservation)| (found.expired && found.status == Status::Held).then_some(*key);
        for key in self.reservations.iter().filter_map(expired).collect::<Vec<_>>() {
            self.release(key);
        }
    }

    fn each(&mut self, shares: &[[i64; PLACES]; PRODUCTS], change: impl Fn(&mut Level, i64)) {
        for (levels, shares) in self.levels.iter_mut().zip(shares) {
            levels.iter_mut().zip(shares).for_each(|(level, share)| change(level, *share));
        }
    }
}

/// The products and places of one sequence.
struct World<'a> {
    shop: &'a Shop,
    name: String,
    products: Vec<String>,
    places: Vec<String>,
}

impl World<'_> {
    async fn new<'a>(shop: &'a Shop, name: String) -> World<'a> {
        let mut products = Vec::new();
        for n in 0..PRODUCTS {
            products.push(shop.product(&format!("{name}-{n}"), &[]).await);
        }
        let mut places = shop.warehouses().await;
        places.truncate(PLACES);
        World { shop, name, products, places }
    }

    fn lines(&self, quantities: &[i64; PRODUCTS]) -> Vec<(&str, i32)> {
        let products = self.products.iter().map(String::as_str);
        products.zip(quantities.map(|quantity| quantity as i32)).filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// What the mutation answers: the code of its mistake, or nothing.
    async fn change(&self, number: usize, mutation: &str, mut input: Value) -> Option<String> {
        input["idempotencyKey"] = json!(format!("{} {number}", self.name));
        let query = super::shop::mutation_of(mutation, "__typename");
        // Twice, because a repetition changes nothing.
        let mut answer = Value::Null;
        for _ in 0..2 {
            answer = self.shop.data(super::shop::admin(), &query, json!({ "input": input })).await[mutation].take();
        }
        answer["userErrors"][0]["code"].as_str().map(str::to_owned)
    }

    async fn take(&self, number: usize, step: &Step, model: &mut Model) {
        let at = |product: usize, place: usize| json!({ "productId": self.products[product], "warehouseId": self.places[place] });
        let with = |mut input: Value, field: &str, value: i64| {
            input[field] = json!(value);
            input
        };
        let conflict = |fits: bool| (!fits).then(|| "CONFLICT".to_owned());
        let key = |key: &usize| format!("{} key {key}", self.name);
        match step {
            Step::Receive { product, place, quantity } => {
                let done = self.change(number, "receiveStock", with(at(*product, *place), "quantity", *quantity)).await;
                assert_eq!(done, conflict(model.change(&[(*product, *place, *quantity)])));
            }
            Step::Adjust { product, place, delta } => {
                let mut input = with(at(*product, *place), "delta", *delta);
                input["reason"] = json!("model");
                let done = self.change(number, "adjustStock", input).await;
                assert_eq!(done, conflict(model.change(&[(*product, *place, *delta)])));
            }
            Step::Transfer { product, from, to, quantity } => {
                let input = json!({
                    "productId": self.products[*product], "fromWarehouseId": self.places[*from],
                    "toWarehouseId": self.places[*to], "quantity": quantity,
                });
                let done = self.change(number, "transferStock", input).await;
                let expected = if from == to {
                    Some("BAD_USER_INPUT".to_owned())
                } else {
                    conflict(model.change(&[(*product, *from, -quantity), (*product, *to, *quantity)]))
                };
                assert_eq!(done, expected);
            }
            Step::Count { product, place, quantity } => {
                let done = self.change(number, "countStock", with(at(*product, *place), "quantity", *quantity)).await;
                let delta = quantity - model.levels[*product][*place].on_hand;
                assert_eq!(done, conflict(model.change(&[(*product, *place, delta)])));
            }
            Step::Reserve { key: k, quantities, expired } => {
                let mut variables = reserve_variables(&key(k), &self.lines(quantities));
                let expires = clock::now() + chrono::TimeDelta::seconds(if *expired { -1 } else { 3600 });
                variables["input"]["expiresAt"] = json!(expires.to_rfc3339());
                let answer = self.shop.ask(Viewer::Service, RESERVE, variables).await;
                let expected = model.reserve(*k, *quantities, *expired);
                assert_eq!(outcome(&answer, "reserveStock"), expected, "{answer}");
            }
            Step::Commit { key: k } => {
                let answer = self.shop.ask(Viewer::Service, super::shop::COMMIT, json!({ "key": key(k) })).await;
                assert_eq!(outcome(&answer, "commitStock"), model.commit(*k), "{answer}");
            }
            Step::Release { key: k } => {
                self.shop.release(&key(k)).await;
                model.release(*k);
            }
            Step::TakeBack { key: k, quantities } => {
                let (own, lines) = (format!("{} {number}", self.name), self.lines(quantities));
                let expected = model.take_back(*k, *quantities);
                assert_eq!(self.shop.take_back(&own, &key(k), &lines).await, expected);
                // A repetition changes nothing.
                assert_eq!(self.shop.take_back(&own, &key(k), &lines).await, expected);
            }
            Step::Sweep => {
                let stop = CancellationToken::new();
                let sweeper = tokio::spawn(inventory::sweep(self.shop.database.clone(), stop.clone()));
                model.sweep();
                let waited = async {
                    while self.stock().await != model.stock() {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    }
                };
                tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.expect("it is released in time");
                stop.cancel();
                sweeper.await.unwrap();
            }
        }
    }

    /// What the graph says of each level, and how many units of each product it says can be ordered.
    async fn stock(&self) -> Stock {
        let query =
            "query($id: ID!) { product(by: { id: $id }) { stock stockLevels { onHand reserved warehouse { id } } } }";
        let (mut levels, mut free) = ([[Level::default(); PLACES]; PRODUCTS], [0; PRODUCTS]);
        for (product, id) in self.products.iter().enumerate() {
            let found = self.shop.data(super::shop::admin(), query, json!({ "id": id })).await["product"].take();
            free[product] = found["stock"].as_i64().unwrap();
            for level in found["stockLevels"].as_array().unwrap() {
                let place = self.places.iter().position(|place| level["warehouse"]["id"] == **place).unwrap();
                let number = |field: &str| level[field].as_i64().unwrap();
                levels[product][place] = Level { on_hand: number("onHand"), reserved: number("reserved") };
            }
        }
        (levels, free)
    }
}

fn outcome<'a>(answer: &'a Value, mutation: &str) -> &'a str {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or_else(|| answer["data"][mutation]["__typename"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_is_what_the_model_says() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5);
    on_each(|shop| async move {
        let counter = AtomicUsize::new(0);
        let handle = tokio::runtime::Handle::current();
        let mut runner =
            TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() });
        let checked = tokio::task::block_in_place(|| {
            runner.run(&proptest::collection::vec(step(), 1..40), |steps| {
                handle.block_on(async {
                    let name = format!("MODEL-{}", counter.fetch_add(1, Ordering::Relaxed));
                    let world = World::new(&shop, name).await;
                    let places = world.places.iter().map(|place| bare(place)).collect();
                    let mut model = Model { levels: Default::default(), reservations: BTreeMap::new(), places };
                    for (number, step) in steps.iter().enumerate() {
                        world.take(number, step, &mut model).await;
                        assert_eq!(world.stock().await, model.stock(), "after {step:?}");
                    }
                    assert_eq!(shop.differences().await, 0);
                });
                Ok(())
            })
        });
        checked.unwrap();
    })
    .await;
}
