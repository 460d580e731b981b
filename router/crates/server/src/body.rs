//! Reads the body of a request under a cap and within a time. Knows no GraphQL.

use std::time::Duration;

use braid_gateway::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
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
        // Who expects to be told sends nothing before (RFC 9110 §10.1.1).
        if declared <= Some(MOST_DISCARDED) && !headers.contains_key(EXPECT) {
            discard(body).await;
        }
        return Err(too_large(max));
    }
    // Nearly always the body has come with the head: no timer is set for it.
    let first = futures_util::FutureExt::now_or_never(body.frame());
    let first = match first {
        Some(None) => return Ok(Bytes::new()),
        Some(Some(frame)) => match frame.map_err(|_| broken())?.into_data() {
            Ok(data) if data.len() <= max && body.is_end_stream() => return Ok(data),
            Ok(data) => data,
            Err(_trailers) => Bytes::new(),
        },
        None => Bytes::new(),
    };
    let collected = tokio::time::timeout(time, collect(first, &mut body, max)).await.map_err(|_| {
        let message = "The body of the request did not come in time.";
        Refusal::fixed(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
    })?;
    match collected? {
        Some(whole) => Ok(whole),
        None => {
            discard(body).await;
            Err(too_large(max))
        }
    }
}

/// The body, unless it is too large.
async fn collect<B: Body<Data = Bytes> + Unpin>(
    first: Bytes,
    body: &mut B,
    max: usize,
) -> Result<Option<Bytes>, Refusal> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(max).min(max);
    let mut whole = BytesMut::with_capacity((first.len() + expected).min(max));
    let mut more = Some(first);
    while let Some(data) = more {
        if whole.len() + data.len() > max {
            return Ok(None);
        }
        whole.extend_from_slice(&data);
        more = match body.frame().await {
            Some(frame) => Some(frame.map_err(|_| broken())?.into_data().unwrap_or_default()),
            None => None,
        };
    }
    Ok(Some(whole.freeze()))
}

/// Of a body that is refused, this much is read all the same, for so long.
const MOST_DISCARDED: u64 = 16 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// Reads what is left of a body that is refused. Over HTTP/1.1 the connection of one that is not read ends with a reset, for which a client that
/// still sends never sees the response.
async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let reading = async {
        let mut discarded = 0;
        while let Some(Ok(frame)) = body.frame().await {
            discarded += frame.data_ref().map_or(0, Bytes::len) as u64;
            if discarded > MOST_DISCARDED {
                break;
            }
        }
    };
    // Whoever is slower loses the response.
    let _ = tokio::time::timeout(DISCARDING, reading).await;
}

fn too_large(max: usize) -> Refusal {
    let message = format!("The body of the request is larger than {max} bytes.");
    Refusal::fixed(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
}

fn broken() -> Refusal {
    Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", "The body of the request broke off.")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    const PIECE: usize = 1 << 20;

    /// What comes of a body of so many megabytes where one is permitted, and how many of them are read.
    async fn refused(pieces: usize, headers: &[(http::HeaderName, String)]) -> (Result<usize, StatusCode>, usize) {
        let read_pieces = Arc::new(AtomicUsize::new(0));
        let counted = read_pieces.clone();
        let stream = futures_util::stream::iter(0..pieces).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; PIECE])))
        });
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let came = read(&headers, StreamBody::new(stream), PIECE, Duration::from_secs(5)).await;
        let came = came.map(|body| body.len()).map_err(|refusal| match refusal.status {
            braid_gateway::refusal::RefusalStatus::Fixed(status) => status,
            braid_gateway::refusal::RefusalStatus::Request => StatusCode::OK,
        });
        (came, read_pieces.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_to_the_end_so_that_its_client_sees_the_response() {
        let too_large = Err(StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(refused(1, &[]).await, (Ok(PIECE), 1));
        assert_eq!(refused(5, &[]).await, (too_large, 5));
        let length = |pieces: usize| (CONTENT_LENGTH, (pieces * PIECE).to_string());
        assert_eq!(refused(5, &[length(5)]).await, (too_large, 5));
        // Not without end, nor where the client waits to be told.
        let (status, read) = refused(1000, &[]).await;
        assert!(status == too_large && read < 20, "{read}");
        assert_eq!(refused(1000, &[length(1000)]).await, (too_large, 0));
        assert_eq!(refused(5, &[length(5), (EXPECT, "100-continue".to_owned())]).await, (too_large, 0));
    }
}
