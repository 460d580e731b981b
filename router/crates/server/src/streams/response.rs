//! Streams as responses over HTTP, in the media type that the client likes best. Knows no GraphQL.

use std::sync::Arc;

use braid_executor::PartsFormat;
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
use crate::negotiate::{PartsMedia, ResponseMedia, StreamMedia};
use crate::state::Front;

/// A stream that is sent as the body of a response.
pub(crate) struct Streamed {
    pub(crate) begun: Begun,
    pub(crate) media: ResponseMedia,
}

impl Streamed {
    /// The body. The exchange ends with it.
    pub(crate) fn body<S: Subgraphs>(self, exchange: Exchange<S>, front: &Arc<Front<S>>) -> Body {
        let heartbeat = exchange.version.config.streams.heartbeat.0;
        let events = self.begun.live(exchange, front, None);
        match multipart(self.media) {
            Some(multipart) => Body::stream(FramedBody::new(events, multipart, heartbeat)),
            None => Body::stream(FramedBody::new(events, Sse, heartbeat)),
        }
    }
}

/// How a response of this type is written; `None` for server-sent events.
fn multipart(media: ResponseMedia) -> Option<Multipart> {
    match media {
        ResponseMedia::Events(StreamMedia::Sse) | ResponseMedia::Parts(PartsMedia::Sse) => None,
        ResponseMedia::Events(StreamMedia::Multipart) => Some(Multipart::SUBSCRIPTION),
        ResponseMedia::Parts(PartsMedia::Multipart) => Some(Multipart::INCREMENTAL),
        ResponseMedia::Parts(PartsMedia::OlderMultipart) => Some(Multipart::DEFER),
    }
}

/// An answer that is whole, for a client that takes streams alone.
pub(crate) fn whole(media: ResponseMedia, response: &[u8]) -> Bytes {
    match multipart(media) {
        Some(multipart) => one(multipart, response),
        None => one(Sse, response),
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
pub(crate) fn write_head(media: ResponseMedia, headers: &mut HeaderMap) {
    let content_type = multipart(media).map_or(Sse::CONTENT_TYPE, |multipart| multipart.content_type);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}

impl PartsMedia {
    /// What logs and metrics call it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Multipart | Self::OlderMultipart => "multipart",
        }
    }

    /// The format of the parts.
    pub(crate) fn format(self) -> PartsFormat {
        match self {
            Self::Sse | Self::Multipart => PartsFormat::Pending,
            Self::OlderMultipart => PartsFormat::Path,
        }
    }
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
