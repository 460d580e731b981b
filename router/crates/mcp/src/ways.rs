//! How a type is reached from the root of an operation: a shortest way for each. Knows no search.

use std::collections::VecDeque;

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::schema::ExtendedType;

use crate::view::{View, fields};

/// For each type that can be reached, the step that reached it first.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    steps: AHashMap<Box<str>, Step>,
    /// The other types that what can be reached mentions: of leaves and arguments.
    mentioned: AHashSet<Box<str>>,
}

/// What a step counts for how near a type is.
const FIELD: f32 = 0.85;
const NARROWED: f32 = 0.7;

/// How a type is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// It is a root.
    Root,
    /// By a field of another type.
    Field(Box<str>, Box<str>),
    /// It is one of the types of an interface or union.
    Narrowed(Box<str>),
}

impl Ways {
    /// The ways through what agents may see.
    pub(crate) fn new(view: View<'_>) -> Self {
        let mut ways = Self::default();
        let mut queue = VecDeque::new();
        for (_, root) in view.roots() {
            ways.steps.insert(root.as_str().into(), Step::Root);
            queue.push_back(root.as_str());
        }
        let possible = possible(view);
        while let Some(name) = queue.pop_front() {
            let Some(ty) = view.ty(name) else { continue };
            // Fields that need little first.
            let mut next: Vec<_> = fields(ty).collect();
            next.sort_by_key(|(_, field)| field.arguments.iter().filter(|argument| argument.is_required()).count());
            for (field_name, field) in next {
                let inner = field.ty.inner_named_type().as_str();
                let is_composite = view.ty(inner).is_some_and(|ty| !ty.is_leaf());
                if is_composite && !ways.steps.contains_key(inner) {
                    ways.steps.insert(inner.into(), Step::Field(name.into(), field_name.as_str().into()));
                    queue.push_back(inner);
                }
            }
            for concrete in possible.get(name).into_iter().flatten() {
                if !ways.steps.contains_key(*concrete) {
                    ways.steps.insert((*concrete).into(), Step::Narrowed(name.into()));
                    queue.push_back(concrete);
                }
            }
        }
        ways.mention(view);
        ways
    }

    /// Adds what the fields that can be reached mention beside other such types, and what input types mention.
    fn mention(&mut self, view: View<'_>) {
        let mut open: Vec<&str> = Vec::new();
        for ty in self.steps.keys().filter_map(|name| view.ty(name)) {
            for (_, field) in fields(ty) {
                let arguments = field.arguments.iter().map(|argument| argument.ty.inner_named_type().as_str());
                open.extend(arguments.chain([field.ty.inner_named_type().as_str()]));
            }
        }
        while let Some(name) = open.pop() {
            if self.lead_to(name) || !self.mentioned.insert(name.into()) {
                continue;
            }
            if let Some(ExtendedType::InputObject(input)) = view.ty(name) {
                open.extend(input.fields.values().map(|field| field.ty.inner_named_type().as_str()));
            }
        }
    }

    /// Whether a type can be reached, or is needed to ask for one that can.
    pub(crate) fn lead_to(&self, name: &str) -> bool {
        self.steps.contains_key(name) || self.mentioned.contains(name)
    }

    /// How near a type is: 1 for a root, and less the longer the way is. A way through an interface or union counts as a long one.
    pub(crate) fn nearness(&self, name: &str) -> f32 {
        let (mut nearness, mut at) = (1.0, name);
        loop {
            match self.steps.get(at) {
                Some(Step::Field(parent, _)) => (nearness, at) = (nearness * FIELD, parent),
                Some(Step::Narrowed(from)) => (nearness, at) = (nearness * NARROWED, from),
                Some(Step::Root) => return nearness,
                // What is only mentioned is as near as something not too far.
                None => return FIELD * FIELD,
            }
        }
    }

    /// The fields on the way to a type, from the root, each with its type; nothing for a root, `None` for what can't be reached.
    pub(crate) fn to(&self, name: &str) -> Option<Vec<(&str, &str)>> {
        let (mut way, mut at) = (Vec::new(), name);
        loop {
            match self.steps.get(at)? {
                Step::Root => break,
                Step::Field(parent, field) => {
                    way.push((&**parent, &**field));
                    at = parent;
                }
                Step::Narrowed(from) => at = from,
            }
        }
        way.reverse();
        Some(way)
    }
}

/// By interface or union: the types that its values can have.
fn possible<'a>(view: View<'a>) -> AHashMap<&'a str, Vec<&'a str>> {
    let mut possible: AHashMap<&str, Vec<&str>> = AHashMap::new();
    for (name, ty) in view.types() {
        match ty {
            ExtendedType::Union(union) => {
                possible.entry(name).or_default().extend(union.members.iter().map(|member| member.as_str()));
            }
            ExtendedType::Object(object) => {
                for interface in &object.implements_interfaces {
                    possible.entry(interface.as_str()).or_default().push(name);
                }
            }
            _ => {}
        }
    }
    possible
}
