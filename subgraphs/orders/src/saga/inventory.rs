//! The client of inventory: four stock mutations and a query of products, over GraphQL.
//! Knows no table of orders and no step.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;
use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service::graphql::id;
use service::graphql::money::MoneyError;
use service::{DateTime, Metrics, Money, metrics, trace};
use uuid::Uuid;

use crate::entity::order::Shortage;
use crate::entity::{order_line, restock};

/// The header with which a service identifies itself.
const TOKEN_HEADER: &str = "x-internal-token";
/// A larger response must be wrong: the number of lines in an order is bounded.
const MAX_RESPONSE_BYTES: usize = 1 << 20;

/// A client of inventory. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inventory {
    http: reqwest::Client,
    url: reqwest::Url,
    token: String,
    seconds: Histogram,
}

/// A product when it is ordered.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) price: Money,
    pub(crate) weight_grams: i32,
    pub(crate) discontinued: bool,
}

/// The result of a reservation request.
#[derive(Debug)]
pub(crate) enum Reserve {
    /// The stock is held for this order, or was already by an earlier, identical request.
    Held(Reservation),
    /// There is too little stock of these products.
    OutOfStock(Vec<Shortage>),
    /// There are no such products.
    UnknownProducts(Vec<Uuid>),
    /// These products are no longer sold.
    Discontinued(Vec<Uuid>),
    /// The reservation was released before.
    Closed,
}

/// The result of a commit.
#[derive(Debug)]
pub(crate) enum Commit {
    /// The stock is sold.
    Committed,
    /// The reservation was released before.
    Closed,
}

/// Stock that is held, and at what price.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(crate) lines: Vec<ReservedLine>,
}

/// A line of a reservation.
#[derive(Debug)]
pub(crate) struct ReservedLine {
    pub(crate) product_id: Uuid,
    pub(crate) quantity: i32,
    pub(crate) unit_price: Money,
}

/// A call to inventory failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("inventory at {url} did not respond")]
    Transport {
        url: reqwest::Url,
        #[source]
        cause: reqwest::Error,
    },
    #[error("inventory responded with HTTP status {0}")]
    Status(StatusCode),
    #[error("inventory responded with more than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
    #[error("inventory's response is not what was expected")]
    Form(#[source] serde_json::Error),
    #[error("inventory responded with the error {}: {message}", code.as_deref().unwrap_or("without a code"))]
    Refused {
        /// `extensions.code`.
        code: Option<String>,
        message: String,
    },
    #[error("inventory's response has no data")]
    NoData,
}

impl InventoryError {
    /// Whether the same request would be refused again, because of its content or its sender. All other errors are transient:
    /// it is not known what inventory did, so the request must be repeated.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Status(status) => {
                let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
                status.is_client_error() && !later.contains(status)
            }
            // An unknown code may come from a proxy between us and inventory.
            Self::Refused { code, .. } => code.as_deref().is_some_and(|code| REFUSALS.contains(&code)),
            Self::Transport { .. } | Self::TooLarge | Self::Form(_) | Self::NoData => false,
        }
    }
}

impl InventoryError {
    /// Whether inventory says that what is asked for can't be done, whoever asks.
    pub(crate) fn is_about_content(&self) -> bool {
        matches!(self, Self::Refused { code: Some(code), .. } if code == "NOT_FOUND" || code == "CONFLICT")
    }
}

/// The codes of requests that inventory will always refuse.
const REFUSALS: [&str; 7] = [
    "BAD_USER_INPUT",
    "NOT_FOUND",
    "CONFLICT",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
];

impl Inventory {
    /// A client for the endpoint. Every call ends within `timeout`.
    pub(crate) fn new(url: reqwest::Url, token: String, timeout: Duration) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(timeout.min(Duration::from_secs(2)))
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, url, token, seconds: Histogram::new(metrics::SECONDS) })
    }

    /// Shows at `/metrics` how long calls take.
    pub(crate) fn show(&self, metrics: &Metrics) {
        metrics.add("inventory_seconds", "How long calls of inventory took", self.seconds.clone());
    }

    /// Those of the products that exist, with their current price.
    pub(crate) async fn products(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Product>, InventoryError> {
        let representations: Vec<Value> =
            ids.iter().map(|id| json!({ "__typename": "Product", "id": id::global("Product", *id) })).collect();
        let answer: Entities = self.call(PRODUCTS, json!({ "representations": representations })).await?;
        Ok(answer.entities.into_iter().flatten().map(|product| (product.id.0, product.into_product())).collect())
    }

    /// Reserves stock for the lines under the key; after `expires_at`, inventory may release it unless it is committed. May be repeated.
    pub(crate) async fn reserve(
        &self,
        key: Uuid,
        lines: &[order_line::Model],
        expires_at: DateTime,
    ) -> Result<Reserve, InventoryError> {
        let lines: Vec<Value> = lines.iter().map(|line| wire_line(line.product_id, line.quantity)).collect();
        let input = json!({ "idempotencyKey": key, "lines": lines, "expiresAt": expires_at.to_rfc3339() });
        let answer: Answer<ReserveAnswer> = self.call(RESERVE, json!({ "input": input })).await?;
        Ok(match answer.result {
            ReserveAnswer::StockReservation { status: ReservationStatus::Released, .. } => Reserve::Closed,
            ReserveAnswer::StockReservation { lines, .. } => {
                Reserve::Held(Reservation { lines: lines.into_iter().map(WireLine::into_line).collect() })
            }
            ReserveAnswer::InsufficientStock { lines } => {
                Reserve::OutOfStock(lines.into_iter().map(WireShortage::into_shortage).collect())
            }
            ReserveAnswer::UnknownProduct { product_ids } => Reserve::UnknownProducts(uuids(product_ids)),
            ReserveAnswer::DiscontinuedProducts { product_ids } => Reserve::Discontinued(uuids(product_ids)),
            ReserveAnswer::ReservationClosed => Reserve::Closed,
        })
    }

    /// Commits the reservation. May be repeated.
    pub(crate) async fn commit(&self, key: Uuid) -> Result<Commit, InventoryError> {
        let answer: Answer<CommitAnswer> = self.call(COMMIT, json!({ "key": key })).await?;
        Ok(match answer.result {
            CommitAnswer::StockReservation => Commit::Committed,
            CommitAnswer::ReservationClosed => Commit::Closed,
        })
    }

    /// Returns the stock that is held or sold under the key, once, and closes the key for good. May be repeated.
    pub(crate) async fn release(&self, key: Uuid) -> Result<(), InventoryError> {
        let _: Answer<Value> = self.call(RELEASE, json!({ "key": key })).await?;
        Ok(())
    }

    /// Returns units that were sold under the reservation's key, once for `key`; nothing if it was released, since all is back then. May
    /// be repeated.
    pub(crate) async fn take_back(
        &self,
        key: Uuid,
        reservation: Uuid,
        lines: &[restock::Line],
    ) -> Result<(), InventoryError> {
        let lines: Vec<Value> = lines.iter().map(|line| wire_line(line.product_id, line.quantity)).collect();
        let input = json!({ "idempotencyKey": key, "reservationKey": reservation, "lines": lines });
        let _: Answer<Value> = self.call(TAKE_BACK, json!({ "input": input })).await?;
        Ok(())
    }

    async fn call<T: DeserializeOwned>(&self, query: &str, variables: Value) -> Result<T, InventoryError> {
        let began = Instant::now();
        let answer = self.answer(query, variables).await;
        self.seconds.observe(began.elapsed().as_secs_f64());
        read(&answer?)
    }

    async fn answer(&self, query: &str, variables: Value) -> Result<Vec<u8>, InventoryError> {
        let request = self.http.post(self.url.clone()).json(&json!({ "query": query, "variables": variables }));
        let request = request.header(TOKEN_HEADER, &self.token);
        let response = trace::send("inventory", request).await.map_err(|cause| self.transport(cause))?;
        let status = response.status();
        if !status.is_success() {
            return Err(InventoryError::Status(status));
        }
        self.body(response).await
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, InventoryError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|cause| self.transport(cause))? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(InventoryError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, cause: reqwest::Error) -> InventoryError {
        InventoryError::Transport { url: self.url.clone(), cause: cause.without_url() }
    }
}

fn wire_line(product: Uuid, quantity: i32) -> Value {
    json!({ "productId": id::global("Product", product), "quantity": quantity })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, InventoryError> {
    let response: GraphQlResponse<T> = serde_json::from_slice(body).map_err(InventoryError::Form)?;
    if let Some(error) = response.errors.into_iter().next() {
        return Err(InventoryError::Refused { code: error.extensions.code, message: error.message });
    }
    response.data.ok_or(InventoryError::NoData)
}

const PRODUCTS: &str = "query Products($representations: [_Any!]!) {
  entities: _entities(representations: $representations) {
    ... on Product { id sku name price { amount currency } weightGrams discontinued }
  }
}";

const RESERVE: &str = "mutation Reserve($input: ReserveStockInput!) {
  result: reserveStock(input: $input) {
    __typename
    ... on StockReservation { status lines { product { id } quantity unitPrice { amount currency } } }
    ... on InsufficientStock { lines { product { id } requested available } }
    ... on UnknownProduct { productIds }
    ... on DiscontinuedProducts { productIds }
  }
}";

const COMMIT: &str = "mutation Commit($key: String!) {
  result: commitStock(idempotencyKey: $key) { __typename }
}";

const RELEASE: &str = "mutation Release($key: String!) {
  result: releaseStock(idempotencyKey: $key) { status }
}";

const TAKE_BACK: &str = "mutation TakeBack($input: TakeBackStockInput!) {
  result: takeBackStock(input: $input) { __typename }
}";

#[derive(Deserialize)]
struct GraphQlResponse<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

#[derive(Deserialize)]
struct GraphQlError {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
struct Extensions {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    result: T,
}

#[derive(Deserialize)]
struct Entities {
    entities: Vec<Option<WireProduct>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireProduct {
    id: ProductId,
    sku: String,
    name: String,
    price: WireMoney,
    weight_grams: i32,
    discontinued: bool,
}

#[derive(Deserialize)]
#[serde(tag = "__typename")]
enum ReserveAnswer {
    StockReservation {
        status: ReservationStatus,
        lines: Vec<WireLine>,
    },
    InsufficientStock {
        lines: Vec<WireShortage>,
    },
    #[serde(rename_all = "camelCase")]
    UnknownProduct {
        product_ids: Vec<ProductId>,
    },
    #[serde(rename_all = "camelCase")]
    DiscontinuedProducts {
        product_ids: Vec<ProductId>,
    },
    ReservationClosed,
}

#[derive(Deserialize)]
#[serde(tag = "__typename")]
enum CommitAnswer {
    StockReservation,
    ReservationClosed,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ReservationStatus {
    Held,
    Committed,
    Released,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLine {
    product: WireId,
    quantity: i32,
    unit_price: WireMoney,
}

#[derive(Deserialize)]
struct WireShortage {
    product: WireId,
    requested: i32,
    available: i32,
}

#[derive(Deserialize)]
struct WireId {
    id: ProductId,
}

/// An id of the graph.
struct ProductId(Uuid);

impl<'de> Deserialize<'de> for ProductId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        id::parse("Product", &text).map(Self).ok_or_else(|| serde::de::Error::custom("not the id of a product"))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "WireAmount")]
struct WireMoney(Money);

#[derive(Deserialize)]
struct WireAmount {
    amount: String,
    currency: String,
}

impl TryFrom<WireAmount> for WireMoney {
    type Error = MoneyError;

    fn try_from(wire: WireAmount) -> Result<Self, MoneyError> {
        format!("{} {}", wire.amount, wire.currency).parse().map(Self)
    }
}

impl WireProduct {
    fn into_product(self) -> Product {
        Product {
            sku: self.sku,
            name: self.name,
            price: self.price.0,
            weight_grams: self.weight_grams.max(0),
            discontinued: self.discontinued,
        }
    }
}

fn uuids(ids: Vec<ProductId>) -> Vec<Uuid> {
    ids.into_iter().map(|id| id.0).collect()
}

impl WireLine {
    fn into_line(self) -> ReservedLine {
        ReservedLine { product_id: self.product.id.0, quantity: self.quantity, unit_price: self.unit_price.0 }
    }
}

impl WireShortage {
    fn into_shortage(self) -> Shortage {
        Shortage { product_id: self.product.id.0, requested: self.requested, available: self.available }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_refused_again_is_permanent() {
        let refused = |body: &str| read::<Value>(body.as_bytes()).unwrap_err();
        let with_code =
            |code: &str| refused(&format!(r#"{{"errors":[{{"message":"No.","extensions":{{"code":"{code}"}}}}]}}"#));
        for code in ["FORBIDDEN", "BAD_USER_INPUT", "CONFLICT", "GRAPHQL_VALIDATION_FAILED"] {
            assert!(with_code(code).is_permanent(), "{code}");
        }
        for code in ["INTERNAL", "UNAVAILABLE", "SOMETHING_BETWEEN"] {
            assert!(!with_code(code).is_permanent(), "{code}");
        }
        assert!(!refused(r#"{"data":null,"errors":[{"message":"No."}]}"#).is_permanent());
        assert!(!refused("<html>").is_permanent());
        assert!(!refused("{}").is_permanent());
        for (status, permanent) in
            [(400, true), (401, true), (404, true), (408, false), (429, false), (500, false), (503, false)]
        {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(InventoryError::Status(status).is_permanent(), permanent, "{status}");
        }
    }
}
