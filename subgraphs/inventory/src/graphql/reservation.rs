//! The mutations for other services: reserve, commit and release stock. They are not in the router's public schema.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Union};
use service::graphql::{database, id};
use service::{DateTime, Error, Money, Result, viewer};

use super::product::{Product, money, time, units};
use crate::entity::reservation::Status;
use crate::entity::reservation_line;
use crate::reservations::{self, Request, Reservation, Reserved, Shortage, TakeBack};

/// The mutations for other services.
#[derive(Default)]
pub(crate) struct ReservationMutation;

#[Object]
impl ReservationMutation {
    /// Reserves stock under a key, for all lines or for none. Safe to repeat: the same key and lines have the same result.
    /// The caller must commit or release the reservation; it expires only if it says so.
    #[graphql(inaccessible, tag = "internal")]
    async fn reserve_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to reserve, and under which key.")] input: ReserveStockInput,
    ) -> Result<ReserveStockResult> {
        viewer(ctx).require_service()?;
        let mut lines = Vec::with_capacity(input.lines.len());
        let mut unknown = Vec::new();
        for line in input.lines {
            match id::parse("Product", &line.product_id) {
                Some(product) => lines.push((product, line.quantity)),
                None => unknown.push(line.product_id),
            }
        }
        if !unknown.is_empty() {
            return Ok(ReserveStockResult::UnknownProduct(UnknownProduct { product_ids: unknown }));
        }
        let request = Request::new(input.idempotency_key, input.expires_at.map(|at| at.timestamp_millis()), lines)?;
        Ok(database(ctx)?.write(|tx| reservations::reserve(tx, &request)).await?.into())
    }

    /// Releases reserved stock, even if it was committed, and closes the key for good. Safe to repeat. A key that was never
    /// used is closed too, so that a reservation that arrives later is refused.
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

    /// Commits a reservation: the stock is sold. Safe to repeat.
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

    /// Returns a part of committed stock to the warehouses that it came from. Safe to repeat under the same key.
    #[graphql(inaccessible, tag = "internal")]
    async fn take_back_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to take back, of which reservation.")] input: TakeBackStockInput,
    ) -> Result<TakeBackStockResult> {
        viewer(ctx).require_service()?;
        let lines = input.lines.into_iter().map(|line| {
            let product = id::parse("Product", &line.product_id);
            let product =
                product.ok_or_else(|| Error::bad_input("This is not the id of a product.").at(["input", "lines"]))?;
            Ok((product, line.quantity))
        });
        let lines = lines.collect::<Result<Vec<_>>>()?;
        let closed = ReservationClosed { idempotency_key: input.reservation_key.clone() };
        let request = TakeBack::new(input.idempotency_key, input.reservation_key, lines)?;
        let taken = database(ctx)?.write(|tx| reservations::take_back(tx, &request)).await?;
        Ok(match taken {
            Some(reservation) => TakeBackStockResult::StockReservation(StockReservation(reservation)),
            None => TakeBackStockResult::ReservationClosed(closed),
        })
    }
}

/// What to reserve, and under which key.
#[derive(InputObject)]
#[graphql(inaccessible)]
pub(crate) struct ReserveStockInput {
    /// The caller's key for this reservation, such as an order's id. Every reservation needs a different key.
    idempotency_key: String,
    /// From then on the stock may be released, unless it was committed before; a later commit is answered with
    /// `ReservationClosed`. Null if the reservation never expires. The first request under a key decides.
    expires_at: Option<DateTime>,
    /// What to reserve. The quantities of lines with the same product are added up.
    lines: Vec<ReserveStockLineInput>,
}

/// A product and a quantity.
#[derive(InputObject)]
#[graphql(inaccessible)]
pub(crate) struct ReserveStockLineInput {
    /// The product's id.
    product_id: ID,
    /// The number of units, at least one.
    quantity: i32,
}

/// The result of a reservation request.
#[derive(Union)]
#[graphql(inaccessible)]
pub(crate) enum ReserveStockResult {
    StockReservation(StockReservation),
    InsufficientStock(InsufficientStock),
    UnknownProduct(UnknownProduct),
    DiscontinuedProducts(DiscontinuedProducts),
    ReservationClosed(ReservationClosed),
}

/// The result of a commit.
#[derive(Union)]
#[graphql(inaccessible)]
pub(crate) enum CommitStockResult {
    StockReservation(StockReservation),
    ReservationClosed(ReservationClosed),
}

/// What to take back, of which reservation.
#[derive(InputObject)]
#[graphql(inaccessible)]
pub(crate) struct TakeBackStockInput {
    /// The caller's key for taking this back. Every time needs a different key.
    idempotency_key: String,
    /// The key of the reservation under which it was sold.
    reservation_key: String,
    /// What to take back, at most what was sold and did not come back yet.
    lines: Vec<ReserveStockLineInput>,
}

/// The result of taking stock back.
#[derive(Union)]
#[graphql(inaccessible)]
pub(crate) enum TakeBackStockResult {
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
                product_ids: products.into_iter().map(|product| id::global("Product", product)).collect(),
            }),
            Reserved::Discontinued(products) => Self::DiscontinuedProducts(DiscontinuedProducts {
                product_ids: products.into_iter().map(|product| id::global("Product", product)).collect(),
            }),
            Reserved::Closed(idempotency_key) => Self::ReservationClosed(ReservationClosed { idempotency_key }),
        }
    }
}

/// Stock that is reserved, sold or released.
pub(crate) struct StockReservation(Reservation);

/// Stock that is reserved, sold or released.
#[Object(inaccessible)]
impl StockReservation {
    /// The id.
    async fn id(&self) -> ID {
        id::global("StockReservation", self.0.row.id)
    }

    /// The caller's key.
    async fn idempotency_key(&self) -> &str {
        &self.0.row.idempotency_key
    }

    /// The status.
    async fn status(&self) -> Status {
        self.0.row.status
    }

    /// What was reserved; empty if the key was closed before it was used.
    async fn lines(&self) -> Vec<StockReservationLine> {
        self.0.lines.iter().cloned().map(StockReservationLine).collect()
    }

    /// When it may be released by itself; null if it is no longer held, or never expires.
    async fn expires_at(&self) -> Result<Option<DateTime>> {
        let held = self.0.row.status == Status::Held;
        self.0.row.expires_at.filter(|_| held).map(time).transpose()
    }
}

/// A product of a reservation.
pub(crate) struct StockReservationLine(reservation_line::Model);

/// A product of a reservation.
#[Object(inaccessible)]
impl StockReservationLine {
    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Some(Product::existing(ctx, self.0.product_id).await)
    }

    /// The number of units.
    async fn quantity(&self) -> i32 {
        self.0.quantity
    }

    /// The price of one unit when it was reserved.
    async fn unit_price(&self) -> Result<Money> {
        money(self.0.unit_price_minor, &self.0.unit_price_currency)
    }
}

/// There is too little stock: nothing was reserved, and the key can be used again.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct InsufficientStock {
    /// The products with too little stock.
    lines: Vec<InsufficientStockLine>,
}

/// A product with too little stock.
pub(crate) struct InsufficientStockLine(Shortage);

/// A product with too little stock.
#[Object(inaccessible)]
impl InsufficientStockLine {
    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Some(Product::existing(ctx, self.0.product).await)
    }

    /// How many units were requested.
    async fn requested(&self) -> i32 {
        self.0.requested
    }

    /// How many units are available.
    async fn available(&self) -> i32 {
        units(self.0.available)
    }
}

/// There are no such products: nothing was reserved, and the key can be used again.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct UnknownProduct {
    /// The ids for which there is no product.
    product_ids: Vec<ID>,
}

/// These products are no longer sold: nothing was reserved, and the key can be used again.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct DiscontinuedProducts {
    /// The ids of the products.
    product_ids: Vec<ID>,
}

/// The key was closed by a release or has expired, and can't be used again.
#[derive(SimpleObject)]
#[graphql(inaccessible)]
pub(crate) struct ReservationClosed {
    /// The key.
    idempotency_key: String,
}
