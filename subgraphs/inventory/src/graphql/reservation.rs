//! What other services do: reserve, commit and release stock. None of it is in the API that the router shows.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union};
use service::{DateTime, Money, Result, viewer};

use super::product::{Product, money, saturated, time};
use super::{database, uuid};
use crate::entity::reservation::Status;
use crate::entity::reservation_line;
use crate::reservations::{self, Request, Reservation, Reserved, Shortage};

/// What other services do.
#[derive(Default)]
pub(crate) struct ReservationMutation;

#[Object]
impl ReservationMutation {
    /// Puts stock aside under a key, all lines or none. Safe to repeat: the same key and lines get the same answer.
    /// Whoever reserves must commit or release in the end; nothing expires by itself.
    #[graphql(inaccessible, tag = "internal")]
    async fn reserve_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to put aside, and under which key.")] input: ReserveStockInput,
    ) -> Result<ReserveStockResult> {
        viewer(ctx).require_service()?;
        let mut lines = Vec::with_capacity(input.lines.len());
        let mut unknown = Vec::new();
        for line in input.lines {
            match uuid(&line.product_id) {
                Some(product) => lines.push((product, line.quantity)),
                None => unknown.push(line.product_id),
            }
        }
        if !unknown.is_empty() {
            return Ok(ReserveStockResult::UnknownProduct(UnknownProduct { product_ids: unknown }));
        }
        let request = Request::new(input.idempotency_key, lines)?;
        Ok(database(ctx)?.write(|tx| reservations::reserve(tx, &request)).await?.into())
    }

    /// Gives reserved stock back, also when it was committed, and closes the key for ever. Safe to repeat. A key that was
    /// never used is closed too, so that a reserve that comes late is refused.
    #[graphql(inaccessible, tag = "internal")]
    async fn release_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key of the reservation.")] idempotency_key: String,
    ) -> Result<StockReservation> {
        viewer(ctx).require_service()?;
        let released = database(ctx)?.write(|tx| reservations::release(tx, &idempotency_key)).await?;
        Ok(StockReservation(released))
    }

    /// Makes a reservation final: the stock is sold. Safe to repeat.
    #[graphql(inaccessible, tag = "internal")]
    async fn commit_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key of the reservation.")] idempotency_key: String,
    ) -> Result<CommitStockResult> {
        viewer(ctx).require_service()?;
        let committed = database(ctx)?.write(|tx| reservations::commit(tx, &idempotency_key)).await?;
        Ok(match committed {
            Some(reservation) => CommitStockResult::StockReservation(StockReservation(reservation)),
            None => CommitStockResult::ReservationClosed(ReservationClosed { idempotency_key }),
        })
    }
}

/// What to put aside, and under which key.
#[derive(InputObject)]
#[graphql(inaccessible)]
pub(crate) struct ReserveStockInput {
    /// The caller's name for this request, unique among all: an order's id, say.
    idempotency_key: String,
    /// What to put aside. Lines of one product count together.
    lines: Vec<ReserveStockLineInput>,
}

/// A product and how many of it.
#[derive(InputObject)]
#[graphql(inaccessible)]
pub(crate) struct ReserveStockLineInput {
    /// The product's id.
    product_id: ID,
    /// How many units, at least one.
    quantity: i32,
}

/// What came of asking for stock.
#[derive(Union)]
#[graphql(inaccessible)]
pub(crate) enum ReserveStockResult {
    StockReservation(StockReservation),
    InsufficientStock(InsufficientStock),
    UnknownProduct(UnknownProduct),
    ReservationClosed(ReservationClosed),
}

/// What came of making a reservation final.
#[derive(Union)]
#[graphql(inaccessible)]
pub(crate) enum CommitStockResult {
    StockReservation(StockReservation),
    ReservationClosed(ReservationClosed),
}

impl From<Reserved> for ReserveStockResult {
    fn from(reserved: Reserved) -> Self {
        match reserved {
            Reserved::Held(reservation) => Self::StockReservation(StockReservation(reservation)),
            Reserved::Insufficient(lines) => Self::InsufficientStock(InsufficientStock {
                lines: lines.into_iter().map(InsufficientStockLine).collect(),
            }),
            Reserved::Unknown(products) => Self::UnknownProduct(UnknownProduct {
                product_ids: products.into_iter().map(|product| product.0.into()).collect(),
            }),
            Reserved::Closed(idempotency_key) => Self::ReservationClosed(ReservationClosed { idempotency_key }),
        }
    }
}

/// Stock that is put aside, sold, or given back.
pub(crate) struct StockReservation(Reservation);

/// Stock that is put aside, sold, or given back.
#[Object(inaccessible)]
impl StockReservation {
    /// The id.
    async fn id(&self) -> ID {
        self.0.row.id.0.into()
    }

    /// The caller's key.
    async fn idempotency_key(&self) -> &str {
        &self.0.row.idempotency_key
    }

    /// How it stands.
    async fn status(&self) -> Status {
        self.0.row.status
    }

    /// What it is for; empty when the key was closed before it was used.
    async fn lines(&self) -> Vec<StockReservationLine> {
        self.0.lines.iter().cloned().map(StockReservationLine).collect()
    }

    /// By when the holder should have committed or released it, while it is held. Nothing happens by itself then: only
    /// the holder knows whether the goods are paid for.
    async fn expires_at(&self) -> Result<Option<DateTime>> {
        let held = self.0.row.status == Status::Held;
        held.then(|| time(self.0.row.created_at.saturating_add(HOLD_MILLIS))).transpose()
    }
}

/// How long a holder should take to decide.
const HOLD_MILLIS: i64 = 15 * 60 * 1000;

/// A product of a reservation.
pub(crate) struct StockReservationLine(reservation_line::Model);

/// A product of a reservation.
#[Object(inaccessible)]
impl StockReservationLine {
    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Some(Product::existing(ctx, self.0.product_id.0).await)
    }

    /// How many units.
    async fn quantity(&self) -> i32 {
        self.0.quantity
    }

    /// What one cost when it was put aside.
    async fn unit_price(&self) -> Result<Money> {
        money(self.0.unit_price_minor, &self.0.unit_price_currency)
    }
}

/// There is too little: nothing was put aside, and the key stays free.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct InsufficientStock {
    /// The products of which there is too little.
    lines: Vec<InsufficientStockLine>,
}

/// A product of which there is too little.
pub(crate) struct InsufficientStockLine(Shortage);

/// A product of which there is too little.
#[Object(inaccessible)]
impl InsufficientStockLine {
    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Some(Product::existing(ctx, self.0.product.0).await)
    }

    /// How many units were asked for.
    async fn requested(&self) -> i32 {
        self.0.requested
    }

    /// How many there are.
    async fn available(&self) -> i32 {
        saturated(self.0.available)
    }
}

/// There are no such products: nothing was put aside, and the key stays free.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct UnknownProduct {
    /// The ids that are of no product.
    product_ids: Vec<ID>,
}

/// The key was released, and can't be used again.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct ReservationClosed {
    /// The key.
    idempotency_key: String,
}
