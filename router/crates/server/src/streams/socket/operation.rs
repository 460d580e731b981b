//! One operation on a socket: the same way as that of a request of its own. Knows no socket.

use std::sync::{Arc, OnceLock};

use braid_executor::PartsFormat;
use braid_gateway::refusal::{Refusal, RefusalStatus};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::EndCause;
use braid_gateway::{Accepts, Answer, Executed, Subgraphs, answer, extend};
use bytes::Bytes;
use http::StatusCode;

use crate::exchange::Exchange;
use crate::graphql;
use crate::observe::Observed;
use crate::state::Front;
use crate::streams::begun::Begun;
use crate::streams::live::LiveStream;

/// What comes of an operation.
pub(super) enum Outcome<S> {
    /// A response.
    Whole(Bytes),
    /// Events.
    Stream(Box<LiveStream<S>>),
    /// It is not executed.
    Refused(Refusal),
}

enum Answered {
    Whole(StatusCode, Bytes),
    Stream(Begun),
}

/// Runs the operation that `payload` asks for. The exchange ends with it, or goes on with its stream.
pub(super) async fn run<S: Subgraphs>(
    front: Arc<Front<S>>,
    mut exchange: Exchange<S>,
    payload: Bytes,
    protocol: &'static str,
    socket: Arc<OnceLock<EndCause>>,
) -> Outcome<S> {
    exchange.observed.protocol = Some(protocol);
    exchange.observed.request_bytes = payload.len();
    match answered(&front, &mut exchange, &payload, protocol).await {
        Ok(Answered::Whole(status, response)) => {
            exchange.end(status, response.len() as u64);
            Outcome::Whole(response)
        }
        Ok(Answered::Stream(begun)) => Outcome::Stream(Box::new(begun.live(exchange, &front, Some(socket)))),
        Err(refusal) => {
            exchange.observed.refused(&refusal);
            let status = match refusal.status {
                RefusalStatus::Request => StatusCode::BAD_REQUEST,
                RefusalStatus::Fixed(status) => status,
            };
            exchange.end(status, 0);
            Outcome::Refused(refusal)
        }
    }
}

async fn answered<S: Subgraphs>(
    front: &Front<S>,
    exchange: &mut Exchange<S>,
    payload: &Bytes,
    protocol: &'static str,
) -> Result<Answered, Refusal> {
    if !exchange.admit(&front.admission).await {
        return Err(graphql::too_many());
    }
    let chosen = exchange.choose_graph();
    exchange.limit().await?;
    chosen?;
    let Exchange { version, context, observed, .. } = exchange;
    let mut payload = payload.clone();
    extend::request(&version.gateway, context, &mut payload).await?;
    let mut request = GraphQLRequest::from_json(&payload)?;
    extend::operation(&version.gateway, context, &mut request).await?;
    match answer(&version.gateway, &request, context, Accepts::ALL).await? {
        Answer::Subscription(subscription) => {
            let begun = Begun::open(front, version, context, *subscription, protocol)?;
            Ok(Answered::Stream(begun))
        }
        Answer::Incremental(incremental) => {
            let format = PartsFormat::Pending;
            match Begun::parts(front, version, context, *incremental, format, protocol).await? {
                Ok(begun) => Ok(Answered::Stream(begun)),
                Err(executed) => Ok(whole(*executed, observed)),
            }
        }
        Answer::Executed(executed) => Ok(whole(executed, observed)),
    }
}

fn whole(executed: Executed, observed: &mut Observed) -> Answered {
    let bytes = executed.exposed_bytes();
    let (status, bytes) = (executed.status(), bytes.unwrap_or_else(|| executed.response.bytes.clone()));
    observed.answered(executed);
    Answered::Whole(status, bytes)
}
