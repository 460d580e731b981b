//! Types that nothing uses, and fields that no operation can get to.

use ahash::AHashSet;

use super::super::config::RuleConfig;
use super::super::view::{Kind, View};
use super::{Raw, each};

pub(in super::super) fn unused(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    let used = used(view);
    each(view, |element| {
        let wrong = element.kind.is_type()
            && !element.extension
            && !used.contains(element.name)
            && !view.is_root(element.name)
            && !is_entity(view, element.name);
        wrong.then(|| {
            let message = format!("Nothing uses the type \"{}\".", element.name);
            (message, "Remove it, or use it.".to_owned())
        })
    })
}

pub(in super::super) fn unreachable(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    let (used, reached) = (used(view), reached(view));
    each(view, |element| {
        let parent = view.elements.get(element.parent?)?;
        let wrong = matches!(element.kind, Kind::Field | Kind::InputField)
            && !reached.contains(parent.name)
            // Of an unused type, the type itself is the finding.
            && used.contains(parent.name);
        wrong.then(|| {
            let message = format!("No operation can reach \"{}\".", element.coordinate);
            (message, format!("Remove \"{}\", or return it from a field that can be reached.", parent.name))
        })
    })
}

/// Names that any other type, field or directive mentions.
fn used<'a>(view: &View<'a>) -> AHashSet<&'a str> {
    let mut used = AHashSet::new();
    for element in &view.elements {
        let owner = element.parent.map(|at| outermost(view, at));
        if let Some(ty) = element.ty.map(|ty| ty.inner_named_type().as_str()).filter(|ty| owner != Some(*ty)) {
            used.insert(ty);
        }
        used.extend(element.related.iter());
        // A type that implements a used interface is returned by it; an interface is used by implementing it.
    }
    for element in view.elements.iter().filter(|element| element.kind == Kind::Object && !element.related.is_empty()) {
        used.insert(element.name);
    }
    used
}

/// Types that a client can get to from the roots, or a router from an entity's key.
fn reached<'a>(view: &View<'a>) -> AHashSet<&'a str> {
    let mut todo: Vec<&str> = view.roots.clone();
    todo.extend(view.types.keys().filter(|ty| is_entity(view, ty)));
    for element in view.elements.iter().filter(|element| element.kind == Kind::DirectiveArgument) {
        todo.extend(element.ty.map(|ty| ty.inner_named_type().as_str()));
    }
    let mut reached = AHashSet::new();
    while let Some(ty) = todo.pop() {
        if !reached.insert(ty) {
            continue;
        }
        for (index, field) in view.fields_of(ty) {
            todo.extend(field.ty.map(|ty| ty.inner_named_type().as_str()));
            let arguments = view.children(index).filter_map(|(_, argument)| argument.ty);
            todo.extend(arguments.map(|ty| ty.inner_named_type().as_str()));
        }
        todo.extend(view.types.get(ty).into_iter().flatten().flat_map(|at| view.elements[*at].related.iter()));
        if view.kind_of(ty) == Some(Kind::Interface) {
            let implementing = view.elements.iter().filter(|element| element.kind.is_type());
            todo.extend(implementing.filter(|element| element.related.contains(&ty)).map(|element| element.name));
        }
    }
    reached
}

fn is_entity(view: &View<'_>, ty: &str) -> bool {
    let places = view.types.get(ty).into_iter().flatten();
    places.filter_map(|at| view.elements[*at].directives).any(|directives| {
        directives.iter().any(|directive| directive.name == "key" || directive.name.ends_with("__key"))
    })
}

fn outermost<'a>(view: &View<'a>, mut at: usize) -> &'a str {
    while let Some(parent) = view.elements[at].parent {
        at = parent;
    }
    view.elements[at].name
}
