//! The mutations. Knows who may run them; the saga knows how.

use async_graphql::{Context, ID, Object};
use service::graphql::{loader, resource};
use service::{Error, Result, viewer};
use uuid::Uuid;

use super::loaders::OrderOf;
use super::order::Order;
use super::place_order::{PlaceOrderInput, PlaceOrderResult};
use crate::saga::{Saga, cancel, place};

/// The mutation root.
pub(crate) struct Mutation;

#[Object]
impl Mutation {
    /// Places an order for the signed-in user, at the current prices. Safe to repeat with the same `idempotencyKey`.
    #[graphql(requires_scopes = "orders:write")]
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to order.")] input: PlaceOrderInput,
    ) -> Result<PlaceOrderResult> {
        let buyer = viewer(ctx).require_user()?;
        let buyer = Uuid::parse_str(&buyer.id)
            .map_err(|_| Error::bad_input("The token's `sub` is not the id of a user who can order."))?;
        let saga = resource::<Saga>(ctx)?;
        Ok(place::place(saga, input.wanted(buyer)?).await?.into())
    }

    /// Cancels an order of the signed-in user; administrators can cancel any order. The charge is refunded and the stock is
    /// returned. Cancelling an order again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's id.")] id: ID,
        #[graphql(desc = "The reason, for the order's history.")] reason: Option<String>,
    ) -> Result<Order> {
        viewer(ctx).require_user()?;
        let reason = reason.unwrap_or_else(|| "cancelled on request".to_owned());
        if reason.len() > MAX_REASON_BYTES {
            return Err(Error::bad_input(format!("`reason` may have at most {MAX_REASON_BYTES} bytes.")));
        }
        let not_found = || Error::not_found("You have no order with this id.");
        let id = Uuid::parse_str(&id).map_err(|_| not_found())?;
        let order = loader(ctx)?.load_one(OrderOf(id)).await?;
        order.and_then(|order| Order::visible(order, viewer(ctx))).ok_or_else(not_found)?;
        let saga = resource::<Saga>(ctx)?;
        Ok(cancel::cancel(saga, id, &reason).await?.into())
    }
}

const MAX_REASON_BYTES: usize = 500;
