//! A Redis that is asked while it is there. Knows nothing of what is asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_telemetry::metrics::RedisMetrics;
use braid_telemetry::trace::random_share;
use futures_util::future::join_all;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::address::{Address, RedisSetupError};
use crate::connection::Connection;
use crate::patience::Patience;

/// How a Redis is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// Where it is: one server, sentinels or a cluster.
    pub url: &'a str,
    /// The certificates, if the URL is one for TLS.
    pub tls: &'a TlsClientConfig,
    /// How long a request waits for it.
    pub timeout: Duration,
    /// Whether some answers may be late before it counts as away. Otherwise the first one makes it away.
    pub is_patient: bool,
    /// What it is for, in logs.
    pub purpose: &'static str,
}

/// A Redis.
pub struct Redis {
    address: Address,
    state: watch::Sender<State>,
    timeout: Duration,
    patience: Option<Mutex<Patience>>,
    purpose: &'static str,
    metrics: RedisMetrics,
}

#[derive(Clone)]
enum State {
    /// Nobody has asked yet.
    Idle,
    /// The first connection is being opened.
    Connecting,
    Up(Connection),
    Away,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it did not answer in time")]
    Timeout,
    #[error(transparent)]
    Redis(#[from] RedisError),
}

/// The pauses between attempts to reach it again.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long an attempt to reach it may take, with all sentinels that are asked.
const ATTEMPT: Duration = Duration::from_secs(5);
/// No command may take longer, whatever its caller says; what nobody waits for any more is given up then.
const LONGEST_COMMAND: Duration = Duration::from_secs(60);

impl Redis {
    /// A Redis. No connection is opened before the first question, and then one, or one to each node of a cluster. Must be called on a
    /// runtime.
    pub fn new(setup: Setup<'_>, metrics: RedisMetrics) -> Result<Arc<Self>, RedisSetupError> {
        metrics.up.set(1);
        Ok(Arc::new(Self {
            address: Address::new(setup.url, setup.tls)?,
            state: watch::Sender::new(State::Idle),
            timeout: setup.timeout,
            patience: setup.is_patient.then(|| Mutex::new(Patience::new(setup.timeout))),
            purpose: setup.purpose,
            metrics,
        }))
    }

    /// Opens the first connection, so that the first question does not have to wait for it.
    pub fn connect(self: &Arc<Self>) {
        let is_first = |state: &mut State| {
            let is_first = matches!(state, State::Idle);
            if is_first {
                *state = State::Connecting;
            }
            is_first
        };
        if self.state.send_if_modified(is_first) {
            tokio::spawn(come_back(Arc::downgrade(self), Duration::ZERO));
        }
    }

    /// What Redis answers, unless it is away, refuses, or does not answer in time.
    pub async fn ask<T, F>(self: &Arc<Self>, call: impl FnOnce(Connection) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        self.ask_within(self.timeout, call).await
    }

    /// As [`Self::ask`], with another time to wait.
    pub async fn ask_within<T, F>(self: &Arc<Self>, limit: Duration, call: impl FnOnce(Connection) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let sent = Instant::now();
        let connection = self.connection(sent + limit).await?;
        match timeout_at(sent + limit, call(connection)).await {
            Ok(Ok(answer)) => {
                self.answered();
                Some(answer)
            }
            Ok(Err(error)) => {
                self.refused(error);
                None
            }
            Err(_) => {
                self.late(sent);
                None
            }
        }
    }

    /// What Redis answers to each command: all in one round trip. `None` if it is away, or answers none of them in time.
    pub async fn ask_each(self: &Arc<Self>, limit: Duration, commands: Vec<Cmd>) -> Option<Vec<RedisResult<Value>>> {
        let sent = Instant::now();
        let deadline = sent + limit;
        let answers = match self.connection(deadline).await? {
            Connection::One(mut connection) => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                pipeline.ignore_errors();
                for command in commands {
                    pipeline.add_command(command);
                }
                let answers = timeout_at(deadline, pipeline.query_async::<Vec<RedisResult<Value>>>(&mut connection));
                match answers.await {
                    Ok(Ok(answers)) => answers,
                    Ok(Err(error)) => {
                        self.refused(error);
                        return None;
                    }
                    Err(_) => {
                        self.late(sent);
                        return None;
                    }
                }
            }
            // Each command may be for another server. They are sent at once, and one that is late holds up no other.
            Connection::Cluster(connection) => {
                let ask = |command: Cmd| {
                    let mut connection = connection.clone();
                    async move { timeout_at(deadline, command.query_async::<Value>(&mut connection)).await }
                };
                let answers = join_all(commands.into_iter().map(ask)).await;
                if answers.iter().all(Result::is_err) {
                    self.late(sent);
                    return None;
                }
                let late = || Err(RedisError::from((ErrorKind::Io, "it did not answer in time")));
                answers.into_iter().map(|answer| answer.unwrap_or_else(|_| late())).collect()
            }
        };
        self.answered();
        self.look_at(&answers);
        Some(answers)
    }

    /// Sees whether what single commands were answered means that it is away, or that another server is to be asked.
    pub fn look_at(self: &Arc<Self>, answers: &[RedisResult<Value>]) {
        let mut errors = answers.iter().filter_map(|answer| answer.as_ref().err()).peekable();
        let Some(first) = errors.peek().copied() else { return };
        self.metrics.failures.inc();
        let all_fail = answers.iter().all(|answer| answer.as_ref().is_err_and(means_away));
        if all_fail || errors.any(|error| self.is_elsewhere(error)) {
            self.lost(&Failure::Redis(first.clone()));
        }
    }

    /// Whether it is away.
    pub fn is_away(&self) -> bool {
        matches!(*self.state.borrow(), State::Away)
    }

    /// Waits until it is back, but not longer than this. Returns whether it is.
    pub async fn comes_back_within(&self, limit: Duration) -> bool {
        let mut state = self.state.subscribe();
        timeout(limit, state.wait_for(|state| matches!(state, State::Up(_)))).await.is_ok_and(|state| state.is_ok())
    }

    async fn connection(self: &Arc<Self>, deadline: Instant) -> Option<Connection> {
        match &*self.state.borrow() {
            State::Up(connection) => return Some(connection.clone()),
            State::Away => return None,
            State::Idle | State::Connecting => {}
        }
        self.connect();
        let mut state = self.state.subscribe();
        let state = timeout_at(deadline, state.wait_for(|state| matches!(state, State::Up(_) | State::Away))).await;
        match &*state.ok()?.ok()? {
            State::Up(connection) => Some(connection.clone()),
            _ => None,
        }
    }

    fn answered(&self) {
        if let Some(patience) = &self.patience {
            patience.lock().unwrap_or_else(PoisonError::into_inner).answered(std::time::Instant::now());
        }
    }

    fn late(self: &Arc<Self>, sent: Instant) {
        self.metrics.failures.inc();
        let is_away = self.patience.as_ref().is_none_or(|patience| {
            let mut patience = patience.lock().unwrap_or_else(PoisonError::into_inner);
            patience.late(sent.into_std(), std::time::Instant::now())
        });
        if is_away {
            self.lost(&Failure::Timeout);
        }
    }

    fn refused(self: &Arc<Self>, error: RedisError) {
        self.metrics.failures.inc();
        if self.patience.is_none() || means_away(&error) || self.is_elsewhere(&error) {
            self.lost(&Failure::Redis(error));
        }
    }

    /// Whether another server is to be asked from now on.
    fn is_elsewhere(&self, error: &RedisError) -> bool {
        let ErrorKind::Server(kind) = error.kind() else { return false };
        match self.address {
            Address::One(_) => false,
            Address::Sentinel(_) => kind == ServerErrorKind::ReadOnly,
            // Commands that are sent one by one follow by themselves.
            Address::Cluster(_) => matches!(kind, ServerErrorKind::Moved | ServerErrorKind::ReadOnly),
        }
    }

    fn lost(self: &Arc<Self>, failure: &Failure) {
        let is_news = self.state.send_if_modified(|state| {
            let was_up = matches!(state, State::Up(_));
            if was_up {
                *state = State::Away;
            }
            was_up
        });
        if is_news {
            self.metrics.up.set(0);
            tracing::warn!(purpose = self.purpose, error = %failure, "Redis is away; the router does without it");
            // A server closes connections that were idle, and a master that is replaced closes all; another one may be there at once.
            let is_closed = matches!(failure, Failure::Redis(error) if error.is_connection_dropped());
            let pause = if is_closed { Duration::ZERO } else { FIRST_PAUSE };
            tokio::spawn(come_back(Arc::downgrade(self), pause));
        }
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let open = async {
            let mut connection = Connection::open(&self.address, LONGEST_COMMAND).await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            Ok(connection)
        };
        timeout(ATTEMPT, open).await.map_err(|_| Failure::Timeout)?
    }
}

/// Whether no other command would fare better over this connection. A server that is full or may not be written to is still read.
fn means_away(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => matches!(kind, ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown),
        ErrorKind::Extension => error.code() == Some("NOAUTH"),
        _ => true,
    }
}

/// Connects until it works, or until nobody needs it any more.
async fn come_back(redis: Weak<Redis>, mut pause: Duration) {
    loop {
        // Routers that lost it together come back one after the other.
        tokio::time::sleep(pause + pause.mul_f64(random_share() / 4.0)).await;
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        let Some(redis) = redis.upgrade() else { return };
        let opened = redis.open().await;
        let was_away = redis.is_away();
        match opened {
            Ok(connection) => {
                if let Some(patience) = &redis.patience {
                    patience.lock().unwrap_or_else(PoisonError::into_inner).reset();
                }
                redis.metrics.up.set(1);
                redis.state.send_replace(State::Up(connection));
                if was_away {
                    tracing::info!(purpose = redis.purpose, "Redis is back");
                }
                return;
            }
            Err(failure) => {
                if !was_away {
                    redis.metrics.failures.inc();
                    redis.metrics.up.set(0);
                    redis.state.send_replace(State::Away);
                    tracing::warn!(purpose = redis.purpose, error = %failure, "Redis is away; the router does without it");
                }
            }
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("purpose", &self.purpose)
            .field("address", &self.address)
            .field("is_away", &self.is_away())
            .finish_non_exhaustive()
    }
}
