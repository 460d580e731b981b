//! Streams as responses over HTTP, in the media type that the client likes best. Knows no GraphQL.

use std::sync::Arc;

use braid_gateway::Body;
use braid_gateway::Subgraphs;
use braid_gateway::subscriptions::{EndCause, Ended};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::begun::Begun;
use super::framing::{FramedBody, Framing};
use super::multipart::Multipart;
use super::sse::Sse;
use crate::exchange::Exchange;
use crate::negotiate::StreamMedia;
use crate::state::Front;

/// A stream that is sent as the body of a response.
pub(crate) struct Streamed {
    pub(crate) begun: Begun,
    pub(crate) media: StreamMedia,
}

impl Streamed {
    /// The body. The exchange ends with it.
    pub(crate) fn body<S: Subgraphs>(self, exchange: Exchange<S>, front: &Arc<Front<S>>) -> Body {
        let heartbeat = exchange.version.config.streams.heartbeat.0;
        let events = self.begun.live(exchange, front, None);
        match self.media {
            StreamMedia::Sse => Body::stream(FramedBody::new(events, Sse, heartbeat)),
            StreamMedia::Multipart => Body::stream(FramedBody::new(events, Multipart::payloads(), heartbeat)),
        }
    }
}

/// An answer that is whole, for a client that takes streams alone.
pub(crate) fn whole(media: StreamMedia, response: &[u8]) -> Bytes {
    match media {
        StreamMedia::Sse => one(Sse, response),
        StreamMedia::Multipart => one(Multipart::payloads(), response),
    }
}

fn one(mut framing: impl Framing, response: &[u8]) -> Bytes {
    let mut out = Vec::new();
    framing.begin(&mut out);
    framing.next(response, &mut out);
    framing.end(&Ended::for_cause(EndCause::Completed), &mut out);
    out.into()
}

/// The headers of a response that is a stream. Nothing on the way may keep it, or hold it back.
pub(crate) fn write_head(media: StreamMedia, headers: &mut HeaderMap) {
    let content_type = match media {
        StreamMedia::Sse => Sse::CONTENT_TYPE,
        StreamMedia::Multipart => Multipart::SUBSCRIPTION,
    };
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}

impl StreamMedia {
    /// What logs and metrics call it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Multipart => "multipart",
        }
    }
}
