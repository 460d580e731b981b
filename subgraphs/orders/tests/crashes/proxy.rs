//! What stands between orders and the others, and makes one call go wrong. Knows calls by their name alone.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::payments::{PaymentCall, Payments};
use crate::process::Process;

/// A call from orders to inventory or to the payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Quote,
    Reserve,
    Commit,
    Release,
    Payment(PaymentCall),
}

/// What goes wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request never arrives.
    RequestLost,
    /// Inventory does its part, the answer never arrives.
    AnswerLost,
    /// The request arrives when orders has long given it up.
    RequestLate,
    /// Something else answers.
    Nonsense,
    /// Inventory does its part, and answers with an error.
    Error,
    /// Orders dies when the request is under way.
    OrdersDiesBefore,
    /// Orders dies when inventory did its part.
    OrdersDiesAfter,
    /// Inventory dies when the request is under way.
    InventoryDiesBefore,
    /// Inventory dies when it did its part, before it answers.
    InventoryDiesAfter,
    /// Both die when inventory did its part.
    BothDieAfter,
}

impl Fault {
    /// Those that can befall a call to the payment provider, which never dies.
    pub(crate) const OF_PAYMENTS: [Self; 7] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::RequestLate,
        Self::Nonsense,
        Self::Error,
        Self::OrdersDiesBefore,
        Self::OrdersDiesAfter,
    ];
    pub(crate) const ALL: [Self; 10] = [
        Self::RequestLost,
        Self::AnswerLost,
        Self::RequestLate,
        Self::Nonsense,
        Self::Error,
        Self::OrdersDiesBefore,
        Self::OrdersDiesAfter,
        Self::InventoryDiesBefore,
        Self::InventoryDiesAfter,
        Self::BothDieAfter,
    ];
}

/// After this a late request arrives: orders has tried again meanwhile.
const LATE: Duration = Duration::from_millis(1000);

/// The proxy.
pub(crate) struct Proxy {
    pub(crate) orders: Process,
    pub(crate) inventory: Process,
    pub(crate) payments: Payments,
    armed: Mutex<Option<(Call, Fault)>>,
    late: AtomicUsize,
    http: reqwest::Client,
}

impl Proxy {
    pub(crate) fn new(orders: Process, inventory: Process) -> Arc<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let (payments, armed) = (Payments::default(), Mutex::default());
        Arc::new(Self { orders, inventory, payments, armed, late: AtomicUsize::new(0), http })
    }

    /// Serves on the listener for as long as the test runs.
    pub(crate) fn serve(self: &Arc<Self>, listener: tokio::net::TcpListener) {
        let routes = Router::new().fallback(post(pass)).with_state(Arc::clone(self));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    }

    /// The next call of this kind goes wrong.
    pub(crate) fn arm(&self, call: Call, fault: Fault) {
        *self.armed.lock().unwrap() = Some((call, fault));
    }

    /// Whether the armed fault has happened.
    pub(crate) fn went_off(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }

    /// Whether requests are still on their way that orders gave up.
    pub(crate) fn has_late_requests(&self) -> bool {
        self.late.load(Ordering::SeqCst) > 0
    }

    fn fault(&self, path: &str, body: &Bytes) -> Option<Fault> {
        let mut armed = self.armed.lock().unwrap();
        let (call, _) = (*armed)?;
        if !is(path, body, call) {
            return None;
        }
        armed.take().map(|(_, fault)| fault)
    }

    async fn forward(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Result<(StatusCode, Bytes), ()> {
        if PaymentCall::of(path).is_some() {
            let (status, answer) = self.payments.answer(path, headers, &body);
            return Ok((status, answer.into()));
        }
        let address: SocketAddr = self.inventory.address().ok_or(())?;
        let mut request = self.http.post(format!("http://{address}/graphql")).body(body);
        for name in ["content-type", service::auth::INTERNAL_TOKEN_HEADER] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.map_err(drop)?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(drop)?))
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let lost = || StatusCode::BAD_GATEWAY.into_response();
    let Some(fault) = proxy.fault(&path, &body) else {
        return proxy.forward(&path, &headers, body).await.map_or_else(|()| lost(), IntoResponse::into_response);
    };
    match fault {
        Fault::RequestLost => {}
        Fault::Nonsense => return "<html>It works!</html>".into_response(),
        Fault::OrdersDiesBefore => proxy.orders.kill(),
        Fault::InventoryDiesBefore => proxy.inventory.kill(),
        Fault::RequestLate => {
            proxy.late.fetch_add(1, Ordering::SeqCst);
            let proxy = Arc::clone(&proxy);
            tokio::spawn(async move {
                tokio::time::sleep(LATE).await;
                proxy.forward(&path, &headers, body).await.unwrap();
                proxy.late.fetch_sub(1, Ordering::SeqCst);
            });
        }
        Fault::AnswerLost | Fault::Error | Fault::OrdersDiesAfter | Fault::InventoryDiesAfter | Fault::BothDieAfter => {
            proxy.forward(&path, &headers, body).await.unwrap();
            if matches!(fault, Fault::OrdersDiesAfter | Fault::BothDieAfter) {
                proxy.orders.kill();
            }
            if matches!(fault, Fault::InventoryDiesAfter | Fault::BothDieAfter) {
                proxy.inventory.kill();
            }
            if fault == Fault::Error {
                let answer = r#"{"data":null,"errors":[{"message":"Internal error."}],"error":{"type":"api_error"}}"#;
                let payment = PaymentCall::of(&path).is_some();
                let status = if payment { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
                return (status, answer).into_response();
            }
        }
    }
    lost()
}

fn is(path: &str, body: &[u8], call: Call) -> bool {
    let name: &[u8] = match call {
        Call::Quote => b"_entities",
        Call::Reserve => b"reserveStock",
        Call::Commit => b"commitStock",
        Call::Release => b"releaseStock",
        Call::Payment(call) => return PaymentCall::of(path) == Some(call),
    };
    PaymentCall::of(path).is_none() && body.windows(name.len()).any(|window| window == name)
}
