//! A stream as a response in parts (RFC 2046 §5.1): each event of a subscription is one
//! (Apollo's multipart protocol for subscriptions, 1.0), and so is each part of an answer that comes in parts
//! (the RFC on incremental delivery of GraphQL over HTTP). Knows no GraphQL and no socket.

use braid_gateway::subscriptions::Ended;

use super::framing::Framing;

/// What stands between parts. No JSON has it at the beginning of a line.
const BOUNDARY: &[u8] = b"--graphql";

/// Parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Multipart {
    /// The type of the response.
    pub(crate) content_type: &'static str,
    /// Whether responses are wrapped: `{"payload":…}`.
    has_payloads: bool,
}

impl Multipart {
    /// The events of a subscription: each response in `payload`.
    pub(crate) const SUBSCRIPTION: Self =
        Self { content_type: "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0", has_payloads: true };
    /// An answer in parts: each as it comes.
    pub(crate) const INCREMENTAL: Self =
        Self { content_type: "multipart/mixed;boundary=\"graphql\";incrementalSpec=v0.2", has_payloads: false };
    /// An answer in parts of the older format.
    pub(crate) const DEFER: Self =
        Self { content_type: "multipart/mixed;boundary=\"graphql\";deferSpec=20220824", has_payloads: false };
}

/// The boundary follows each part at once: clients take a part when they see it, and the next part may be long in coming.
fn part(json: &[&[u8]], out: &mut Vec<u8>) {
    out.reserve(json.iter().map(|piece| piece.len()).sum::<usize>() + 64);
    out.extend_from_slice(b"\r\ncontent-type: application/json\r\n\r\n");
    json.iter().for_each(|piece| out.extend_from_slice(piece));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(BOUNDARY);
}

impl Framing for Multipart {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(BOUNDARY);
    }

    fn next(&mut self, response: &[u8], out: &mut Vec<u8>) {
        match self.has_payloads {
            true => part(&[b"{\"payload\":", response, b"}"], out),
            false => part(&[response], out),
        }
    }

    fn end(&mut self, ended: &Ended, out: &mut Vec<u8>) {
        if !ended.errors.is_empty() {
            let errors = braid_executor::refuse(&ended.errors);
            match self.has_payloads {
                // The same members, beside a payload that is null.
                true => part(&[b"{\"payload\":null,", errors.get(1..).unwrap_or(b"}")], out),
                false => part(&[&errors], out),
            }
        }
        out.extend_from_slice(b"--\r\n");
    }

    fn heartbeat(&mut self, out: &mut Vec<u8>) {
        // A part of incremental delivery without anything new.
        part(&[if self.has_payloads { b"{}" } else { b"{\"hasNext\":true}" }], out);
    }
}
