//! What a user has to correct, in the payloads of this service's mutations. Knows no mutation.

use async_graphql::{Enum, Interface, SimpleObject};
use service::graphql::UserMistake;
use service::{Code, Result};

use crate::offer::NOT_DELIVERABLE;
use crate::saga::cancel::NOT_CANCELLABLE;
use crate::saga::fulfill::NOT_FULFILLABLE;
use crate::saga::quote::{PRODUCT_DISCONTINUED, UNKNOWN_PRODUCT};
use crate::saga::refund::NOT_REFUNDABLE;
use crate::saga::returns::NOT_RETURNABLE;

/// Something that the user has to correct before the mutation can do what it should. It did nothing, apart from what the payload shows.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct OrderUserError {
    /// What kind of mistake it is.
    pub(super) code: OrderErrorCode,
    /// What is wrong and what to do, in English.
    pub(super) message: String,
    /// The path of the argument that is wrong, such as `["input", "lines", "0", "quantity"]`; null if it is none alone.
    pub(super) field: Option<Vec<String>>,
}

/// Something that the user has to correct before a mutation does what it should.
#[derive(Interface)]
#[graphql(
    field(name = "message", ty = "&String", desc = "What is wrong and what to do, for people."),
    field(
        name = "field",
        ty = "&Option<Vec<String>>",
        desc = "The path of the argument that is wrong, such as `[\"input\", \"name\"]`; null if no single one is."
    )
)]
pub(crate) enum UserError {
    /// Of an order.
    Order(OrderUserError),
}

/// What a user has to correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum OrderErrorCode {
    /// A value can't be used; `field` says which.
    BadUserInput,
    /// There is nothing with this id that the user may see.
    NotFound,
    /// The `idempotencyKey` was used for something else. Make a new one for each new thing.
    Conflict,
    /// The order does not cost what the user agreed to any more. Show the payload's `quote`, and place the order with its id if the user
    /// agrees.
    PriceChanged,
    /// The quote is too old. Show the payload's `quote`, and place the order with its id if the user agrees.
    QuoteExpired,
    /// There is too little stock; the payload's `shortages` say of what. Nothing was taken. To order less, use a new key.
    OutOfStock,
    /// A product does not exist.
    UnknownProduct,
    /// A product is no longer sold.
    ProductDiscontinued,
    /// The shop does not send there, or not that much.
    NotDeliverable,
    /// The payment provider or the buyer's bank said no. Nothing was taken. Ask for another payment method, and use a new key.
    PaymentDeclined,
    /// The shop could not place the order for a reason of its own. Nothing was taken. To try again, use a new key.
    OrderRejected,
    /// The order can't be cancelled any more.
    NotCancellable,
    /// Nothing of the order can be sent.
    NotFulfillable,
    /// There is nothing to pay back.
    NotRefundable,
    /// The goods can't be sent back, or the return was decided already.
    NotReturnable,
}

/// What a mutation did, and what its user has to correct.
pub(super) type Done<T> = (Option<T>, Vec<OrderUserError>);

/// Splits the result of a mutation into these.
pub(super) fn done<T>(result: Result<T>) -> Result<Done<T>> {
    service::graphql::user_errors(result)
}

impl OrderUserError {
    /// An error that is about no argument alone.
    pub(super) fn new(code: OrderErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None }
    }
}

impl From<UserMistake> for OrderUserError {
    fn from(mistake: UserMistake) -> Self {
        let code = match mistake.code {
            Code::NotFound => OrderErrorCode::NotFound,
            Code::Conflict => OrderErrorCode::Conflict,
            UNKNOWN_PRODUCT => OrderErrorCode::UnknownProduct,
            PRODUCT_DISCONTINUED => OrderErrorCode::ProductDiscontinued,
            NOT_DELIVERABLE => OrderErrorCode::NotDeliverable,
            NOT_CANCELLABLE => OrderErrorCode::NotCancellable,
            NOT_FULFILLABLE => OrderErrorCode::NotFulfillable,
            NOT_REFUNDABLE => OrderErrorCode::NotRefundable,
            NOT_RETURNABLE => OrderErrorCode::NotReturnable,
            _ => OrderErrorCode::BadUserInput,
        };
        Self { code, message: mistake.message, field: mistake.field }
    }
}
