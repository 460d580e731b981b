//! The mutations of returns: what buyers send back, and what the shop does with it. Knows who may run them; the saga knows how.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use service::graphql::{MoneyInput, database, resource};
use service::{Result, viewer};

use super::errors::{Done, OrderUserError, done};
use super::input::{OrderLineInput, key, no_such, read_line, read_lines, text};
use super::mutation::{acting, visible};
use super::order::Order;
use super::returns::Return;
use crate::entity::order;
use crate::entity::returns::{Model, Reason};
use crate::saga::returns::{self, Receipt, ReceivedLine, Wanted};
use crate::saga::{By, Saga};

/// The mutations of returns.
#[derive(Default)]
pub(crate) struct ReturnMutation;

#[Object]
impl ReturnMutation {
    /// Announces that the buyer of an order sends back some of it, for a month after it has arrived. Then they send the goods; the shop pays
    /// once it has them. The shop's staff can announce it for the buyer at any time. Safe to repeat with the same `idempotencyKey`.
    #[graphql(requires_scopes = "orders:write")]
    async fn request_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is sent back, and why.")] input: RequestReturnInput,
    ) -> Option<Result<ReturnPayload>> {
        Some(done(request_return(ctx, input).await).map(Into::into))
    }

    /// Ends a return that the shop has not received: the buyer keeps the goods. Doing it again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn cancel_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which return.")] input: CancelReturnInput,
    ) -> Option<Result<ReturnPayload>> {
        Some(done(cancel_return(ctx, input).await).map(Into::into))
    }

    /// Ends a return that the shop does not accept. For the shop's staff. Doing it again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn decline_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which return, and why.")] input: DeclineReturnInput,
    ) -> Option<Result<ReturnPayload>> {
        Some(done(decline_return(ctx, input).await).map(Into::into))
    }

    /// Writes that the goods of a return have arrived: they are paid back, and those that can be sold again go back on the shelf. For
    /// administrators. Doing it again changes nothing.
    #[graphql(requires_scopes = "orders:write")]
    async fn receive_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What has arrived.")] input: ReceiveReturnInput,
    ) -> Option<Result<ReturnPayload>> {
        Some(done(receive_return(ctx, input).await).map(Into::into))
    }
}

type Decided = (Model, order::Model);

async fn request_return(ctx: &Context<'_>, input: RequestReturnInput) -> Result<Decided> {
    viewer(ctx).require_user()?;
    let order = visible(ctx, &input.order_id, "orderId").await?.row().clone();
    let wanted = Wanted {
        order: order.id,
        idempotency_key: key(input.idempotency_key)?,
        lines: read_lines(input.lines)?,
        reason: input.reason,
        comment: input.comment.map(|comment| text("comment", comment)).transpose()?,
        by: acting(ctx, &order)?,
    };
    Ok((returns::request(resource::<Saga>(ctx)?, &wanted).await?, order))
}

async fn cancel_return(ctx: &Context<'_>, input: CancelReturnInput) -> Result<Decided> {
    viewer(ctx).require_user()?;
    let (row, order) = found(ctx, &input.id).await?;
    let by = acting(ctx, &order)?;
    Ok((returns::cancel(database(ctx)?, row.id, by).await?, order))
}

async fn decline_return(ctx: &Context<'_>, input: DeclineReturnInput) -> Result<Decided> {
    let staff = By::staff(&viewer(ctx).require_staff()?.id);
    let (row, order) = found(ctx, &input.id).await?;
    let reason = text("reason", input.reason)?;
    Ok((returns::decline(database(ctx)?, row.id, staff, &reason).await?, order))
}

async fn receive_return(ctx: &Context<'_>, input: ReceiveReturnInput) -> Result<Decided> {
    let by = By::staff(&viewer(ctx).require_admin()?.id);
    let (row, order) = found(ctx, &input.id).await?;
    let amount = input.amount.map(|amount| amount.read(["input", "amount"])).transpose()?;
    let lines = input.lines.unwrap_or_default().into_iter().enumerate();
    let lines = lines.map(|(index, line)| {
        let restock = line.restock;
        Ok(ReceivedLine { line: read_line(index, &line.product_id, line.quantity)?, restock })
    });
    let receipt = Receipt { id: row.id, lines: lines.collect::<Result<_>>()?, shipping: input.shipping, amount, by };
    let saga = resource::<Saga>(ctx)?;
    let received = returns::receive(saga, &receipt).await?;
    // As it is after the refund.
    Ok((received, saga.order(order.id).await?))
}

/// The return of an argument with its order, if the caller may see it.
async fn found(ctx: &Context<'_>, id: &ID) -> Result<Decided> {
    let row = Return::find(ctx, id).await?.ok_or_else(|| no_such("return", ["input", "id"]))?.row().clone();
    let order = resource::<Saga>(ctx)?.order(row.order_id).await?;
    Ok((row, order))
}

/// The result of the mutations of returns.
#[derive(SimpleObject)]
pub(crate) struct ReturnPayload {
    /// The return as it is now; null if there are `userErrors`.
    #[graphql(name = "return")]
    return_now: Option<Return>,
    /// The order that it is of; null if there are `userErrors`.
    order: Option<Order>,
    /// What the user has to correct.
    user_errors: Vec<OrderUserError>,
}

impl From<Done<Decided>> for ReturnPayload {
    fn from((decided, user_errors): Done<Decided>) -> Self {
        let (row, order) = decided.unzip();
        Self { return_now: row.map(Into::into), order: order.map(Into::into), user_errors }
    }
}

/// What is sent back, and why.
#[derive(InputObject)]
pub(crate) struct RequestReturnInput {
    /// The order's id.
    order_id: ID,
    /// A key that the caller generates for each return, such as a UUID. A repeated request with the same key announces nothing more.
    idempotency_key: String,
    /// What is sent back: at most what was sent. Each product may be in one line only.
    lines: Vec<OrderLineInput>,
    /// Why.
    reason: Reason,
    /// What there is to say about it.
    comment: Option<String>,
}

/// Which return to end.
#[derive(InputObject)]
pub(crate) struct CancelReturnInput {
    /// The return's id.
    id: ID,
}

/// Which return to end, and why.
#[derive(InputObject)]
pub(crate) struct DeclineReturnInput {
    /// The return's id.
    id: ID,
    /// Why the shop does not take the goods back, for the buyer.
    reason: String,
}

/// What has arrived of a return.
#[derive(InputObject)]
pub(crate) struct ReceiveReturnInput {
    /// The return's id.
    id: ID,
    /// What has arrived; what is not in it did not come. Without it, all that was announced, and all of it can be sold again.
    lines: Option<Vec<ReceivedLineInput>>,
    /// Whether to pay back shipping too.
    #[graphql(default)]
    shipping: bool,
    /// How much to pay back. Without it, what the units have cost, with their tax.
    amount: Option<MoneyInput>,
}

/// Units that have arrived.
#[derive(InputObject)]
pub(crate) struct ReceivedLineInput {
    /// The product's id.
    product_id: ID,
    /// The number of units.
    quantity: i32,
    /// Whether they can be sold again. If only some can, give two lines.
    #[graphql(default = true)]
    restock: bool,
}
