//! Invalidations that come from a message broker. Knows no particular broker's protocol, and not where entries are kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_cache_store::{Invalidation, NotAcknowledged};
use braid_events::config::{BrokerConfig, EventsConfig};
use braid_events::{Delivered, Taken, intake};
use braid_telemetry::metrics::{InvalidationOutcome, InvalidationWay, Metrics};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{EventInvalidationConfig, NatsInvalidationConfig, OnGap};
use crate::item::Item;
use crate::request::{self, MAX_BYTES};
use crate::rule::{Rule, RuleError};
use crate::target::Targets;

/// Why messages can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NatsError {
    /// The broker is not configured.
    #[error("the broker \"{0}\" is unknown; configure it in events.brokers")]
    Unknown(String),
    /// There is no broker.
    #[error("there is no broker; configure one in events.brokers")]
    None,
    /// It does not say which broker.
    #[error("there are several brokers in events.brokers, so `broker` must name one")]
    Several,
    /// A subject can't be used.
    #[error("{0}")]
    Rule(String),
}

impl From<RuleError> for NatsError {
    fn from(error: RuleError) -> Self {
        Self::Rule(error.to_string())
    }
}

/// A task that takes messages.
#[derive(Debug)]
pub(crate) struct Listening {
    settings: Settings,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What it is started with; while that stays the same, it goes on.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    config: NatsInvalidationConfig,
    name: String,
    broker: BrokerConfig,
    group: Option<String>,
}

/// The most messages that are invalidated at once.
const MOST: usize = 256;
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// How often messages that can't be used are logged at most.
const LOG_EVERY: Duration = Duration::from_secs(10);

impl Listening {
    /// Starts, keeps or ends the task, so that messages are taken as configured.
    pub(crate) fn follow(
        running: &mut Option<Self>,
        config: Option<&NatsInvalidationConfig>,
        brokers: &EventsConfig,
        group: Option<&str>,
        targets: &Arc<dyn Targets>,
        metrics: &Arc<Metrics>,
    ) -> Result<(), NatsError> {
        let Some(config) = config else {
            drop(running.take());
            return Ok(());
        };
        let (name, broker) = broker(config, brokers)?;
        let settings = Settings { config: config.clone(), name, broker, group: group.map(group_name) };
        if running.as_ref().is_some_and(|running| running.settings == settings) {
            return Ok(());
        }
        let taker = Taker::new(&settings, targets.clone(), metrics.clone())?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(taker.run(settings.clone(), stop.clone()));
        // The one before ends; what it took and did not finish comes again or is in what follows.
        *running = Some(Self { settings, stop, task });
        Ok(())
    }

    /// Ends when what was taken is done.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.task).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The broker, and its name.
pub(crate) fn broker(
    config: &NatsInvalidationConfig,
    brokers: &EventsConfig,
) -> Result<(String, BrokerConfig), NatsError> {
    let found = match &config.broker {
        Some(name) => brokers.brokers.get_key_value(name).ok_or_else(|| NatsError::Unknown(name.clone()))?,
        None if brokers.brokers.len() > 1 => return Err(NatsError::Several),
        None => brokers.brokers.first().ok_or(NatsError::None)?,
    };
    Ok((found.0.clone(), found.1.clone()))
}

/// A name for the group that brokers take.
fn group_name(group: &str) -> String {
    let safe = group.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    format!("braid-{}", safe.collect::<String>().trim_matches('-'))
}

/// What is done with messages.
struct Taker {
    /// Subjects whose messages are invalidations: what matches them, without the items.
    plain: Vec<Rule>,
    events: Vec<Rule>,
    on_gap: OnGap,
    targets: Arc<dyn Targets>,
    metrics: Arc<Metrics>,
    unusable: Unusable,
}

/// Messages that could not be used since the last line in the log.
#[derive(Default)]
struct Unusable {
    count: u64,
    logged: Option<Instant>,
}

impl Taker {
    fn new(settings: &Settings, targets: Arc<dyn Targets>, metrics: Arc<Metrics>) -> Result<Self, NatsError> {
        let plain = |subject: &String| {
            Rule::new(&EventInvalidationConfig { subject: subject.clone(), invalidates: vec![Item::All {}] })
        };
        let config = &settings.config;
        Ok(Self {
            plain: config.subjects.iter().map(plain).collect::<Result<_, _>>()?,
            events: config.events.iter().map(Rule::new).collect::<Result<_, _>>()?,
            on_gap: config.on_gap,
            targets,
            metrics,
            unusable: Unusable::default(),
        })
    }

    async fn run(mut self, settings: Settings, stop: CancellationToken) {
        let mut subjects: Vec<_> = self.plain.iter().chain(&self.events).map(Rule::wildcard).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let messages = intake(&settings.name, &settings.broker, subjects, settings.group);
        let mut messages = messages.ready_chunks(MOST);
        loop {
            let taken = tokio::select! {
                taken = messages.next() => taken,
                () = stop.cancelled() => return,
            };
            let Some(taken) = taken else { return };
            self.take(taken, &stop).await;
        }
    }

    /// Invalidates all that some messages are about, and only then tells the broker.
    async fn take(&mut self, taken: Vec<Taken>, stop: &CancellationToken) {
        let (mut items, mut usable, mut all) = (Vec::new(), 0, false);
        let mut messages = Vec::with_capacity(taken.len());
        for taken in taken {
            match taken {
                Taken::Gap => all |= self.on_gap == OnGap::Invalidate,
                Taken::Message(message) => {
                    match self.items(&message) {
                        Ok(found) => {
                            items.extend(found);
                            usable += 1;
                        }
                        Err(problem) => self.unusable(&message, &problem),
                    }
                    messages.push(message);
                }
            }
        }
        while all || !items.is_empty() {
            match self.invalidate(&items, all).await {
                Ok(()) => break,
                Err(error) => {
                    tracing::warn!(%error, "Invalidations of a broker were not acknowledged; the router tries again");
                    self.metrics.invalidation(InvalidationWay::Nats, InvalidationOutcome::Failed);
                    let mut kept = Vec::new();
                    for message in messages {
                        kept.extend(message.give_back().await);
                    }
                    // What the broker delivers again need not be done here.
                    if kept.is_empty() && !all {
                        return;
                    }
                    messages = kept;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
        for _ in 0..usable {
            self.metrics.invalidation(InvalidationWay::Nats, InvalidationOutcome::Done);
        }
        for message in messages {
            message.done().await;
        }
    }

    async fn invalidate(&self, items: &[Item], all: bool) -> Result<(), NotAcknowledged> {
        // Nothing is kept, so nothing can be untrue.
        let Some(target) = self.targets.current() else { return Ok(()) };
        // Whoever sent it can't be told that a name is unknown; and another router of the group may know it.
        let invalidations = items.iter().flat_map(|item| item.invalidations(&target.supergraph));
        let invalidations: Vec<_> = all.then_some(Invalidation::All).into_iter().chain(invalidations).collect();
        target.invalidate(&invalidations).await?;
        if all {
            tracing::info!("Messages about invalidations may have been lost; everything was invalidated");
        }
        Ok(())
    }

    /// What a message makes untrue.
    fn items(&self, message: &Delivered) -> Result<Vec<Item>, String> {
        if message.payload.len() > MAX_BYTES {
            return Err("it has more than 1 MB".to_owned());
        }
        let mut items = Vec::new();
        if self.plain.iter().any(|rule| rule.items(&message.subject, &Value::Null).is_some()) {
            let found = request::items(&message.payload).map_err(|error| error.to_string())?;
            if let Some(target) = self.targets.current()
                && let Err(error) = request::checked(&found, &target.supergraph)
            {
                tracing::debug!(%error, subject = message.subject, "An invalidation has a name that is unknown here");
            }
            items.extend(found);
        }
        if !self.events.is_empty() {
            // The subject alone may say all.
            let value = serde_json::from_slice(&message.payload).unwrap_or(Value::Null);
            for found in self.events.iter().filter_map(|rule| rule.items(&message.subject, &value)) {
                items.extend(found.map_err(|error| error.to_string())?);
            }
        }
        Ok(items)
    }

    /// Says now and then that messages can't be used.
    fn unusable(&mut self, message: &Delivered, problem: &str) {
        self.metrics.invalidation(InvalidationWay::Nats, InvalidationOutcome::Refused);
        self.unusable.count += 1;
        if self.unusable.logged.is_some_and(|logged| logged.elapsed() < LOG_EVERY) {
            return;
        }
        let subject: String = message.subject.chars().take(200).collect();
        let problem: String = problem.chars().take(500).collect();
        tracing::warn!(
            subject,
            problem,
            messages = self.unusable.count,
            "Messages say nothing that could be invalidated"
        );
        self.unusable = Unusable { count: 0, logged: Some(Instant::now()) };
    }
}
