//! The mutations. Knows who may run them; the saga knows how.

use async_graphql::{Context, ID, MergedObject, Object};
use service::graphql::{database, resource};
use service::{Error, Result, viewer};
use uuid::Uuid;

use super::errors::done;
use super::input::{
    CancelOrderInput, FulfillOrderInput, MarkDeliveredInput, PlaceOrderInput, QuoteOrderInput, RefundOrderInput,
    RetryOrderInput, no_such, read_lines, text,
};
use super::order::Order;
use super::payload::{
    CancelOrderPayload, FulfillmentPayload, PlaceOrderPayload, QuoteOrderPayload, RefundOrderPayload, RetryOrderPayload,
};
use super::query::{find_fulfillment, find_order};
use super::return_mutation::ReturnMutation;
use crate::entity::{fulfillment, order, quote, refund};
use crate::saga::{self, By, Saga, cancel, fulfill, place, retry};

/// The mutation root.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(OrderMutation, ReturnMutation);

/// The mutations of orders.
#[derive(Default)]
pub(crate) struct OrderMutation;

#[Object]
impl OrderMutation {
    /// Says what an order would cost the signed-in user, with shipping and tax. Reserves nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn quote_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to quote.")] input: QuoteOrderInput,
    ) -> Option<Result<QuoteOrderPayload>> {
        Some(done(quote_order(ctx, input).await).map(Into::into))
    }

    /// Places an order for the signed-in user, who has agreed to its price. The total is taken from the buyer once the stock is sold to
    /// them. Safe to repeat with the same `idempotencyKey`.
    #[graphql(requires_scopes = "orders:write")]
    async fn place_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to order.")] input: PlaceOrderInput,
    ) -> Option<Result<PlaceOrderPayload>> {
        Some(done(place_order(ctx, input).await).map(Into::into))
    }

    /// Cancels an order of the signed-in user, for a day after it was placed and as long as nothing of it was sent; the shop's staff can
    /// cancel any order that was not sent. What was paid is paid back. Cancelling an order again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn cancel_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order.")] input: CancelOrderInput,
    ) -> Option<Result<CancelOrderPayload>> {
        Some(done(cancel_order(ctx, input).await).map(Into::into))
    }

    /// Writes that a parcel of an order was sent. For the shop's staff. Safe to repeat with the same `idempotencyKey`.
    #[graphql(requires_scopes = "orders:write")]
    async fn fulfill_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was sent.")] input: FulfillOrderInput,
    ) -> Option<Result<FulfillmentPayload>> {
        Some(done(fulfill_order(ctx, input).await).map(Into::into))
    }

    /// Writes that a parcel has arrived. For the shop's staff. Doing it again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn mark_delivered(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which parcel.")] input: MarkDeliveredInput,
    ) -> Option<Result<FulfillmentPayload>> {
        Some(done(mark_delivered(ctx, input).await).map(Into::into))
    }

    /// Pays back a part of an order, or all of it: for units that come back or can't be sent, or any amount up to what was paid. For
    /// administrators. Safe to repeat with the same `idempotencyKey`.
    #[graphql(requires_scopes = "orders:write")]
    async fn refund_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to pay back.")] input: RefundOrderInput,
    ) -> Option<Result<RefundOrderPayload>> {
        Some(done(refund_order(ctx, input).await).map(Into::into))
    }

    /// Tries the steps of an order now that could not be done. For the shop's staff; see `stuckOrders`.
    #[graphql(requires_scopes = "orders:write")]
    async fn retry_order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order.")] input: RetryOrderInput,
    ) -> Option<Result<RetryOrderPayload>> {
        Some(done(retry_order(ctx, input).await).map(Into::into))
    }
}

async fn quote_order(ctx: &Context<'_>, input: QuoteOrderInput) -> Result<quote::Model> {
    let buyer = buyer(ctx)?;
    let (lines, address) = (read_lines(input.lines)?, input.shipping_address.read()?);
    saga::quote::quote(resource::<Saga>(ctx)?, buyer, &lines, address).await
}

async fn place_order(ctx: &Context<'_>, input: PlaceOrderInput) -> Result<place::Outcome> {
    let buyer = buyer(ctx)?;
    place::place(resource::<Saga>(ctx)?, input.wanted(buyer)?).await
}

async fn cancel_order(ctx: &Context<'_>, input: CancelOrderInput) -> Result<order::Model> {
    viewer(ctx).require_user()?;
    let reason = input.reason.map(|reason| text("reason", reason)).transpose()?;
    let reason = reason.unwrap_or_else(|| "cancelled on request".to_owned());
    let order = visible(ctx, &input.id, "id").await?;
    let by = acting(ctx, order.row())?;
    cancel::cancel(resource::<Saga>(ctx)?, order.row().id, by, &reason).await
}

async fn fulfill_order(ctx: &Context<'_>, input: FulfillOrderInput) -> Result<(fulfillment::Model, order::Model)> {
    let staff = By::staff(&viewer(ctx).require_staff()?.id);
    let order = visible(ctx, &input.order_id, "orderId").await?;
    let parcel = fulfill::ship(database(ctx)?, &input.wanted(order.row().id, staff)?).await?;
    Ok((parcel, order.row().clone()))
}

async fn mark_delivered(ctx: &Context<'_>, input: MarkDeliveredInput) -> Result<(fulfillment::Model, order::Model)> {
    let staff = By::staff(&viewer(ctx).require_staff()?.id);
    let not_found = || no_such("parcel", ["input", "fulfillmentId"]);
    find_fulfillment(ctx, &input.fulfillment_id).await?.ok_or_else(not_found)?;
    let id = service::graphql::id::parse("Fulfillment", &input.fulfillment_id).ok_or_else(not_found)?;
    let parcel = fulfill::deliver(database(ctx)?, id, staff).await?;
    let order = visible(ctx, &ID::from(parcel.order_id), "fulfillmentId").await?;
    Ok((parcel, order.row().clone()))
}

async fn refund_order(ctx: &Context<'_>, input: RefundOrderInput) -> Result<(refund::Model, order::Model)> {
    let staff = By::staff(&viewer(ctx).require_admin()?.id);
    let order = visible(ctx, &input.order_id, "orderId").await?;
    let saga = resource::<Saga>(ctx)?;
    let refund = saga::refund::refund(saga, &input.wanted(order.row().id, staff)?).await?;
    // As it is after the refund.
    Ok((refund, saga.order(order.row().id).await?))
}

async fn retry_order(ctx: &Context<'_>, input: RetryOrderInput) -> Result<order::Model> {
    viewer(ctx).require_staff()?;
    let order = visible(ctx, &input.id, "id").await?;
    retry::retry(resource::<Saga>(ctx)?, order.row().id).await
}

/// The order of an argument, if the caller may see it.
pub(super) async fn visible(ctx: &Context<'_>, id: &ID, field: &str) -> Result<Order> {
    find_order(ctx, id).await?.ok_or_else(|| no_such("order", ["input", field]))
}

/// Who acts on an order that they may see: somebody of the shop, or its buyer.
pub(super) fn acting(ctx: &Context<'_>, order: &order::Model) -> Result<By> {
    let user = viewer(ctx).require_user()?;
    Ok(if viewer(ctx).is_staff() { By::staff(&user.id) } else { By::buyer(order.buyer_id) })
}

/// The person who orders.
fn buyer(ctx: &Context<'_>) -> Result<Uuid> {
    let user = viewer(ctx).require_user()?;
    Uuid::parse_str(&user.id).map_err(|_| Error::bad_input("The token's `sub` is not the id of a user who can order."))
}
