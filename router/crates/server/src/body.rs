//! Reads the body of a request under a cap and within a time. Knows no GraphQL.

use std::time::Duration;

use braid_gateway::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;

/// The whole body.
pub(crate) async fn read<B: Body<Data = Bytes> + Unpin>(
    headers: &HeaderMap,
    mut body: B,
    max: usize,
    time: Duration,
) -> Result<Bytes, Refusal> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > max as u64) {
        return Err(too_large(max));
    }
    // Nearly always the body has come with the head: no timer is set for it.
    let first = futures_util::FutureExt::now_or_never(body.frame());
    let (first, rest) = match first {
        Some(None) => return Ok(Bytes::new()),
        Some(Some(frame)) => match frame.map_err(|_| broken())?.into_data() {
            Ok(data) if data.len() > max => return Err(too_large(max)),
            Ok(data) if body.is_end_stream() => return Ok(data),
            Ok(data) => (data, body),
            Err(_trailers) => (Bytes::new(), body),
        },
        None => (Bytes::new(), body),
    };
    tokio::time::timeout(time, collect(first, rest, max)).await.map_err(|_| {
        let message = "The body of the request did not come in time.";
        Refusal::fixed(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
    })?
}

async fn collect<B: Body<Data = Bytes> + Unpin>(first: Bytes, mut body: B, max: usize) -> Result<Bytes, Refusal> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(max).min(max);
    let mut whole = BytesMut::with_capacity(first.len() + expected);
    whole.extend_from_slice(&first);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else { continue };
        if whole.len() + data.len() > max {
            return Err(too_large(max));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn too_large(max: usize) -> Refusal {
    let message = format!("The body of the request is larger than {max} bytes.");
    Refusal::fixed(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
}

fn broken() -> Refusal {
    Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", "The body of the request broke off.")
}
