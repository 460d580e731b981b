//! The WebSockets to a subgraph: one for each identity, for all its subscriptions, opened on demand. Knows no message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ahash::AHashMap;
use braid_executor::SubgraphError;
use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{mpsc, oneshot};

use super::pace::Pace;
use super::queue::Queue;
use super::socket::{Command, Socket, SocketSettings, Unopened};
use super::source::Source;

/// What tells sockets apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The number of the URL.
    pub(crate) url: usize,
    /// All that the subgraph sees of a client. Compared in full, since a client must not use another one's socket.
    pub(crate) seen: Vec<u8>,
}

/// The sockets to a subgraph.
#[derive(Debug)]
pub(crate) struct Sockets {
    open: Arc<Open>,
    settings: Arc<SocketSettings>,
    pace: Arc<Pace>,
    count: AtomicU64,
}

type Open = Mutex<AHashMap<Identity, Handle>>;

#[derive(Debug, Clone)]
struct Handle {
    /// Unbounded: there are at most two commands for each subscription.
    commands: mpsc::UnboundedSender<Command>,
    number: u64,
}

impl Sockets {
    pub(crate) fn new(settings: SocketSettings, pace: Arc<Pace>) -> Self {
        Self { open: Arc::default(), settings: Arc::new(settings), pace, count: AtomicU64::new(0) }
    }

    /// Subscribes on the socket of this identity. If there is none, it is opened; where one was lost, in its turn.
    pub(crate) async fn subscribe(
        &self,
        identity: Identity,
        headers: &HeaderMap,
        body: &Bytes,
        was_lost: bool,
    ) -> Result<Source, SubgraphError> {
        loop {
            let queue = Arc::new(Queue::new(self.settings.limits.clone()));
            let (opened, answer) = oneshot::channel();
            let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
            let commands = self.socket(&identity, headers, was_lost);
            let subscribe = Command::Subscribe { id, body: body.clone(), queue: queue.clone(), opened };
            if commands.send(subscribe).is_err() {
                continue;
            }
            let source = Source::new(queue, Subscribed { commands, id });
            match answer.await {
                Ok(Ok(())) => return Ok(source),
                Ok(Err(Unopened::Failed(error))) => return Err(error),
                // It was about to be closed because it was idle.
                Ok(Err(Unopened::Closing)) | Err(_) => {}
            }
        }
    }

    fn socket(&self, identity: &Identity, headers: &HeaderMap, was_lost: bool) -> mpsc::UnboundedSender<Command> {
        let mut open = lock(&self.open);
        if let Some(handle) = open.get(identity).filter(|handle| !handle.commands.is_closed()) {
            return handle.commands.clone();
        }
        let (commands, received) = mpsc::unbounded_channel();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        open.insert(identity.clone(), Handle { commands: commands.clone(), number });
        let registration = Registration { open: self.open.clone(), identity: identity.clone(), number };
        let turn = was_lost.then(|| self.pace.turn());
        let socket = Socket::new(self.settings.clone(), identity.url, headers.clone(), received, registration);
        tokio::spawn(socket.run(turn));
        commands
    }
}

/// The place of a socket among those that can be used, until it is dropped.
pub(crate) struct Registration {
    open: Arc<Open>,
    identity: Identity,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        // Another one may have taken its place.
        if open.get(&self.identity).is_some_and(|handle| handle.number == self.number) {
            open.remove(&self.identity);
        }
    }
}

/// A subscription on a socket, until it is dropped.
struct Subscribed {
    commands: mpsc::UnboundedSender<Command>,
    id: u64,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Complete(self.id));
    }
}

fn lock(open: &Open) -> MutexGuard<'_, AHashMap<Identity, Handle>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
