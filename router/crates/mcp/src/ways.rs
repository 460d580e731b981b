//! How a type is reached from the root of an operation: a shortest way for each. Knows no search.

use std::collections::VecDeque;

use ahash::AHashMap;
use braid_graphql::compiler::schema::ExtendedType;

use crate::view::{View, fields};

/// For each type that can be reached, or is needed to ask for one that can, the step that reached it first.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    steps: AHashMap<Box<str>, Step>,
}

/// What a step counts for how near a type is.
const FIELD: f32 = 0.85;
const WITHIN: f32 = 0.7;

/// How a type is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// It is a root.
    Root,
    /// By a field of another type: as its type, or of an argument.
    Field(Box<str>, Box<str>),
    /// It is one of the types of an interface or union, or of a field of an input type.
    Within(Box<str>),
}

impl Ways {
    /// The ways through what agents may see.
    pub(crate) fn new<'a>(view: View<'a>) -> Self {
        let mut ways = Self::default();
        let mut queue = VecDeque::new();
        for (_, root) in view.roots() {
            ways.steps.insert(root.as_str().into(), Step::Root);
            queue.push_back(root.as_str());
        }
        let possible = possible(view);
        while let Some(name) = queue.pop_front() {
            let Some(ty) = view.ty(name) else { continue };
            let mut reach = |other: &'a str, step: Step| {
                if view.ty(other).is_some_and(|ty| !ty.is_built_in()) && !ways.steps.contains_key(other) {
                    ways.steps.insert(other.into(), step);
                    queue.push_back(other);
                }
            };
            // Fields that need little first, and those that will go last.
            let mut next: Vec<_> = fields(ty).collect();
            next.sort_by_key(|(_, field)| {
                let required = field.arguments.iter().filter(|argument| argument.is_required()).count();
                (field.directives.has("deprecated"), required)
            });
            for (field_name, field) in next {
                let arguments = field.arguments.iter().map(|argument| argument.ty.inner_named_type().as_str());
                for other in [field.ty.inner_named_type().as_str()].into_iter().chain(arguments) {
                    reach(other, Step::Field(name.into(), field_name.as_str().into()));
                }
            }
            if let ExtendedType::InputObject(input) = ty {
                for field in input.fields.values() {
                    reach(field.ty.inner_named_type(), Step::Within(name.into()));
                }
            }
            for concrete in possible.get(name).into_iter().flatten() {
                reach(concrete, Step::Within(name.into()));
            }
        }
        ways
    }

    /// Whether a type can be reached.
    pub(crate) fn lead_to(&self, name: &str) -> bool {
        self.steps.contains_key(name)
    }

    /// How near a type is: 1 for a root, and less the longer the way is. A way through an interface, a union or an input type counts as a long one.
    pub(crate) fn nearness(&self, name: &str) -> f32 {
        let (mut nearness, mut at) = (1.0, name);
        loop {
            match self.steps.get(at) {
                Some(Step::Field(parent, _)) => (nearness, at) = (nearness * FIELD, parent),
                Some(Step::Within(other)) => (nearness, at) = (nearness * WITHIN, other),
                Some(Step::Root) | None => return nearness,
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
                Step::Within(other) => at = other,
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
