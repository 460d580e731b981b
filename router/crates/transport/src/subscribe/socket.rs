//! One WebSocket to a subgraph: a task that opens it, speaks a GraphQL subprotocol over it for several subscriptions, and finds out when
//! the other side is gone. Knows neither who shares it nor what comes after it.

use std::future::poll_fn;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ahash::AHashMap;
use braid_executor::SubgraphError;
use braid_graphql_ws::{ClientMessage, ServerMessage, Subprotocol, close};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream};
use http::HeaderMap;
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use super::connection::Observer;
use super::error;
use super::handshake::{self, Handshake, WebSocket};
use super::limits::Limits;
use super::queue::{End, Queue};
use super::sockets::Registration;

/// What all sockets to a subgraph have in common.
#[derive(Debug)]
pub(crate) struct SocketSettings {
    pub(crate) handshake: Handshake,
    pub(crate) limits: Limits,
    pub(crate) ping_interval: Duration,
    pub(crate) dead_after: Duration,
    pub(crate) idle: Duration,
    pub(crate) observer: Observer,
}

/// What a socket is told to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Begin a subscription.
    Subscribe { id: u64, body: Bytes, queue: Arc<Queue>, opened: oneshot::Sender<Result<(), Unopened>> },
    /// End it.
    Complete(u64),
}

/// Why a subscription did not begin.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// The socket could not be opened, or was lost.
    Failed(SubgraphError),
    /// The socket is closed because it was idle: another one will do.
    Closing,
}

/// A socket.
pub(crate) struct Socket {
    settings: Arc<SocketSettings>,
    url: usize,
    headers: HeaderMap,
    commands: mpsc::UnboundedReceiver<Command>,
    registration: Registration,
}

impl Socket {
    pub(crate) fn new(
        settings: Arc<SocketSettings>,
        url: usize,
        headers: HeaderMap,
        commands: mpsc::UnboundedReceiver<Command>,
        registration: Registration,
    ) -> Self {
        Self { settings, url, headers, commands, registration }
    }

    /// Opens it when it is its turn, and serves it to its end.
    pub(crate) async fn run(mut self, turn: Option<Instant>) {
        if let Some(turn) = turn {
            sleep_until(turn).await;
        }
        let opened = self.settings.handshake.open(self.url, &self.headers).await;
        let error = match opened {
            Err(error) => Some(error),
            Ok((socket, subprotocol)) => {
                let mut speaking = Speaking {
                    settings: &self.settings,
                    socket,
                    subprotocol,
                    subscriptions: AHashMap::new(),
                    needs_flush: false,
                    unreadable: 0,
                    has_warned: false,
                };
                let connection = self.settings.observer.opened(subprotocol.name());
                let error = speaking.serve(&mut self.commands).await;
                if let Some(error) = &error {
                    connection.lost(error);
                    speaking.fail(error);
                }
                error
            }
        };
        // First, so that nobody finds it here any more.
        drop(self.registration);
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            if let Command::Subscribe { opened, .. } = command {
                let _ = opened.send(Err(error.clone().map_or(Unopened::Closing, Unopened::Failed)));
            }
        }
    }
}

/// A socket that is open.
struct Speaking<'a> {
    settings: &'a SocketSettings,
    socket: WebSocket,
    subprotocol: Subprotocol,
    subscriptions: AHashMap<u64, Arc<Queue>>,
    /// Whether something written may not be on its way yet.
    needs_flush: bool,
    /// Messages in a row that can't be read.
    unreadable: u32,
    has_warned: bool,
}

enum Progress {
    Flushed,
    Came(Option<Result<Message, tungstenite::Error>>),
}

/// So many messages in a row may be unreadable before the socket is given up.
const MAX_UNREADABLE: u32 = 16;

/// Whether the socket goes on; an error if it does not, or none if it ends by agreement.
type Flow = ControlFlow<Option<SubgraphError>>;

impl Speaking<'_> {
    async fn serve(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>) -> Option<SubgraphError> {
        let SocketSettings { ping_interval, dead_after, idle, .. } = *self.settings;
        let (mut heard, mut next_ping) = (Instant::now(), Instant::now() + ping_interval);
        let mut idle_since = Instant::now();
        loop {
            let is_idle = self.subscriptions.is_empty();
            let timer = next_ping.min(heard + dead_after);
            let timer = if is_idle { timer.min(idle_since + idle) } else { timer };
            let flow = select! {
                biased;
                // First, so that a flood of messages can't hold them up. While something waits to be written, no more is added to it.
                command = commands.recv(), if !self.needs_flush => match command {
                    Some(command) => self.obey(command),
                    None => Break(None),
                },
                progress = progress(&mut self.socket, self.needs_flush) => match progress {
                    Progress::Flushed => {
                        self.needs_flush = false;
                        Continue(())
                    }
                    Progress::Came(message) => {
                        heard = Instant::now();
                        self.take(message)
                    }
                },
                () = sleep_until(timer) => {
                    let now = Instant::now();
                    if heard + dead_after <= now {
                        Break(Some(error::timeout(format!("nothing came for {dead_after:?}, not even the answer to a ping"))))
                    } else if is_idle && idle_since + idle <= now {
                        Break(None)
                    } else if next_ping <= now {
                        next_ping = now + ping_interval;
                        self.ping()
                    } else {
                        Continue(())
                    }
                }
            };
            if let Break(error) = flow {
                self.close(error.as_ref()).await;
                return error;
            }
            if !is_idle && self.subscriptions.is_empty() {
                idle_since = Instant::now();
            }
        }
    }

    fn obey(&mut self, command: Command) -> Flow {
        match command {
            Command::Subscribe { id, body, queue, opened } => {
                // The one who asked may be gone.
                if opened.send(Ok(())).is_err() {
                    return Continue(());
                }
                self.subscriptions.insert(id, queue);
                self.write(&ClientMessage::Subscribe { id: id.to_string().into(), payload: body })
            }
            Command::Complete(id) => match self.subscriptions.remove(&id) {
                Some(_) => self.write(&ClientMessage::Complete { id: id.to_string().into() }),
                None => Continue(()),
            },
        }
    }

    fn take(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Flow {
        match message {
            Some(Ok(Message::Text(text))) => self.read(&text.into()),
            Some(Ok(Message::Ping(_))) => {
                // Its answer is written by the library.
                self.needs_flush = true;
                Continue(())
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Continue(()),
            Some(Ok(Message::Binary(_))) => self.ignore("it is binary"),
            Some(Ok(Message::Close(frame))) => Break(Some(handshake::closed(frame))),
            Some(Err(tungstenite::Error::Capacity(_))) => {
                let max = self.settings.handshake.max_message();
                Break(Some(error::lost(format!("a message was larger than {max} bytes, so the WebSocket was closed"))))
            }
            Some(Err(problem)) => Break(Some(error::lost(braid_net::chain(&problem)))),
            None => Break(Some(error::lost("the WebSocket ended without a close".to_owned()))),
        }
    }

    fn read(&mut self, text: &Bytes) -> Flow {
        let message = match ServerMessage::parse(self.subprotocol, text) {
            Ok(message) => message,
            Err(problem) => return self.ignore(&problem.to_string()),
        };
        self.unreadable = 0;
        match message {
            ServerMessage::Next { id, payload } => {
                // What comes after a subscription has ended is ignored: it may have been on its way.
                if let Some((id, queue)) = self.find(&id)
                    && !queue.push_checked(payload)
                {
                    return self.obey(Command::Complete(id));
                }
            }
            ServerMessage::Error { id, errors } => {
                if let Some((id, queue)) = self.find(&id) {
                    queue.refuse(&errors);
                    self.subscriptions.remove(&id);
                }
            }
            ServerMessage::Complete { id } => {
                if let Some((id, queue)) = self.find(&id) {
                    queue.end(End::Completed);
                    self.subscriptions.remove(&id);
                }
            }
            ServerMessage::Ping(payload) => return self.write(&ClientMessage::Pong(payload)),
            ServerMessage::Pong(_) | ServerMessage::KeepAlive | ServerMessage::Ack(_) => {}
            ServerMessage::Refused(payload) => return Break(Some(handshake::refused(&payload))),
        }
        Continue(())
    }

    fn find(&self, id: &str) -> Option<(u64, &Arc<Queue>)> {
        let id = id.parse().ok()?;
        Some((id, self.subscriptions.get(&id)?))
    }

    /// A message can't be read. It may have been an event of any subscription.
    fn ignore(&mut self, problem: &str) -> Flow {
        // Once for each socket: there may be as many as events.
        if !std::mem::replace(&mut self.has_warned, true) {
            let subgraph = &*self.settings.observer.subgraph;
            tracing::warn!(subgraph, problem, "A message on a WebSocket can't be read");
        }
        self.subscriptions.values().for_each(|queue| queue.gap());
        self.unreadable += 1;
        if self.unreadable < MAX_UNREADABLE {
            return Continue(());
        }
        Break(Some(error::malformed(format!("too many messages can't be read: {problem}"))))
    }

    /// The WebSocket's own ping and that of the subprotocol: behind a proxy, the first may say nothing about the subgraph.
    fn ping(&mut self) -> Flow {
        self.send(Message::Ping(Bytes::new()))?;
        match self.subprotocol {
            Subprotocol::TransportWs => self.write(&ClientMessage::Ping(None)),
            Subprotocol::Legacy => Continue(()),
        }
    }

    fn write(&mut self, message: &ClientMessage) -> Flow {
        match message.write(self.subprotocol).map(Utf8Bytes::try_from) {
            Some(Ok(text)) => self.send(Message::Text(text)),
            _ => Continue(()),
        }
    }

    fn send(&mut self, message: Message) -> Flow {
        self.needs_flush = true;
        match Pin::new(&mut self.socket).start_send(message) {
            Ok(()) => Continue(()),
            // What waits to be written is larger than it may be: the other side does not read.
            Err(problem) => Break(Some(error::lost(braid_net::chain(&problem)))),
        }
    }

    async fn close(&mut self, problem: Option<&SubgraphError>) {
        let (code, reason) = match problem {
            None => (close::NORMAL, ""),
            Some(error) if error.retryable => (close::GOING_AWAY, ""),
            Some(_) => (close::PROTOCOL_ERROR, "messages can't be read"),
        };
        if self.subprotocol == Subprotocol::Legacy {
            let _ = self.write(&ClientMessage::Terminate);
        }
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) };
        let closing = self.socket.send(Message::Close(Some(frame)));
        let _ = timeout(Duration::from_millis(100), closing).await;
    }

    fn fail(&mut self, error: &SubgraphError) {
        self.subscriptions.drain().for_each(|(_, queue)| queue.end(End::Failed(error.clone())));
    }
}

/// Waits for a message, and for what was written to be on its way: a peer that reads only once it has written must not be waited for.
async fn progress(socket: &mut WebSocket, needs_flush: bool) -> Progress {
    poll_fn(|cx| {
        if needs_flush {
            match Pin::new(&mut *socket).poll_flush(cx) {
                Poll::Ready(Ok(())) => return Poll::Ready(Progress::Flushed),
                Poll::Ready(Err(error)) => return Poll::Ready(Progress::Came(Some(Err(error)))),
                Poll::Pending => {}
            }
        }
        Pin::new(&mut *socket).poll_next(cx).map(Progress::Came)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;
    use std::task::Context;

    use braid_telemetry::metrics::Metrics;
    use serde_json::Map;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// A connection on which there is always another event to read, until something is written or 10,000 were read; then it ends.
    struct Flood {
        written: Arc<Mutex<Vec<u8>>>,
        left: u32,
    }

    impl AsyncRead for Flood {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let event = br#"{"type":"next","id":"1","payload":{"data":{}}}"#;
            if self.left > 0 && self.written.lock().unwrap().is_empty() {
                self.left -= 1;
                buf.put_slice(&[0x81, event.len() as u8]);
                buf.put_slice(event);
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Flood {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.written.lock().unwrap().extend(buf);
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_flood_does_not_hold_up_a_new_subscription() {
        let second = Duration::from_secs(1);
        let settings = SocketSettings {
            handshake: Handshake {
                dialers: Vec::new(),
                subprotocols: &[Subprotocol::TransportWs],
                init: Map::new(),
                headers_in_init: false,
                connect_timeout: second,
                ack_timeout: second,
                max_event: 1000,
            },
            limits: Limits::default(),
            ping_interval: 60 * second,
            dead_after: 60 * second,
            idle: 60 * second,
            observer: Observer { subgraph: "flooding".into(), metrics: Metrics::default().upstream("flooding") },
        };
        let written = Arc::new(Mutex::new(Vec::new()));
        let flood: Box<dyn handshake::Transport> = Box::new(Flood { written: written.clone(), left: 10_000 });
        let mut speaking = Speaking {
            settings: &settings,
            socket: WebSocketStream::from_raw_socket(flood, Role::Client, None).await,
            subprotocol: Subprotocol::TransportWs,
            subscriptions: AHashMap::new(),
            needs_flush: false,
            unreadable: 0,
            has_warned: false,
        };
        let (sender, mut commands) = mpsc::unbounded_channel();
        let (opened, asked) = oneshot::channel();
        let queue = Arc::new(Queue::new(Limits::default()));
        sender.send(Command::Subscribe { id: 2, body: Bytes::from_static(b"{}"), queue, opened }).unwrap();
        assert!(speaking.serve(&mut commands).await.is_some(), "the connection ended");
        drop(commands);
        assert!(asked.await.is_ok(), "the subscription was held up");
        // The type of the frame, and nothing else, since clients mask theirs: it is the subscription, not the close after the end.
        assert_eq!(written.lock().unwrap().first(), Some(&0x81));
    }
}
