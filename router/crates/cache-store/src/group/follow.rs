//! Follows the log of a group, in a task of its own. Knows nothing of who invalidates.

use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use braid_redis::Redis;
use braid_telemetry::trace::random;
use redis::Value;

use super::log::{self, Id, PAGE, Said};
use super::{Shared, ask};
use crate::invalidation::Invalidation;

/// How far a router has read.
struct Reader {
    /// The last entry.
    at: Id,
    /// Where it was when it had last read all of the log.
    complete_at: Id,
    had_lease: bool,
    /// Its name on the list, and since when it has it.
    member: String,
    since: Instant,
    /// The name before, which is still to be taken off the list.
    old_member: Option<String>,
}

/// A turn waits for news for this share of a lease, and may take this share in all.
const WAIT: u32 = 4;
const LIMIT: u32 = 2;
/// A router that has said nothing for so many leases is off the list.
const LEASES: u32 = 10;
/// The pause after a turn that failed, and between looks at a Redis that is away.
const PAUSE: Duration = Duration::from_millis(20);

/// Follows until nobody needs it any more.
pub(super) async fn follow(shared: Weak<Shared>, redis: Arc<Redis>) {
    let member = String::new();
    let (at, since) = (Id::default(), Instant::now());
    let mut reader = Reader { at, complete_at: at, had_lease: true, member, since, old_member: None };
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let sent = Instant::now();
        let has_lease = shared.lease.is_held(sent);
        if reader.had_lease && !has_lease && !reader.member.is_empty() {
            shared.metrics.leases_lost.inc();
            tracing::warn!("the log of invalidations can't be followed; what is kept is not served until it can");
        }
        // Others may have taken this router off the list, or be about to.
        if !has_lease && (reader.had_lease || sent - reader.since > shared.length * LEASES / 2) {
            reader.rename(&shared, sent);
        }
        reader.had_lease = has_lease;
        let turn = try_turn(&shared, &redis, &mut reader).await.unwrap_or(Turn::Failed);
        shared.note(&turn, sent);
        let is_told = !matches!(turn, Turn::Complete(_)) || shared.tell(&redis).await;
        drop(shared);
        if turn == Turn::Failed || !is_told {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Reader {
    fn rename(&mut self, shared: &Shared, now: Instant) {
        let old = std::mem::replace(&mut self.member, format!("{:016x}", random()));
        self.old_member = Some(old).filter(|old| !old.is_empty());
        self.since = now;
        shared.member.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.member);
    }
}

/// What came of a turn.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// All of the log is known, and this router is on this list.
    Complete(String),
    /// There is more to read.
    Partial,
    Failed,
}

async fn try_turn(shared: &Shared, redis: &Arc<Redis>, reader: &mut Reader) -> Option<Turn> {
    if let Some(old) = reader.old_member.take() {
        shared.leave(redis, &old).await;
    }
    let (names, member) = (&shared.names, &reader.member);
    let keep = (shared.length * LEASES).as_millis() as u64;
    let wait = (shared.length / WAIT).as_millis() as u64;
    // First on the list, then the log: whoever looks at the list after adding to the log sees this router there, or it reads what was added.
    let commands = vec![
        names.begin(&format!("{:016x}", random())),
        names.join(member),
        names.say(member, reader.at, keep),
        names.renew(member, keep),
        names.is_member(member),
        names.last(),
        names.after(reader.at, wait),
    ];
    let answers = ask(redis, shared.length / LIMIT, commands).await?;
    let [_begun, _joined, _said, renewed, on_list, last, news] = <[_; 7]>::try_from(answers).ok()?;
    let last = log::entries(&last.ok()?)?.first().map(|(id, _)| *id);
    if last.is_none_or(|last| last < reader.at) {
        // It is new, or has lost its end or everything. Nobody can say what else it has lost.
        reader.at = start_again(shared, redis, reader.at).await?;
        reader.complete_at = reader.at;
        return Some(Turn::Partial);
    }
    let news = log::read(&news.ok()?)?;
    let is_all = news.len() < PAGE;
    for (id, said) in news {
        match said {
            Said::Invalidated(invalidations) => {
                shared.metrics.invalidations.inc_by(invalidations.len() as u64);
                shared.invalidations.apply(id.position(), &invalidations);
            }
            Said::Floor(floor) if reader.complete_at < floor => shared.invalidations.forget_before(floor.position()),
            Said::Floor(_) => {}
        }
        reader.at = id;
    }
    if !is_all {
        return Some(Turn::Partial);
    }
    reader.complete_at = reader.at;
    // A Redis that is full takes no new members and keeps the ones it has.
    let is_renewed = renewed.ok()? == Value::Int(1);
    let Value::Array(on_list) = on_list.ok()? else { return None };
    let [epoch, me] = &on_list[..] else { return None };
    (is_renewed && *me != Value::Nil).then_some(())?;
    Some(Turn::Complete(log::text(epoch)?.to_owned()))
}

/// Invalidates everything, at an id after all that is known.
async fn start_again(shared: &Shared, redis: &Arc<Redis>, known: Id) -> Option<Id> {
    let all = [Invalidation::All];
    let add = async |command| {
        let answers = ask(redis, shared.timeout, vec![command]).await?;
        log::text(answers.first()?.as_ref().ok()?)?.parse::<Id>().ok()
    };
    let mut id = add(shared.names.add(&all, Id::default())).await?;
    if id <= known {
        // The clock of this Redis is behind that of the one before.
        id = add(shared.names.add_all_at(Id::at(known.millis + 1))).await?;
    }
    if known != Id::default() {
        tracing::warn!("the log of invalidations has lost entries; everything that was kept is invalidated");
    }
    shared.invalidations.apply(id.position(), &all);
    Some(id)
}

impl Shared {
    fn note(&self, turn: &Turn, sent: Instant) {
        let now = Instant::now();
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        match turn {
            Turn::Complete(list) => {
                self.lease.renew(sent);
                steady.confirm(now, list);
            }
            Turn::Partial => {}
            Turn::Failed => steady.disturb(),
        }
        self.metrics.lease.set(i64::from(self.lease.is_held(now)));
    }

    /// Takes a name of this router off the list that it has no lease by.
    async fn leave(&self, redis: &Arc<Redis>, member: &str) {
        ask(redis, self.length / LIMIT, vec![self.names.leave(member), self.names.unsay(member)]).await;
    }

    /// Tells the group what it could not be told before. Returns whether nothing is left.
    async fn tell(&self, redis: &Arc<Redis>) -> bool {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        if untold.is_empty() {
            return true;
        }
        let answers = ask(redis, self.timeout, vec![self.names.add(&untold, Id::default())]).await;
        let is_told = answers.is_some_and(|answers| answers.iter().all(Result::is_ok));
        if !is_told {
            self.untold.lock().unwrap_or_else(PoisonError::into_inner).extend(untold);
        }
        is_told
    }
}
