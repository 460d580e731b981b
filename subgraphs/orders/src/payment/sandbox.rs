//! A payment provider that takes no money, for trying the shop out. Its answers follow from what it is asked, so it needs no memory and
//! a restart changes nothing.

use std::future::ready;

use service::Money;

use super::{Authorization, Call, Capture, Payment, PaymentProvider, Refund, Void};

/// The provider.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sandbox;

/// The payment method that is declined. All others are accepted.
pub(crate) const DECLINED: &str = "pm_card_declined";

impl PaymentProvider for Sandbox {
    fn authorize<'a>(&'a self, key: &'a str, payment: Payment<'a>) -> Call<'a, Authorization> {
        let answer = match payment.method {
            DECLINED => Authorization::Declined { reason: "the card was declined".to_owned() },
            _ => Authorization::Authorized { payment_id: format!("sandbox-{key}") },
        };
        Box::pin(ready(Ok(answer)))
    }

    fn capture<'a>(&'a self, _: &'a str, _: &'a str, _: Money) -> Call<'a, Capture> {
        Box::pin(ready(Ok(Capture::Captured)))
    }

    /// Nothing is ever taken here, so a payment whose capture was never written down is not captured.
    fn void<'a>(&'a self, _: &'a str, _: &'a str) -> Call<'a, Void> {
        Box::pin(ready(Ok(Void::Voided)))
    }

    fn refund<'a>(&'a self, _: &'a str, _: &'a str, _: Money) -> Call<'a, Refund> {
        Box::pin(ready(Ok(Refund::Refunded)))
    }
}

#[cfg(test)]
mod tests {
    use service::graphql::money::Currency;

    use super::*;

    #[tokio::test]
    async fn a_repeated_call_has_the_same_answer_after_a_restart_too() {
        let payment = |method| Payment { amount: Money::new(100, Currency::EUR), method, order_number: 1 };
        let first = Sandbox.authorize("a", payment("pm_card")).await.unwrap();
        assert_eq!(first, Authorization::Authorized { payment_id: "sandbox-a".to_owned() });
        assert_eq!(Sandbox.authorize("a", payment("pm_card")).await.unwrap(), first);
        assert_ne!(Sandbox.authorize("b", payment("pm_card")).await.unwrap(), first);
        let declined = Sandbox.authorize("c", payment(DECLINED)).await.unwrap();
        assert!(matches!(declined, Authorization::Declined { .. }));
    }
}
