//! The events of a subscription from one connection, until that ends. Knows no protocol.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::select;
use tokio::time::{Instant, sleep_until};

use super::error;
use super::limits::Limits;
use super::queue::{End, Item, Queue};

/// Where the events of a subscription come from.
pub(crate) struct Source {
    queue: Arc<Queue>,
    /// The time without a sign of life after which it counts as lost, where nobody else looks at that.
    silence: Option<Duration>,
    /// Ends the subscription when it is dropped.
    _open: Box<dyn Send + Sync>,
}

impl Source {
    /// The events that are put into `queue` until `open` is dropped.
    pub(crate) fn new(queue: Arc<Queue>, open: impl Send + Sync + 'static) -> Self {
        Self { queue, silence: None, _open: Box::new(open) }
    }

    /// The same, where the subgraph must show that it is there within this time.
    pub(crate) fn with_silence(self, silence: Option<Duration>) -> Self {
        Self { silence, ..self }
    }

    /// A response, and nothing after it.
    pub(crate) fn answered(body: Bytes) -> Self {
        let queue = Queue::new(Limits::default());
        queue.push(body);
        queue.end(End::Completed);
        Self::new(Arc::new(queue), ())
    }

    pub(crate) async fn next(&self) -> Item {
        let Some(silence) = self.silence else { return self.queue.next().await };
        loop {
            let until = self.queue.heard() + silence;
            select! {
                biased;
                item = self.queue.next() => return item,
                () = sleep_until(until) => {}
            }
            if self.queue.heard() + silence <= Instant::now() {
                return Item::End(End::Failed(error::timeout(format!("nothing came for {silence:?}"))));
            }
        }
    }
}
