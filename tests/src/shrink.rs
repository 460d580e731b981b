//! Makes a failing world and operation smaller: removes parts as long as the kind of failure stays the same. Does not know why it
//! fails.

use std::panic::AssertUnwindSafe;

use braid_graphql::Node;
use braid_graphql::compiler::ast::{Definition, Document, Selection, Type};

use crate::trial::{Difference, Trial};
use crate::world::{Operation, World};

/// A smaller world and operation that fail in the same way.
pub fn shrink(world: &World, operation: &Operation, kind: &'static str) -> (World, Operation) {
    shrink_with(world, operation, kind, Trial::run)
}

/// The same for another way to run an operation.
pub fn shrink_with(world: &World, operation: &Operation, kind: &'static str, run: Run) -> (World, Operation) {
    let fails = |world: &World, operation: &Operation| difference_with(world, operation, run).map(|found| found.kind);
    let (mut world, mut operation) = (world.clone(), operation.clone());
    loop {
        let before = (world.clone(), operation.clone());
        operation = smallest(operation, operation_candidates, &|candidate| fails(&world, candidate) == Some(kind));
        world = smallest(world, smaller_worlds, &|candidate| fails(candidate, &operation) == Some(kind));
        if before == (world.clone(), operation.clone()) {
            return (world, operation);
        }
    }
}

/// How an operation is run and compared.
pub type Run = fn(&Trial, &Operation) -> Option<Difference>;

/// The difference in a world.
pub fn difference(world: &World, operation: &Operation) -> Option<Difference> {
    difference_with(world, operation, Trial::run)
}

/// The same for another way to run an operation. A world that does not compose has none.
pub fn difference_with(world: &World, operation: &Operation, run: Run) -> Option<Difference> {
    std::panic::catch_unwind(AssertUnwindSafe(|| run(&Trial::new(world).ok()?, operation))).ok().flatten()
}

fn smallest<T>(mut value: T, candidates: fn(&T) -> Vec<T>, still_fails: &dyn Fn(&T) -> bool) -> T {
    let mut at = 0;
    loop {
        let smaller = candidates(&value);
        match smaller.into_iter().skip(at).enumerate().find(|(_, candidate)| still_fails(candidate)) {
            Some((skipped, candidate)) => {
                value = candidate;
                at += skipped;
            }
            // What failed before a success may work after it.
            None if at > 0 => at = 0,
            None => return value,
        }
    }
}

/// A change of a document at its `at`-th position; returns whether there is one.
type Edit<'e> = &'e dyn Fn(&mut Document, usize) -> bool;

/// A document for each position where the edit applies.
fn edited(document: &Document, edits: &[Edit<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for edit in edits {
        for at in 0.. {
            let mut changed = document.clone();
            if !edit(&mut changed, at) {
                break;
            }
            found.push(changed.to_string());
        }
    }
    found
}

fn operation_candidates(operation: &Operation) -> Vec<Operation> {
    let Ok(document) = Document::parse(operation.text.as_str(), "operation.graphql") else { return Vec::new() };
    let edits: [Edit<'_>; 6] =
        [&drop_definition, &drop_selection, &unwrap_fragment, &drop_condition, &drop_alias, &drop_argument];
    let texts = edited(&document, &edits).into_iter();
    let clean = |text: String| {
        let text = without_unused_variables(&text);
        let used = |name: &String| text.contains(&format!("${name}:"));
        let variables = operation.variables.clone().into_iter().filter(|(name, _)| used(name)).collect();
        Operation { text, variables }
    };
    texts.map(clean).collect()
}

fn without_unused_variables(text: &str) -> String {
    let Ok(mut document) = Document::parse(text, "operation.graphql") else { return text.to_owned() };
    let uses = |name: &str| text.matches(&format!("${name}")).filter(|_| true).count() > 1;
    for definition in &mut document.definitions {
        if let Definition::OperationDefinition(operation) = definition {
            operation.make_mut().variables.retain(|variable| uses(&variable.name));
        }
    }
    document.to_string()
}

fn drop_definition(document: &mut Document, at: usize) -> bool {
    if document.definitions.len() < 2 || at >= document.definitions.len() {
        return false;
    }
    document.definitions.remove(at);
    true
}

/// Calls `change` on each selection set until one was changed.
fn each_set(document: &mut Document, change: &mut dyn FnMut(&mut Vec<Selection>) -> bool) -> bool {
    fn walk(set: &mut Vec<Selection>, change: &mut dyn FnMut(&mut Vec<Selection>) -> bool) -> bool {
        change(set)
            || set.iter_mut().any(|selection| match selection {
                Selection::Field(field) => field.make_mut().selection_set.as_mut().is_some_and(|set| walk(set, change)),
                Selection::InlineFragment(fragment) => walk(&mut fragment.make_mut().selection_set, change),
                Selection::FragmentSpread(_) => false,
            })
    }
    document.definitions.iter_mut().any(|definition| match definition {
        Definition::OperationDefinition(operation) => walk(&mut operation.make_mut().selection_set, change),
        Definition::FragmentDefinition(fragment) => walk(&mut fragment.make_mut().selection_set, change),
        _ => false,
    })
}

/// Counts the selections that `change` can change, and changes the `at`-th.
fn nth(at: usize) -> impl FnMut() -> bool {
    let mut left = at;
    move || {
        let is_it = left == 0;
        left = left.wrapping_sub(1);
        is_it
    }
}

fn drop_selection(document: &mut Document, at: usize) -> bool {
    let mut is_it = nth(at);
    each_set(document, &mut |set| {
        if set.len() < 2 {
            return false;
        }
        let found = (0..set.len()).find(|_| is_it());
        found.map(|index| set.remove(index)).is_some()
    })
}

fn unwrap_fragment(document: &mut Document, at: usize) -> bool {
    let fragments: Vec<_> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::FragmentDefinition(fragment) => Some(Node::clone(fragment)),
            _ => None,
        })
        .collect();
    let mut is_it = nth(at);
    each_set(document, &mut |set| {
        let found = (0..set.len()).find(|index| !matches!(set[*index], Selection::Field(_)) && is_it());
        let Some(index) = found else { return false };
        let inner = match &set[index] {
            Selection::InlineFragment(fragment) => fragment.selection_set.clone(),
            Selection::FragmentSpread(spread) => {
                let known = fragments.iter().find(|fragment| fragment.name == spread.fragment_name);
                known.map(|fragment| fragment.selection_set.clone()).unwrap_or_default()
            }
            Selection::Field(_) => return false,
        };
        set.splice(index..=index, inner);
        true
    })
}

fn drop_condition(document: &mut Document, at: usize) -> bool {
    let mut is_it = nth(at);
    each_set(document, &mut |set| {
        set.iter_mut().any(|selection| {
            let directives = match selection {
                Selection::Field(field) => &mut field.make_mut().directives,
                Selection::InlineFragment(fragment) => &mut fragment.make_mut().directives,
                Selection::FragmentSpread(spread) => &mut spread.make_mut().directives,
            };
            let found = (0..directives.len()).find(|_| is_it());
            found.map(|index| directives.0.remove(index)).is_some()
        })
    })
}

fn drop_alias(document: &mut Document, at: usize) -> bool {
    let mut is_it = nth(at);
    each_set(document, &mut |set| {
        set.iter_mut().any(|selection| match selection {
            Selection::Field(field) if field.alias.is_some() && is_it() => field.make_mut().alias.take().is_some(),
            _ => false,
        })
    })
}

fn drop_argument(document: &mut Document, at: usize) -> bool {
    let mut is_it = nth(at);
    each_set(document, &mut |set| {
        set.iter_mut().any(|selection| match selection {
            Selection::Field(field) => {
                let found = (0..field.arguments.len()).find(|_| is_it());
                found.map(|index| field.make_mut().arguments.remove(index)).is_some()
            }
            _ => false,
        })
    })
}

/// Worlds that lack a little of this one. Not all of them compose.
pub fn smaller_worlds(world: &World) -> Vec<World> {
    let mut found = Vec::new();
    for at in 0..world.subgraphs.len() {
        let mut smaller = world.clone();
        smaller.subgraphs.remove(at);
        found.push(smaller);
    }
    let Ok(monolith) = Document::parse(world.monolith.as_str(), "monolith.graphql") else { return found };
    let parts: Vec<_> = world
        .subgraphs
        .iter()
        .map(|(name, sdl)| Some((name.clone(), Document::parse(sdl.as_str(), "subgraph.graphql").ok()?)))
        .collect::<Option<_>>()
        .unwrap_or_default();
    // A type, a field or an argument, in all subgraphs at once.
    for definition in &monolith.definitions {
        let Some(name) = definition.name() else { continue };
        let edit = |document: &Document| {
            let mut document = document.clone();
            document.definitions.retain(|definition| definition.name() != Some(name));
            for definition in &mut document.definitions {
                forget(definition, name);
            }
            document
        };
        found.push(everywhere(&monolith, &parts, &edit));
        for field in
            field_names(definition).iter().filter(|field| !["id", "sku", "org", "code"].contains(&field.as_str()))
        {
            found.push(everywhere(&monolith, &parts, &|document| without_field(document, name, field)));
        }
        for (field, argument) in argument_names(definition) {
            found.push(everywhere(&monolith, &parts, &|document| without_argument(document, name, &field, &argument)));
        }
        for (field, ty) in field_types(definition) {
            let simpler = match &ty {
                Type::NonNullNamed(name) => Type::Named(name.clone()),
                Type::NonNullList(inner) => Type::List(inner.clone()),
                Type::List(inner) => inner.as_ref().clone(),
                Type::Named(_) => continue,
            };
            found.push(everywhere(&monolith, &parts, &|document| with_type(document, name, &field, &simpler)));
        }
    }
    // A field or a directive in one subgraph.
    for (at, (_, part)) in parts.iter().enumerate() {
        let edits: [Edit<'_>; 2] = [&drop_external_field, &drop_directive];
        for sdl in edited(part, &edits) {
            let mut smaller = world.clone();
            smaller.subgraphs[at].1 = sdl;
            found.push(smaller);
        }
    }
    found
}

fn everywhere(monolith: &Document, parts: &[(String, Document)], edit: &dyn Fn(&Document) -> Document) -> World {
    World {
        monolith: edit(monolith).to_string(),
        subgraphs: parts.iter().map(|(name, part)| (name.clone(), edit(part).to_string())).collect(),
    }
}

/// Removes a type from the lists of interfaces and union members.
fn forget(definition: &mut Definition, name: &str) {
    match definition {
        Definition::ObjectTypeDefinition(object) => {
            object.make_mut().implements_interfaces.retain(|known| known != name)
        }
        Definition::UnionTypeDefinition(union) => union.make_mut().members.retain(|known| known != name),
        _ => {}
    }
}

type Fields = Vec<Node<braid_graphql::compiler::ast::FieldDefinition>>;

fn fields(definition: &Definition) -> Option<&Fields> {
    match definition {
        Definition::ObjectTypeDefinition(object) => Some(&object.fields),
        Definition::InterfaceTypeDefinition(interface) => Some(&interface.fields),
        _ => None,
    }
}

fn fields_mut(definition: &mut Definition) -> Option<&mut Fields> {
    match definition {
        Definition::ObjectTypeDefinition(object) => Some(&mut object.make_mut().fields),
        Definition::InterfaceTypeDefinition(interface) => Some(&mut interface.make_mut().fields),
        _ => None,
    }
}

fn field_names(definition: &Definition) -> Vec<String> {
    fields(definition).into_iter().flatten().map(|field| field.name.to_string()).collect()
}

fn field_types(definition: &Definition) -> Vec<(String, Type)> {
    fields(definition).into_iter().flatten().map(|field| (field.name.to_string(), field.ty.clone())).collect()
}

fn argument_names(definition: &Definition) -> Vec<(String, String)> {
    let fields = fields(definition).into_iter().flatten();
    fields
        .flat_map(|field| field.arguments.iter().map(|found| (field.name.to_string(), found.name.to_string())))
        .collect()
}

/// Removes a field, or its type if it has no other field.
fn without_field(document: &Document, ty: &str, field: &str) -> Document {
    let mut document = document.clone();
    for definition in
        document.definitions.iter_mut().filter(|definition| definition.name().is_some_and(|name| name == ty))
    {
        fields_mut(definition).into_iter().for_each(|fields| fields.retain(|known| known.name != field));
    }
    document.definitions.retain(|definition| fields(definition).is_none_or(|fields| !fields.is_empty()));
    document
}

fn without_argument(document: &Document, ty: &str, field: &str, argument: &str) -> Document {
    let mut document = document.clone();
    for definition in
        document.definitions.iter_mut().filter(|definition| definition.name().is_some_and(|name| name == ty))
    {
        for known in fields_mut(definition).into_iter().flatten().filter(|known| known.name == field) {
            known.make_mut().arguments.retain(|known| known.name != argument);
        }
    }
    document
}

fn with_type(document: &Document, ty: &str, field: &str, simpler: &Type) -> Document {
    let mut document = document.clone();
    for definition in
        document.definitions.iter_mut().filter(|definition| definition.name().is_some_and(|name| name == ty))
    {
        for known in fields_mut(definition).into_iter().flatten().filter(|known| known.name == field) {
            known.make_mut().ty = simpler.clone();
        }
    }
    document
}

/// External fields that nothing needs.
fn drop_external_field(document: &mut Document, at: usize) -> bool {
    let mut is_it = nth(at);
    let found = document.definitions.iter_mut().any(|definition| {
        let Some(fields) = fields_mut(definition) else { return false };
        let found = (0..fields.len()).find(|index| fields[*index].directives.has("external") && is_it());
        found.map(|index| fields.remove(index)).is_some()
    });
    document.definitions.retain(|definition| fields(definition).is_none_or(|fields| !fields.is_empty()));
    found
}

/// Directives without which the graph usually still composes.
fn drop_directive(document: &mut Document, at: usize) -> bool {
    const OPTIONAL: [&str; 4] = ["requires", "provides", "override", "inaccessible"];
    let mut is_it = nth(at);
    document.definitions.iter_mut().any(|definition| {
        fields_mut(definition).into_iter().flatten().any(|field| {
            let is_optional = |index: &usize| OPTIONAL.contains(&field.directives[*index].name.as_str());
            let found = (0..field.directives.len()).filter(is_optional).find(|_| is_it());
            found.map(|index| field.make_mut().directives.0.remove(index)).is_some()
        })
    })
}
