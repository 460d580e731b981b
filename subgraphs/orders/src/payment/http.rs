//! A payment provider over HTTP, in the form that the large ones share: forms in, JSON out, a bearer secret, `Idempotency-Key`, and
//! payments as "payment intents". Knows no order.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use service::{Money, trace};
use url::form_urlencoded::Serializer;

use super::{Authorization, Call, Capture, Payment, PaymentError, PaymentProvider, Refund, Void};

/// A larger response must be wrong.
const MAX_RESPONSE_BYTES: usize = 1 << 20;
/// How much of a provider's message is kept: it ends up in the history and in the log.
const MAX_MESSAGE_CHARS: usize = 200;

/// A client of the provider.
pub(crate) struct HttpProvider {
    http: Client,
    base: Url,
    secret: String,
}

impl HttpProvider {
    /// A client for the endpoints below `base`. Every call ends within `timeout`.
    pub(crate) fn new(mut base: Url, secret: String, timeout: Duration) -> reqwest::Result<Self> {
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = Client::builder()
            .connect_timeout(timeout.min(Duration::from_secs(2)))
            .timeout(timeout)
            // The secret must not follow.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base, secret })
    }

    async fn call(&self, key: &str, path: &[&str], form: &[(&str, &str)]) -> Result<Answer, PaymentError> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(self.url(path))
            .bearer_auth(&self.secret)
            .header("idempotency-key", key)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let response = trace::send("payment provider", request).await.map_err(transport)?;
        let status = response.status();
        let body = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map(Answer::Done).map_err(PaymentError::Form);
        }
        let error = serde_json::from_slice::<Refused>(&body).map(|refused| refused.error).unwrap_or_default();
        Ok(Answer::Failed(status, error))
    }

    /// Ids are the provider's, so they are escaped like anything else from outside.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }
}

impl PaymentProvider for HttpProvider {
    fn authorize<'a>(&'a self, key: &'a str, payment: Payment<'a>) -> Call<'a, Authorization> {
        Box::pin(async move {
            let (amount, currency, number) =
                (payment.amount.minor().to_string(), currency(payment.amount), payment.order_number.to_string());
            let form = [
                ("amount", amount.as_str()),
                ("currency", &currency),
                ("payment_method", payment.method),
                ("capture_method", "manual"),
                ("confirm", "true"),
                // Nobody is there to follow a redirect.
                ("automatic_payment_methods[enabled]", "true"),
                ("automatic_payment_methods[allow_redirects]", "never"),
                ("metadata[order]", &number),
            ];
            match self.call(key, &["payment_intents"], &form).await? {
                Answer::Done(intent) => match intent.status.as_str() {
                    "requires_capture" => Ok(Authorization::Authorized { payment_id: intent.id }),
                    "requires_action" | "requires_confirmation" => {
                        Ok(Authorization::Declined { reason: "the bank wants the buyer to confirm it".to_owned() })
                    }
                    "requires_payment_method" | "canceled" => {
                        Ok(Authorization::Declined { reason: "the payment method was not accepted".to_owned() })
                    }
                    _ => Err(PaymentError::State(intent.status)),
                },
                Answer::Failed(status, error) if error.is_decline(status) => {
                    Ok(Authorization::Declined { reason: error.message() })
                }
                Answer::Failed(status, error) => Err(error.into_error(status)),
            }
        })
    }

    fn capture<'a>(&'a self, key: &'a str, payment_id: &'a str, amount: Money) -> Call<'a, Capture> {
        Box::pin(async move {
            let amount = amount.minor().to_string();
            let path = ["payment_intents", payment_id, "capture"];
            match self.call(key, &path, &[("amount_to_capture", &amount)]).await? {
                Answer::Done(intent) if intent.status == "succeeded" => Ok(Capture::Captured),
                Answer::Done(intent) => Err(PaymentError::State(intent.status)),
                Answer::Failed(status, error) => match error.state() {
                    Some("succeeded") => Ok(Capture::Captured),
                    Some("canceled") => Ok(Capture::Refused { reason: "the authorization has expired".to_owned() }),
                    _ if error.is_decline(status) => Ok(Capture::Refused { reason: error.message() }),
                    _ => Err(error.into_error(status)),
                },
            }
        })
    }

    fn void<'a>(&'a self, key: &'a str, payment_id: &'a str) -> Call<'a, Void> {
        Box::pin(async move {
            match self.call(key, &["payment_intents", payment_id, "cancel"], &[]).await? {
                Answer::Done(intent) if intent.status == "canceled" => Ok(Void::Voided),
                Answer::Done(intent) => Err(PaymentError::State(intent.status)),
                Answer::Failed(status, error) => match error.state() {
                    Some("succeeded") => Ok(Void::Captured),
                    Some("canceled") => Ok(Void::Voided),
                    _ => Err(error.into_error(status)),
                },
            }
        })
    }

    fn refund<'a>(&'a self, key: &'a str, payment_id: &'a str, amount: Money) -> Call<'a, Refund> {
        Box::pin(async move {
            let amount = amount.minor().to_string();
            match self.call(key, &["refunds"], &[("payment_intent", payment_id), ("amount", &amount)]).await? {
                Answer::Done(refund) => match refund.status.as_str() {
                    "succeeded" | "pending" => Ok(Refund::Refunded),
                    "failed" | "canceled" => {
                        Ok(Refund::Refused { reason: "the buyer's bank does not take it back".to_owned() })
                    }
                    _ => Err(PaymentError::State(refund.status)),
                },
                Answer::Failed(_, error) if error.code.as_deref() == Some("charge_already_refunded") => {
                    Ok(Refund::Refused { reason: error.message() })
                }
                Answer::Failed(status, error) => Err(error.into_error(status)),
            }
        })
    }
}

fn currency(amount: Money) -> String {
    amount.currency().code().to_ascii_lowercase()
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, PaymentError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(PaymentError::TooLarge(MAX_RESPONSE_BYTES));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn transport(cause: reqwest::Error) -> PaymentError {
    PaymentError::Transport(cause.without_url())
}

enum Answer {
    Done(Done),
    Failed(StatusCode, Failure),
}

/// A payment intent or a refund.
#[derive(Deserialize)]
struct Done {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Failure,
}

#[derive(Default, Deserialize)]
struct Failure {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    /// The payment, where its state is what is wrong.
    payment_intent: Option<State>,
}

#[derive(Deserialize)]
struct State {
    status: String,
}

impl Failure {
    fn is_decline(&self, status: StatusCode) -> bool {
        status == StatusCode::PAYMENT_REQUIRED && self.kind.as_deref() == Some("card_error")
    }

    /// The state of the payment that does not allow the call.
    fn state(&self) -> Option<&str> {
        let unexpected = self.code.as_deref() == Some("payment_intent_unexpected_state");
        self.payment_intent.as_ref().filter(|_| unexpected).map(|intent| intent.status.as_str())
    }

    fn message(&self) -> String {
        let message = self.message.as_deref().unwrap_or("no reason was given");
        message.chars().filter(|char| !char.is_control()).take(MAX_MESSAGE_CHARS).collect()
    }

    fn into_error(self, status: StatusCode) -> PaymentError {
        PaymentError::Status { status, message: self.message() }
    }
}
