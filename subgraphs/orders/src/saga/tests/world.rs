//! An orders service without GraphQL: its database, an inventory and a payment provider that can fail, and all of their books.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::join_all;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use service::testing::TestDatabase;
use service::{Database, Money, Result};
use uuid::Uuid;

use super::payments::{PaymentCall, Payments, SECRET};
use crate::address::somewhere;
use crate::entity::order::{self, Status, Step};
use crate::entity::{ledger_entry, order_line, product_sales, quote, refund, restock};
use crate::offer::WantedLine;
use crate::saga::place::{Agreement, Outcome, Wanted, place};
use crate::saga::{Policy, Saga, inventory::Inventory, quote as quoting, reconcile};
use crate::{migration, payment::HttpProvider};

/// A call that orders makes to another party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Products,
    Reserve,
    Commit,
    Release,
    TakeBack,
    Payment(PaymentCall),
}

/// What goes wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, and the answer says so.
    Refused,
    /// Nothing is done, and something in between answers.
    Lost,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is done twice, as by a proxy that retries.
    Twice,
    /// There is no answer for longer than the caller waits, and it is done after that.
    Late,
    /// Too many requests.
    TooMany,
}

/// Inventory and the payment provider.
#[derive(Default)]
pub(crate) struct Others {
    pub(crate) payments: Payments,
    pub(crate) stock: Mutex<Stock>,
    faults: Mutex<Vec<(Call, Fault)>>,
}

/// The books of inventory.
#[derive(Default)]
pub(crate) struct Stock {
    pub(crate) products: BTreeMap<Uuid, Product>,
    pub(crate) reservations: HashMap<String, Reservation>,
}

/// A product of inventory.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) cents: i64,
    pub(crate) units: i64,
    pub(crate) discontinued: bool,
}

/// A reservation.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    pub(crate) status: &'static str,
    pub(crate) lines: Vec<(Uuid, i64)>,
    /// The keys under which units were taken back, and which.
    pub(crate) taken_back: HashMap<String, Vec<(Uuid, i64)>>,
}

/// What a test has.
pub(crate) struct World {
    pub(crate) saga: Saga,
    pub(crate) others: Arc<Others>,
    place: TestDatabase,
}

/// How long orders waits for an answer.
const PATIENCE: Duration = Duration::from_millis(500);

impl World {
    /// A world on each kind of database.
    pub(crate) async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for place in TestDatabase::each().await.unwrap() {
            let db = Database::connect(&place.config).await.unwrap();
            db.migrate(migration::steps).await.unwrap();
            let others = Arc::new(Others::default());
            let base = serve(Arc::clone(&others)).await;
            let saga = saga(db, &base, Policy::default());
            worlds.push(Self { saga, others, place });
        }
        worlds
    }

    /// Runs a test in a world on each kind of database, in all at the same time.
    pub(crate) async fn on_each(test: impl AsyncFn(&mut Self)) {
        let in_one = async |mut world: Self| {
            test(&mut world).await;
            world.end().await;
        };
        join_all(Self::each().await.into_iter().map(in_one)).await;
    }

    pub(crate) async fn end(self) {
        self.saga.db.close().await.unwrap();
        self.place.drop_it().await.unwrap();
    }

    /// A product that inventory has from now on.
    pub(crate) fn product(&self, cents: i64, units: i64) -> Uuid {
        let id = Uuid::new_v4();
        let product = Product { cents, units, discontinued: false };
        self.others.stock.lock().unwrap().products.insert(id, product);
        id
    }

    /// How many units of a product there are.
    pub(crate) fn units(&self, product: Uuid) -> i64 {
        self.others.stock.lock().unwrap().products[&product].units
    }

    /// The next call of this kind goes wrong.
    pub(crate) fn arm(&self, call: Call, fault: Fault) {
        self.others.faults.lock().unwrap().push((call, fault));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn disarm(&self) {
        self.others.faults.lock().unwrap().clear();
    }

    /// What a buyer asks for who was shown the total.
    pub(crate) async fn wanted(&self, lines: &[(Uuid, i32)], method: &str) -> Wanted {
        let buyer = Uuid::new_v4();
        let lines: Vec<WantedLine> =
            lines.iter().map(|(product, quantity)| WantedLine { product: *product, quantity: *quantity }).collect();
        let quote = quoting::quote(&self.saga, buyer, &lines, somewhere()).await.unwrap();
        let total = quote.offer.total().unwrap();
        Wanted {
            buyer,
            idempotency_key: Uuid::new_v4().to_string(),
            payment_method: method.to_owned(),
            agreement: Agreement::Total { lines, address: somewhere(), total },
        }
    }

    /// Orders, and returns the order.
    pub(crate) async fn order(&self, lines: &[(Uuid, i32)], method: &str) -> order::Model {
        let wanted = self.wanted(lines, method).await;
        match place(&self.saga, wanted).await.unwrap() {
            Outcome::Order(order) => order,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn now(&self, id: Uuid) -> order::Model {
        self.saga.order(id).await.unwrap()
    }

    pub(crate) async fn line(&self, id: Uuid) -> order_line::Model {
        super::super::store::lines(&self.saga.db, id).await.unwrap().remove(0)
    }

    pub(crate) async fn refunds(&self) -> Vec<refund::Model> {
        refund::Entity::find().order_by_asc(refund::Column::CreatedAt).all(self.saga.db.reader()).await.unwrap()
    }

    /// Reconciles until nothing is under way any more.
    pub(crate) async fn settle(&self) {
        self.disarm();
        // Late requests come in.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for _ in 0..200 {
            reconcile::pass(&self.saga).await.unwrap();
            if self.is_settled().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing settles: {:?}", self.orders().await);
    }

    pub(crate) async fn restocks(&self) -> Vec<restock::Model> {
        restock::Entity::find().all(self.saga.db.reader()).await.unwrap()
    }

    /// How many units of an order with one line are on the shelf again.
    pub(crate) async fn restocked(&self, order: Uuid) -> i64 {
        let own = self.restocks().await.into_iter().filter(|restock| restock.order_id == order);
        own.flat_map(|restock| restock.lines.0).map(|line| i64::from(line.quantity)).sum()
    }

    async fn is_settled(&self) -> bool {
        self.orders().await.iter().all(|order| order.step == Step::Done)
            && self.refunds().await.iter().all(|refund| refund.status != refund::Status::Pending)
            && self.restocks().await.iter().all(|restock| restock.status != restock::Status::Pending)
    }

    pub(crate) async fn orders(&self) -> Vec<order::Model> {
        order::Entity::find().all(self.saga.db.reader()).await.unwrap()
    }

    /// The books of all three parties must tell one story. Nothing may be under way.
    pub(crate) async fn check_books(&self) {
        let db = self.saga.db.reader();
        let orders = self.orders().await;
        let lines = order_line::Entity::find().all(db).await.unwrap();
        let ledger = ledger_entry::Entity::find().all(db).await.unwrap();
        let intents = self.others.payments.intents();
        let mut sold: BTreeMap<Uuid, i64> = BTreeMap::new();
        for order in &orders {
            let own: Vec<_> = intents.values().filter(|intent| intent.order == order.number.to_string()).collect();
            assert!(own.len() <= 1, "authorized twice: {own:?}");
            let (captured, refunded) =
                own.iter().fold((0, 0), |sum, intent| (sum.0 + intent.captured, sum.1 + intent.refunded));
            assert_eq!((order.captured_minor, order.refunded_minor), (captured, refunded), "{order:?}");
            assert!(own.iter().all(|intent| intent.status != "requires_capture"), "still set aside: {own:?} {order:?}");
            let in_ledger = |kind| {
                ledger
                    .iter()
                    .filter(|entry| entry.order_id == order.id && entry.kind == kind)
                    .map(|entry| entry.amount_minor)
                    .sum::<i64>()
            };
            assert_eq!(in_ledger(ledger_entry::Kind::Capture), captured, "{order:?}");
            assert_eq!(in_ledger(ledger_entry::Kind::Refund), refunded, "{order:?}");
            match order.status {
                Status::Placed => assert_eq!(captured, order.total_minor),
                Status::Cancelled => {
                    assert!(refunded == captured || own.iter().any(|intent| intent.method == super::payments::CLOSED))
                }
                Status::Rejected => assert_eq!(captured, refunded),
                Status::Pending => panic!("{order:?}"),
            }
            for line in lines.iter().filter(|line| line.order_id == order.id) {
                if order.status == Status::Placed {
                    *sold.entry(line.product_id).or_default() += i64::from(line.refundable());
                }
            }
            self.check_shelf(order, &lines).await;
            let reserved = self
                .others
                .stock
                .lock()
                .unwrap()
                .reservations
                .get(&order.id.to_string())
                .map(|reservation| reservation.status);
            match order.status {
                Status::Placed => assert_eq!(reserved, Some("COMMITTED")),
                _ => assert_eq!(reserved, Some("RELEASED"), "{order:?}"),
            }
        }
        let counted = product_sales::Entity::find().all(db).await.unwrap();
        let counted: BTreeMap<Uuid, i64> = counted.into_iter().map(|sales| (sales.product_id, sales.units)).collect();
        for (product, units) in sold.iter().chain(&counted) {
            assert_eq!((sold.get(product).unwrap_or(&0), counted.get(product).unwrap_or(&0)), (units, units));
        }
    }

    /// Of a placed order, inventory has as many units fewer as were sold and did not come back.
    async fn check_shelf(&self, order: &order::Model, lines: &[order_line::Model]) {
        if order.status != Status::Placed {
            return;
        }
        let back = self.restocks().await;
        let back = |line: &order_line::Model| -> i64 {
            let own = back.iter().filter(|restock| restock.order_id == order.id).flat_map(|restock| &restock.lines.0);
            own.filter(|units| units.product_id == line.product_id).map(|units| i64::from(units.quantity)).sum()
        };
        let stock = self.others.stock.lock().unwrap();
        let sold = &stock.reservations[&order.id.to_string()].lines;
        for line in lines.iter().filter(|line| line.order_id == order.id) {
            let (_, sold) = sold.iter().find(|(product, _)| *product == line.product_id).unwrap();
            assert_eq!(*sold, i64::from(line.quantity) - back(line), "{line:?}");
            assert!(back(line) <= i64::from(line.cancelled + line.returned), "{line:?}");
        }
    }

    pub(crate) async fn quotes(&self) -> Vec<quote::Model> {
        quote::Entity::find().all(self.saga.db.reader()).await.unwrap()
    }
}

/// A saga over a database and others, as one instance of the service has it.
pub(crate) fn saga(db: Database, base: &str, policy: Policy) -> Saga {
    let url = |path: &str| reqwest::Url::parse(&format!("{base}{path}")).unwrap();
    let inventory = Inventory::new(url("/graphql"), "secret".to_owned(), PATIENCE).unwrap();
    let payments = HttpProvider::new(url(""), SECRET.to_owned(), PATIENCE).unwrap();
    let soon = Duration::from_millis(1);
    let policy = Policy { first_backoff: soon, last_backoff: soon, lease: Duration::from_secs(5), ..policy };
    Saga::new(db, inventory, Arc::new(payments), policy)
}

/// Serves both on one port; says where.
pub(crate) async fn serve(others: Arc<Others>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/graphql", post(inventory)).fallback(payments).with_state(others);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base
}

async fn inventory(State(others): State<Arc<Others>>, Json(request): Json<Value>) -> Response {
    let query = request["query"].as_str().unwrap().to_owned();
    let call = [
        ("_entities", Call::Products),
        ("reserveStock", Call::Reserve),
        ("commitStock", Call::Commit),
        ("takeBackStock", Call::TakeBack),
    ];
    let call = call.into_iter().find(|(name, _)| query.contains(name)).map_or(Call::Release, |(_, call)| call);
    let answer = move |others: &Others| {
        let mut stock = others.stock.lock().unwrap();
        (StatusCode::OK, stock.answer(call, &request["variables"]).to_string())
    };
    let refusal = json!({ "errors": [{ "message": "No.", "extensions": { "code": "FORBIDDEN" } }] });
    answered(others, call, answer, (StatusCode::OK, refusal.to_string())).await
}

async fn payments(State(others): State<Arc<Others>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let call = Call::Payment(PaymentCall::of(uri.path()).unwrap());
    let answer = move |others: &Others| others.payments.answer(uri.path(), &headers, &body);
    let refusal = json!({ "error": { "type": "invalid_request_error", "message": "No." } });
    answered(others, call, answer, (StatusCode::FORBIDDEN, refusal.to_string())).await
}

async fn answered(
    others: Arc<Others>,
    call: Call,
    answer: impl Fn(&Others) -> (StatusCode, String) + Send + 'static,
    refusal: (StatusCode, String),
) -> Response {
    let fault = {
        let mut faults = others.faults.lock().unwrap();
        let armed = faults.iter().position(|(armed, _)| *armed == call);
        armed.map(|index| faults.remove(index).1)
    };
    let lost = (StatusCode::BAD_GATEWAY, "<html>Bad gateway</html>".to_owned());
    match fault {
        None => answer(&others),
        Some(Fault::Refused) => refusal,
        Some(Fault::Lost) => lost,
        Some(Fault::TooMany) => (StatusCode::TOO_MANY_REQUESTS, "{}".to_owned()),
        Some(Fault::AnswerLost) => {
            answer(&others);
            lost
        }
        Some(Fault::Twice) => {
            answer(&others);
            answer(&others)
        }
        Some(Fault::Late) => {
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE + Duration::from_millis(10)).await;
                answer(&others);
            });
            tokio::time::sleep(PATIENCE * 2).await;
            lost
        }
    }
    .into_response()
}

impl Stock {
    fn answer(&mut self, call: Call, variables: &Value) -> Value {
        let key = variables["key"].as_str().unwrap_or_default().to_owned();
        let result = match call {
            Call::Products => return json!({ "data": { "entities": self.products(variables) } }),
            Call::Reserve => self.reserve(&variables["input"]),
            Call::Commit => match self.reservations.get_mut(&key) {
                Some(reservation) if reservation.status != "RELEASED" => {
                    reservation.status = "COMMITTED";
                    json!({ "__typename": "StockReservation" })
                }
                _ => json!({ "__typename": "ReservationClosed" }),
            },
            Call::TakeBack => self.take_back(&variables["input"]),
            _ => {
                self.release(key);
                json!({ "status": "RELEASED" })
            }
        };
        if result.is_null() {
            return json!({ "errors": [{ "message": "None.", "extensions": { "code": "NOT_FOUND" } }] });
        }
        json!({ "data": { "result": result } })
    }

    fn products(&self, variables: &Value) -> Vec<Value> {
        let representations = variables["representations"].as_array().unwrap();
        let product = |representation: &Value| {
            let id = service::graphql::id::parse("Product", representation["id"].as_str().unwrap()).unwrap();
            self.products.get(&id).map_or(Value::Null, |product| {
                json!({ "id": representation["id"], "sku": &id.simple().to_string()[..8], "name": "A thing", "price": money(product.cents), "weightGrams": 700, "discontinued": product.discontinued })
            })
        };
        representations.iter().map(product).collect()
    }

    fn reserve(&mut self, input: &Value) -> Value {
        let key = input["idempotencyKey"].as_str().unwrap().to_owned();
        assert!(input["expiresAt"].is_string());
        if let Some(reservation) = self.reservations.get(&key) {
            return match reservation.status {
                "RELEASED" => json!({ "__typename": "ReservationClosed" }),
                _ => self.reservation(&key),
            };
        }
        let lines: Vec<(Uuid, i64)> = input["lines"].as_array().unwrap().iter().map(line).collect();
        let unknown: Vec<_> =
            lines.iter().filter(|(id, _)| !self.products.contains_key(id)).map(|(id, _)| id).collect();
        if !unknown.is_empty() {
            return json!({ "__typename": "UnknownProduct", "productIds": unknown });
        }
        let gone: Vec<_> = lines.iter().filter(|(id, _)| self.products[id].discontinued).map(|(id, _)| id).collect();
        if !gone.is_empty() {
            return json!({ "__typename": "DiscontinuedProducts", "productIds": gone });
        }
        let short: Vec<_> = lines
            .iter()
            .filter(|(id, quantity)| self.products[id].units < *quantity)
            .map(|(id, quantity)| json!({ "product": { "id": id }, "requested": quantity, "available": self.products[id].units }))
            .collect();
        if !short.is_empty() {
            return json!({ "__typename": "InsufficientStock", "lines": short });
        }
        for (id, quantity) in &lines {
            self.products.get_mut(id).unwrap().units -= quantity;
        }
        self.reservations.insert(key.clone(), Reservation { status: "HELD", lines, taken_back: HashMap::new() });
        self.reservation(&key)
    }

    fn reservation(&self, key: &str) -> Value {
        let reservation = &self.reservations[key];
        let line = |(id, quantity): &(Uuid, i64)| json!({ "product": { "id": service::graphql::id::global("Product", *id) }, "quantity": quantity, "unitPrice": money(self.products[id].cents) });
        let lines: Vec<_> = reservation.lines.iter().map(line).collect();
        json!({ "__typename": "StockReservation", "status": reservation.status, "lines": lines })
    }

    fn take_back(&mut self, input: &Value) -> Value {
        let key = input["idempotencyKey"].as_str().unwrap().to_owned();
        let lines: Vec<(Uuid, i64)> = input["lines"].as_array().unwrap().iter().map(line).collect();
        let Some(reservation) = self.reservations.get_mut(input["reservationKey"].as_str().unwrap()) else {
            return Value::Null;
        };
        if reservation.status == "RELEASED" {
            return json!({ "__typename": "ReservationClosed" });
        }
        assert_eq!(reservation.status, "COMMITTED");
        if let Some(before) = reservation.taken_back.get(&key) {
            assert_eq!(before, &lines, "a key stands for one request");
        } else {
            for (id, quantity) in &lines {
                let sold = reservation.lines.iter_mut().find(|(product, _)| product == id).unwrap();
                sold.1 -= quantity;
                assert!(sold.1 >= 0, "more comes back than was sold");
                self.products.get_mut(id).unwrap().units += quantity;
            }
            reservation.taken_back.insert(key, lines);
        }
        json!({ "__typename": "StockReservation" })
    }

    /// Closes the key; what was held or sold under it is in stock again.
    pub(crate) fn release(&mut self, key: String) {
        let closed = Reservation { status: "RELEASED", lines: Vec::new(), taken_back: HashMap::new() };
        if let Some(before) = self.reservations.insert(key, closed) {
            for (id, quantity) in before.lines {
                self.products.get_mut(&id).unwrap().units += quantity;
            }
        }
    }
}

fn line(line: &Value) -> (Uuid, i64) {
    let id = service::graphql::id::parse("Product", line["productId"].as_str().unwrap()).unwrap();
    (id, line["quantity"].as_i64().unwrap())
}

fn money(cents: i64) -> Value {
    let money = Money::new(cents, service::graphql::money::Currency::EUR);
    json!({ "amount": money.amount_text(), "currency": "EUR" })
}

/// A result that must be an error of the caller: its code, and the path of what is wrong.
pub(crate) fn mistake<T: std::fmt::Debug>(done: Result<T>) -> (&'static str, String) {
    match done.unwrap_err() {
        service::Error::Caller { code, field, .. } => (code.as_str(), field.unwrap_or_default().join(".")),
        error => panic!("{error}"),
    }
}
