//! A stream as server-sent events: the distinct connections mode of GraphQL over SSE
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>). Knows no GraphQL and no socket.

use braid_gateway::subscriptions::Ended;

use super::framing::Framing;

/// Server-sent events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sse;

impl Sse {
    /// The type of the response.
    pub(crate) const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";
}

impl Framing for Sse {
    /// A comment, so that clients and proxies see the head at once.
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.heartbeat(out);
    }

    fn next(&mut self, response: &[u8], out: &mut Vec<u8>) {
        out.reserve(response.len() + 24);
        out.extend_from_slice(b"event: next\n");
        // A line end would end the field. In JSON it is as good as any white space.
        for line in response.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out.push(b'\n');
    }

    fn end(&mut self, ended: &Ended, out: &mut Vec<u8>) {
        if !ended.errors.is_empty() {
            self.next(&braid_executor::refuse(&ended.errors), out);
        }
        // Browsers drop an event that has no data field.
        out.extend_from_slice(b"event: complete\ndata:\n\n");
    }

    fn heartbeat(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b":\n\n");
    }
}
