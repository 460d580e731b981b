//! Payments: what the saga needs of a payment provider. Knows no order and no table.
//!
//! Money is first set aside (authorized) and taken when the stock is sold (captured), so that nothing is taken for what can't be sold.
//! Every call has a key. Repeated with the same key, a call does nothing again and gets the same answer.

mod http;
mod sandbox;

use futures_util::future::BoxFuture;
use service::Money;

pub(crate) use http::HttpProvider;
pub(crate) use sandbox::Sandbox;

/// A payment provider.
pub(crate) trait PaymentProvider: Send + Sync {
    /// Sets the amount aside.
    fn authorize<'a>(&'a self, key: &'a str, payment: Payment<'a>) -> Call<'a, Authorization>;

    /// Takes the amount that was set aside.
    fn capture<'a>(&'a self, key: &'a str, payment_id: &'a str, amount: Money) -> Call<'a, Capture>;

    /// Lets go what was set aside.
    fn void<'a>(&'a self, key: &'a str, payment_id: &'a str) -> Call<'a, Void>;

    /// Pays back a part of what was taken.
    fn refund<'a>(&'a self, key: &'a str, payment_id: &'a str, amount: Money) -> Call<'a, Refund>;
}

/// A call to the provider.
pub(crate) type Call<'a, T> = BoxFuture<'a, Result<T, PaymentError>>;

/// What is to be paid, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) amount: Money,
    /// The provider's token of a card or an account. The shop never sees the card itself.
    pub(crate) method: &'a str,
    /// The number of the order, for people who look at the provider's list.
    pub(crate) order_number: i64,
}

/// The answer to an authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// The amount is set aside.
    Authorized { payment_id: String },
    /// The provider or the buyer's bank says no.
    Declined { reason: String },
}

/// The answer to a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// The amount is taken, by this call or an earlier one.
    Captured,
    /// It can't be taken any more, such as when the authorization has expired.
    Refused { reason: String },
}

/// The answer to a void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Void {
    /// Nothing is set aside any more, and nothing was taken.
    Voided,
    /// It was taken before: it can only be paid back.
    Captured,
}

/// The answer to a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refund {
    /// The amount goes back to the buyer.
    Refunded,
    /// It can't be paid back this way.
    Refused { reason: String },
}

/// A call to the provider failed: it is not known what it did, unless the error is permanent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaymentError {
    #[error("the payment provider did not respond")]
    Transport(#[source] reqwest::Error),
    #[error("the payment provider responded with HTTP status {status}: {message}")]
    Status { status: reqwest::StatusCode, message: String },
    #[error("the payment provider responded with more than {0} bytes")]
    TooLarge(usize),
    #[error("the payment provider's response is not what was expected")]
    Form(#[source] serde_json::Error),
    #[error("the payment provider says `{0}`, which is not expected here")]
    State(String),
}

impl PaymentError {
    /// Whether the same call would fail again until a person has fixed something.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                // 409: a call with the same key is still running.
                status.is_client_error() && ![408, 409, 425, 429].contains(&status.as_u16())
            }
            Self::State(_) => true,
            Self::Transport(_) | Self::TooLarge(_) | Self::Form(_) => false,
        }
    }

    /// Whether the provider refuses the content of the call, so that no call with this key has ever done anything. That it does not
    /// know us (401, 403) says nothing of earlier calls.
    pub(crate) fn means_never_done(&self) -> bool {
        matches!(self, Self::Status { status, .. } if [400, 404, 422].contains(&status.as_u16()))
    }
}
