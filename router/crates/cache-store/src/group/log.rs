//! The log of invalidations in Redis, and the list of routers that follow it: their form. Knows no connection.
//!
//! ```text
//! {prefix}{group}:invalidations   stream: v = 1, i = [invalidations]      or f = id: what is before it may be missing
//! {prefix}{group}:members         hash: the routers, and "epoch", which says that it is the same list
//! {prefix}{group}:member:ID       how far a router has read; goes away if it is not renewed
//! ```
//!
//! `{group}` is there as it is: keys with the same text in braces are at the same node of a cluster.

use std::fmt;
use std::str::FromStr;

use redis::{Cmd, Value};

use crate::invalidation::Invalidation;
use crate::invalidations::Position;

/// The id of an entry of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) millis: u64,
    number: u64,
}

impl Id {
    pub(super) fn at(millis: u64) -> Self {
        Self { millis, number: 0 }
    }

    pub(super) fn position(self) -> Position {
        Position::new(self.millis, self.number)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (millis, number) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Self { millis: millis.parse()?, number: number.parse()? })
    }
}

/// What an entry of the log says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Invalidated(Vec<Invalidation>),
    /// Invalidations before this id may have been dropped from the log.
    Floor(Id),
}

/// The names of the keys.
#[derive(Debug)]
pub(super) struct Names {
    log: String,
    members: String,
    member: String,
}

/// How many entries of the log are read at once.
pub(super) const PAGE: usize = 1000;
/// No member has this name: theirs are numbers.
pub(super) const EPOCH: &str = "epoch";
/// The version of the form of entries.
const VERSION: &str = "1";

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        let name = |what| format!("{prefix}{{group}}:{what}");
        Self { log: name("invalidations"), members: name("members"), member: name("member:") }
    }

    /// Adds invalidations, and drops what is older than `oldest`.
    pub(super) fn add(&self, invalidations: &[Invalidation], oldest: Id) -> Cmd {
        // Values of keys are JSON already, so it can be written.
        let text = serde_json::to_string(invalidations).unwrap_or_default();
        let mut command = redis::cmd("XADD");
        command.arg(&self.log).arg("MINID").arg("~").arg(oldest.to_string());
        command.arg("*").arg("v").arg(VERSION).arg("i").arg(text);
        command
    }

    /// Adds an invalidation of everything at a given id.
    pub(super) fn add_all_at(&self, id: Id) -> Cmd {
        let mut command = redis::cmd("XADD");
        command.arg(&self.log).arg(id.to_string()).arg("v").arg(VERSION).arg("i").arg(r#"["all"]"#);
        command
    }

    pub(super) fn add_floor(&self, floor: Id) -> Cmd {
        let mut command = redis::cmd("XADD");
        command.arg(&self.log).arg("*").arg("v").arg(VERSION).arg("f").arg(floor.to_string());
        command
    }

    pub(super) fn trim(&self, floor: Id) -> Cmd {
        let mut command = redis::cmd("XTRIM");
        command.arg(&self.log).arg("MINID").arg(floor.to_string());
        command
    }

    pub(super) fn length(&self) -> Cmd {
        of("XLEN", &self.log)
    }

    /// The entry with an id, if it is still there.
    pub(super) fn entry(&self, id: Id) -> Cmd {
        let mut command = of("XRANGE", &self.log);
        command.arg(id.to_string()).arg(id.to_string());
        command
    }

    pub(super) fn first(&self) -> Cmd {
        let mut command = of("XRANGE", &self.log);
        command.arg("-").arg("+").arg("COUNT").arg(1);
        command
    }

    pub(super) fn last(&self) -> Cmd {
        let mut command = of("XREVRANGE", &self.log);
        command.arg("+").arg("-").arg("COUNT").arg(1);
        command
    }

    /// What comes after an id; waits so many milliseconds for something.
    pub(super) fn after(&self, id: Id, wait: u64) -> Cmd {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(PAGE).arg("BLOCK").arg(wait.max(1)).arg("STREAMS").arg(&self.log).arg(id.to_string());
        command
    }

    /// Begins a list, if there is none.
    pub(super) fn begin(&self, epoch: &str) -> Cmd {
        let mut command = of("HSETNX", &self.members);
        command.arg(EPOCH).arg(epoch);
        command
    }

    pub(super) fn join(&self, member: &str) -> Cmd {
        let mut command = of("HSET", &self.members);
        command.arg(member).arg("");
        command
    }

    /// The list that a member is on, and whether it is.
    pub(super) fn is_member(&self, member: &str) -> Cmd {
        let mut command = of("HMGET", &self.members);
        command.arg(EPOCH).arg(member);
        command
    }

    pub(super) fn leave(&self, member: &str) -> Cmd {
        let mut command = of("HDEL", &self.members);
        command.arg(member);
        command
    }

    pub(super) fn members(&self) -> Cmd {
        of("HKEYS", &self.members)
    }

    pub(super) fn epoch(&self) -> Cmd {
        let mut command = of("HGET", &self.members);
        command.arg(EPOCH);
        command
    }

    /// Says how far a member has read, for so many milliseconds.
    pub(super) fn say(&self, member: &str, read: Id, millis: u64) -> Cmd {
        let mut command = of("SET", &self.of_member(member));
        command.arg(read.to_string()).arg("PX").arg(millis);
        command
    }

    pub(super) fn unsay(&self, member: &str) -> Cmd {
        of("DEL", &self.of_member(member))
    }

    /// Renews that. Unlike saying it, this works while Redis is full.
    pub(super) fn renew(&self, member: &str, millis: u64) -> Cmd {
        let mut command = of("PEXPIRE", &self.of_member(member));
        command.arg(millis);
        command
    }

    /// How far these members have read.
    pub(super) fn read_by(&self, members: &[String]) -> Cmd {
        let mut command = redis::cmd("MGET");
        for member in members {
            command.arg(self.of_member(member));
        }
        command
    }

    fn of_member(&self, member: &str) -> String {
        format!("{}{member}", self.member)
    }
}

fn of(name: &str, key: &str) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

/// The entries of an answer to XRANGE or XREVRANGE; `None` if it is none.
pub(super) fn entries(value: &Value) -> Option<Vec<(Id, Said)>> {
    let Value::Array(entries) = value else { return None };
    entries.iter().map(entry).collect()
}

/// The entries of an answer to XREAD of one stream.
pub(super) fn read(value: &Value) -> Option<Vec<(Id, Said)>> {
    match value {
        Value::Nil => Some(Vec::new()),
        Value::Array(streams) => match &streams[..] {
            [Value::Array(stream)] => entries(stream.get(1)?),
            _ => None,
        },
        // As RESP3 has it.
        Value::Map(streams) => entries(&streams.first()?.1),
        _ => None,
    }
}

fn entry(value: &Value) -> Option<(Id, Said)> {
    let Value::Array(parts) = value else { return None };
    let id = text(parts.first()?)?.parse().ok()?;
    // What is not understood may have been about anything.
    Some((id, said(parts.get(1)).unwrap_or_else(|| Said::Invalidated(vec![Invalidation::All]))))
}

fn said(fields: Option<&Value>) -> Option<Said> {
    let Value::Array(fields) = fields? else { return None };
    let [version_name, version, name, value] = &fields[..] else { return None };
    if (text(version_name)?, text(version)?) != ("v", VERSION) {
        return None;
    }
    match text(name)? {
        "i" => serde_json::from_str(text(value)?).ok().map(Said::Invalidated),
        "f" => text(value)?.parse().ok().map(Said::Floor),
        _ => None,
    }
}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use serde_json::json;

    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry_of(fields: &[&str]) -> Said {
        let value = Value::Array(vec![bulk("5-1"), Value::Array(fields.iter().map(|field| bulk(field)).collect())]);
        let read = entries(&Value::Array(vec![value])).unwrap();
        assert_eq!(read[0].0.to_string(), "5-1");
        read.into_iter().next().unwrap().1
    }

    #[test]
    fn what_is_written_reads_back() {
        let key = json!({ "id": "ü\"", "n": 12345678901234567890_u64 });
        let serde_json::Value::Object(key) = key else { unreachable!() };
        let all = vec![
            Invalidation::All,
            Invalidation::Subgraph("a".into()),
            Invalidation::Type { subgraph: None, ty: "T".into() },
            Invalidation::Entity { subgraph: Some("a".into()), ty: "T".into(), key },
            Invalidation::Tag { subgraph: None, tag: "x y".into() },
        ];
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(entry_of(&["v", "1", "i", &text]), Said::Invalidated(all));
        assert_eq!(entry_of(&["v", "1", "i", r#"["all"]"#]), Said::Invalidated(vec![Invalidation::All]));
        assert_eq!(entry_of(&["v", "1", "f", "7-2"]), Said::Floor(Id { millis: 7, number: 2 }));
    }

    #[test]
    fn what_is_not_understood_is_about_everything() {
        let unknown: [&[&str]; 5] =
            [&[], &["v", "2", "i", "[]"], &["v", "1", "i", "[\"new\"]"], &["v", "1", "i", "["], &["v", "1", "f", "x"]];
        for fields in unknown {
            assert_eq!(entry_of(fields), Said::Invalidated(vec![Invalidation::All]));
        }
        assert!(entries(&Value::Nil).is_none() && read(&Value::Okay).is_none());
        assert_eq!(read(&Value::Nil), Some(Vec::new()));
    }
}
