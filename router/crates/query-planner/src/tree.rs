//! What tree keys stand for at each path of the data tree. Knows nothing of who writes there.

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::ast::Argument;
use braid_graphql::{Name, Node};

use crate::arena::{Arena, ids};

ids! {
    /// A path of a [`Tree`].
    PathId
}

/// What tree keys stand for, at each path of the data tree.
#[derive(Debug)]
pub(crate) struct Tree {
    paths: Arena<PathId, TreePath>,
    root: PathId,
    aliases: u32,
}

#[derive(Debug, Default)]
struct TreePath {
    keys: AHashMap<Name, Meaning>,
    below: AHashMap<Name, PathId>,
    /// Keys that stand for different fields in objects of different types.
    ambiguous: AHashSet<Name>,
}

/// The field that a key stands for.
#[derive(Debug)]
struct Meaning {
    name: Name,
    arguments: Vec<Node<Argument>>,
}

impl Meaning {
    fn is(&self, name: &Name, arguments: &[Node<Argument>]) -> bool {
        self.name == *name && self.arguments == arguments
    }
}

impl Default for Tree {
    fn default() -> Self {
        let mut paths = Arena::default();
        let root = paths.push(TreePath::default());
        Self { paths, root, aliases: 0 }
    }
}

impl Tree {
    pub(crate) fn root(&self) -> PathId {
        self.root
    }

    pub(crate) fn below(&mut self, path: PathId, key: &Name) -> PathId {
        if let Some(known) = self.paths[path].below.get(key) {
            return *known;
        }
        let new = self.paths.push(TreePath::default());
        self.paths[path].below.insert(key.clone(), new);
        new
    }

    /// Says that the client uses a key.
    pub(crate) fn claim(&mut self, path: PathId, key: &Name, name: &Name, arguments: &[Node<Argument>]) {
        let path = &mut self.paths[path];
        match path.keys.get(key) {
            Some(known) if known.is(name, arguments) => {}
            Some(_) => drop(path.ambiguous.insert(key.clone())),
            None => {
                path.keys.insert(key.clone(), Meaning { name: name.clone(), arguments: arguments.to_vec() });
            }
        }
    }

    /// A key for a field that the plan itself needs: the field's name, or another where the name stands for something else. With the
    /// work that it took.
    pub(crate) fn key_for(&mut self, path: PathId, name: &Name, arguments: &[Node<Argument>]) -> (Name, u64) {
        let here = &self.paths[path];
        let stands_for_it = |key: &Name, known: &Meaning| known.is(name, arguments) && !here.ambiguous.contains(key);
        if here.keys.get(name).is_none_or(|known| stands_for_it(name, known)) {
            self.claim(path, name, name, arguments);
            return (name.clone(), 1);
        }
        let work = 1 + here.keys.len() as u64 / 8;
        let same = here.keys.iter().filter(|(key, known)| stands_for_it(key, known));
        let key = match same.map(|(key, _)| key.clone()).min() {
            Some(known) => known,
            None => self.unused(path, name),
        };
        self.claim(path, &key, name, arguments);
        (key, work)
    }

    fn unused(&mut self, path: PathId, name: &Name) -> Name {
        loop {
            // A name behind an underscore, a number and an underscore is a name.
            let key = Name::new_unchecked(&format!("_{}_{name}", self.aliases));
            self.aliases += 1;
            if !self.paths[path].keys.contains_key(&key) {
                return key;
            }
        }
    }
}
