//! Goes through a configuration with the table of its peer. Knows no peer's keys.

use std::fmt::Write as _;

use braid_settings::YamlError;
use serde_json::{Value, json};

use crate::settle::settle;
use crate::source::{Content, Key, Node, Place};
use crate::target::Target;
use crate::{apollo, cosmo, hive, values};

/// A router whose configuration can be migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Apollo Router.
    Apollo,
    /// Hive Router.
    Hive,
    /// Cosmo Router.
    Cosmo,
}

/// A router.yaml, and what is to be known of it.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// The text of router.yaml, with the notes as comments.
    pub yaml: String,
    /// What has no equal or is different, in the order of the configuration.
    pub notes: Vec<Note>,
}

/// What is to be known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where the key is; nowhere if the note is about a default.
    pub place: Option<Place>,
    /// The key with those that it is in, such as `cors.methods`.
    pub key: String,
    /// What kind of note it is.
    pub kind: Kind,
    /// What to know or do.
    pub message: String,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The peer is not known to have this key.
    Unknown,
    /// There is no equal for it.
    NoEqual,
    /// It was taken over, but is not quite the same.
    Differs,
}

impl Kind {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NoEqual => "no_equal",
            Self::Differs => "differs",
        }
    }
}

impl Peer {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apollo => "Apollo Router",
            Self::Hive => "Hive Router",
            Self::Cosmo => "Cosmo Router",
        }
    }

    fn table(self) -> &'static Table {
        match self {
            Self::Apollo => &apollo::TABLE,
            Self::Hive => &hive::TABLE,
            Self::Cosmo => &cosmo::TABLE,
        }
    }
}

/// How the configuration of a peer is understood.
pub(crate) struct Table {
    /// Its keys. `*` stands for any name; the names that it stands for are put into the stars of ours, in order.
    pub(crate) rows: &'static [(&'static str, To)],
    /// What the peer does without being told, where Braid does something else.
    pub(crate) defaults: &'static [PeerDefault],
    /// Its way to write values that are put in when it starts, as ours.
    pub(crate) text: fn(&str) -> String,
    /// What is to be done when all keys were seen.
    pub(crate) finish: fn(&mut Migration),
}

/// A default of a peer: our key, its value, and what it is about.
pub(crate) type PeerDefault = (&'static str, fn() -> Value, &'static str);

/// What becomes of a key.
pub(crate) enum To {
    /// Our key with the same value.
    Same(&'static str),
    /// Our key with a value that is written in another way.
    As(&'static str, fn(&Node) -> Result<Value, String>),
    /// Our key, whose words are others.
    Words(&'static str, &'static [(&'static str, &'static str)]),
    /// Our key with the same value, which means something slightly different.
    Nearly(&'static str, &'static str),
    /// Several of these.
    All(&'static [To]),
    /// What is more than a key.
    By(fn(&mut Migration, &Node, &[String])),
    /// Nothing is needed, since Braid does so anyway or the key does nothing by itself.
    Needless,
    /// There is no equal: why, or what to do instead.
    NoEqual(&'static str),
    /// There is no equal, unless the key has the value that says that it is not used.
    NoEqualUnless(Value, &'static str),
}

/// A migration that is under way.
pub(crate) struct Migration {
    pub(crate) target: Target,
    pub(crate) notes: Vec<Note>,
    /// The configuration.
    pub(crate) source: Node,
    /// The keys down to the one that is being looked at.
    path: Vec<String>,
    place: Place,
}

/// Turns the configuration of a peer into a router.yaml. `file` is its name, for the comments.
pub fn migrate(peer: Peer, text: &str, file: &str) -> Result<Migrated, YamlError> {
    let mut source = Node::read(text)?;
    let table = peer.table();
    source.change_texts(&table.text);
    let mut migration = Migration {
        target: Target::default(),
        notes: Vec::new(),
        source: source.clone(),
        path: Vec::new(),
        place: Place::default(),
    };
    migration.walk(&source, table, None);
    migration.place = Place::default();
    (table.finish)(&mut migration);
    settle(&mut migration.target);
    for (ours, value, about) in table.defaults {
        let path = split(ours, &[]);
        if migration.target.get(&path).is_none() {
            migration.target.set(&path, value());
            migration.notes.push(Note {
                place: None,
                key: (*ours).to_owned(),
                kind: Kind::Differs,
                message: format!("{} {about}", peer.name()),
            });
        }
    }
    let Migration { target, mut notes, .. } = migration;
    notes.sort_by_key(|note| note.place);
    Ok(Migrated { yaml: written(peer, &target, &notes, file), notes })
}

impl Migration {
    /// Applies the rows for all keys in a map. `above` is the row of the map itself, for keys that have none of their own.
    fn walk(&mut self, node: &Node, table: &'static Table, above: Option<&'static To>) {
        for (Key { name, place }, inner) in node.entries() {
            self.path.push(name.clone());
            self.place = *place;
            let is_map = matches!(inner.content, Content::Map(_));
            match find(table, &self.path) {
                Found { row, is_above: true, .. } if is_map => self.walk(inner, table, row),
                Found { row: Some(to), names, .. } => self.apply(to, inner, &names),
                Found { is_above: true, .. } if matches!(inner.content, Content::Null) => {}
                Found { is_above: true, .. } => self.note(Kind::Unknown, "it should be a map of keys"),
                _ => match above {
                    Some(to) => self.apply(to, inner, &[]),
                    None => self.note(Kind::Unknown, "no key of this name is known"),
                },
            }
            self.path.pop();
        }
    }

    fn apply(&mut self, to: &'static To, node: &Node, names: &[String]) {
        match to {
            To::Same(ours) => self.set(ours, names, node.value()),
            To::As(ours, value) => match value(node) {
                Ok(value) => self.set(ours, names, value),
                Err(problem) => self.note(Kind::NoEqual, &problem),
            },
            To::Words(ours, words) => {
                let word = node.text().map(str::to_lowercase).unwrap_or_else(|| node.value().to_string());
                match words.iter().find(|(theirs, _)| *theirs == word) {
                    Some((_, our_word)) => {
                        let value = serde_json::from_str(our_word).unwrap_or_else(|_| json!(our_word));
                        self.set(ours, names, value);
                    }
                    None => self.note(Kind::NoEqual, &format!("\"{word}\" has no equal for {ours}")),
                }
            }
            To::Nearly(ours, about) => {
                self.set(ours, names, node.value());
                self.note(Kind::Differs, about);
            }
            To::All(all) => all.iter().for_each(|to| self.apply(to, node, names)),
            To::By(by) => by(self, node, names),
            To::Needless => {}
            To::NoEqual(why) => self.note(Kind::NoEqual, why),
            To::NoEqualUnless(unused, why) => {
                if node.value() != *unused {
                    self.note(Kind::NoEqual, why);
                }
            }
        }
    }

    /// Sets one of our keys, with names for its stars.
    pub(crate) fn set(&mut self, ours: &str, names: &[String], value: Value) {
        self.target.set(&split(ours, names), value);
    }

    /// Adds to one of our lists.
    pub(crate) fn push(&mut self, ours: &str, names: &[String], value: Value) {
        self.target.push(&split(ours, names), value);
    }

    /// Says something of the key that is being looked at.
    pub(crate) fn note(&mut self, kind: Kind, message: &str) {
        let place = (self.place != Place::default()).then_some(self.place);
        self.notes.push(Note { place, key: self.path.join("."), kind, message: message.to_owned() });
    }

    /// Goes into a part of the value of the present key that the table says nothing of.
    pub(crate) fn within(&mut self, name: &str, place: Place, look: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.place, place);
        self.path.push(name.to_owned());
        look(self);
        self.path.pop();
        self.place = before;
    }

    /// Names the keys of a map that are not among these, so that none is dropped in silence.
    pub(crate) fn only(&mut self, node: &Node, known: &[&str]) {
        for (key, _) in node.entries().iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            self.within(&key.name, key.place, |migration| migration.note(Kind::NoEqual, "it has no equal"));
        }
    }

    /// Sets our key to a duration, or says why not.
    pub(crate) fn set_duration(&mut self, ours: &str, names: &[String], node: Option<&Node>) {
        match node.map(values::duration) {
            Some(Ok(value)) => self.set(ours, names, value),
            Some(Err(problem)) => self.note(Kind::NoEqual, &problem),
            None => {}
        }
    }
}

/// What a table has for a key.
struct Found {
    row: Option<&'static To>,
    /// The names that the row's stars stand for.
    names: Vec<String>,
    /// Whether it has rows for keys inside of it.
    is_above: bool,
}

fn find(table: &'static Table, path: &[String]) -> Found {
    let mut found = Found { row: None, names: Vec::new(), is_above: false };
    for (theirs, to) in table.rows {
        let mut names = Vec::new();
        let mut parts = theirs.split('.');
        let fits = path.iter().all(|name| match parts.next() {
            Some("*") => {
                names.push(name.clone());
                true
            }
            part => part == Some(name),
        });
        match (fits, parts.next()) {
            (true, None) if found.row.is_none() => (found.row, found.names) = (Some(to), names),
            (true, Some(_)) => found.is_above = true,
            _ => {}
        }
    }
    found
}

/// The names of our key, with those that its stars stand for.
fn split(ours: &str, names: &[String]) -> Vec<String> {
    let mut names = names.iter();
    ours.split('.')
        .map(|part| if part == "*" { names.next().cloned().unwrap_or_default() } else { part.to_owned() })
        .collect()
}

fn written(peer: Peer, target: &Target, notes: &[Note], file: &str) -> String {
    let mut out = String::new();
    // Names of files and keys may have line breaks.
    let line = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let _ = writeln!(out, "# Made from {}, a configuration of {}, by `braid migrate`.", line(file), peer.name());
    if !notes.is_empty() {
        out.push_str("#\n# What to look at:\n");
    }
    for note in notes {
        let _ = writeln!(out, "# - {}", line(&note.to_string()));
    }
    out.push('\n');
    out.push_str(&target.yaml());
    out
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column} ")?;
        }
        let kind = match self.kind {
            Kind::Unknown => "unknown key",
            Kind::NoEqual => "no equal",
            Kind::Differs => "differs",
        };
        write!(f, "{}: {kind}: {}", self.key, self.message)
    }
}
