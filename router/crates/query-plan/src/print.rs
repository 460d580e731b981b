//! Plans as text, in the nested form that people of this field read. Knows names from the supergraph, nothing of how a plan came about.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use braid_graphql::Name;
use braid_graphql::operation::Condition;
use braid_graphql::type_set::TypeSet;
use braid_supergraph::Supergraph;

use crate::plan::{
    EntityFetch, Fetch, FetchField, FetchKind, FetchSelection, Items, Path, QueryPlan, Representation,
    RepresentationField, TypenameSource,
};

/// The plan as text: fetches that wait for nothing of each other are in parallel, stage after stage in sequence.
pub fn print(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let mut printer = Printer { supergraph, lists: Lists::of(plan, supergraph), out: String::new(), depth: 0 };
    printer.plan(plan);
    printer.out
}

/// The stage of each fetch: one more than the last of those that it waits for, from 1.
pub fn stages(plan: &QueryPlan) -> Vec<usize> {
    let mut stages: Vec<usize> = Vec::with_capacity(plan.fetches.len());
    for fetch in &plan.fetches {
        let before = fetch.after.iter().filter_map(|id| stages.get(id.0 as usize)).max();
        stages.push(before.map_or(1, |stage| stage + 1));
    }
    stages
}

/// How many lists stand under each path of keys.
pub(crate) struct Lists(BTreeMap<Vec<Name>, usize>);

impl Lists {
    pub(crate) fn of(plan: &QueryPlan, supergraph: &Supergraph) -> Self {
        let mut lists = Self(BTreeMap::new());
        for fetch in &plan.fetches {
            match &fetch.kind {
                FetchKind::Root { path, selections, .. } => lists.add(&keys(path), selections, supergraph),
                FetchKind::Entities(entities) => {
                    entities.iter().for_each(|fetch| lists.add(&keys(&fetch.path), &fetch.selections, supergraph));
                }
            }
        }
        lists
    }

    fn add(&mut self, path: &[Name], selections: &[FetchSelection], supergraph: &Supergraph) {
        for selection in selections {
            match selection {
                FetchSelection::InlineFragment { selections, .. } => self.add(path, selections, supergraph),
                FetchSelection::Field(field) => {
                    let (Some(below), Some(id)) = (&field.selections, field.definition) else { continue };
                    let mut path = path.to_vec();
                    path.push(field.key.clone());
                    let mut ty = &supergraph.schema.field(id).ty;
                    let mut depth = 0;
                    while ty.is_list() {
                        depth += 1;
                        ty = ty.item_type();
                    }
                    self.add(&path, below, supergraph);
                    self.0.insert(path, depth);
                }
            }
        }
    }

    /// `products.@.reviews|[Book]`, with an `@` for each list.
    pub(crate) fn show(&self, path: &Path, supergraph: &Supergraph) -> String {
        let mut so_far = Vec::new();
        let mut shown = String::new();
        for segment in &path.0 {
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(&segment.key);
            so_far.push(segment.key.clone());
            for _ in 0..self.0.get(&so_far).copied().unwrap_or(0) {
                shown.push_str(".@");
            }
            match &segment.items {
                Some(Items::First(_)) => shown.push_str("|first"),
                Some(Items::Rest(_)) => shown.push_str("|rest"),
                None => {}
            }
            if let Some(guard) = &segment.guard {
                let _ = write!(shown, "|[{}]", names(guard, supergraph));
            }
        }
        shown
    }
}

pub(crate) fn keys(path: &Path) -> Vec<Name> {
    path.0.iter().map(|segment| segment.key.clone()).collect()
}

pub(crate) fn names(types: &TypeSet, supergraph: &Supergraph) -> String {
    let names: Vec<&str> = types.iter().map(|ty| supergraph.schema.ty(ty).name.as_str()).collect();
    names.join("|")
}

/// Whether all that a fetch gives is delivered later.
pub(crate) fn is_deferred(fetch: &Fetch) -> bool {
    !fetch.serves.is_empty() && !fetch.serves.contains(&None)
}

struct Printer<'a> {
    supergraph: &'a Supergraph,
    lists: Lists,
    out: String,
    depth: usize,
}

impl Printer<'_> {
    fn plan(&mut self, plan: &QueryPlan) {
        if plan.fetches.is_empty() {
            self.line("QueryPlan {}");
            return;
        }
        self.block("QueryPlan", |printer| {
            let stages = stages(plan);
            let last = stages.iter().copied().max().unwrap_or(0);
            if last == 1 {
                printer.stage(plan, &stages, 1);
            } else {
                printer.block("Sequence", |printer| (1..=last).for_each(|stage| printer.stage(plan, &stages, stage)));
            }
        });
    }

    fn stage(&mut self, plan: &QueryPlan, stages: &[usize], stage: usize) {
        let fetches: Vec<&Fetch> = plan.fetches.iter().filter(|fetch| stages[fetch.id.0 as usize] == stage).collect();
        match fetches.as_slice() {
            [fetch] => self.conditional_fetch(fetch),
            _ => self.block("Parallel", |printer| fetches.iter().for_each(|fetch| printer.conditional_fetch(fetch))),
        }
    }

    fn conditional_fetch(&mut self, fetch: &Fetch) {
        self.under(&fetch.condition, |printer| printer.fetch(fetch));
    }

    /// `Include(if: $v) { … }` around what stands under a condition.
    fn under(&mut self, condition: &Condition, inner: impl FnOnce(&mut Self)) {
        for literal in condition.literals() {
            let word = if literal.value { "Include" } else { "Skip" };
            self.line(&format!("{word}(if: ${}) {{", literal.variable));
            self.depth += 1;
        }
        inner(self);
        for _ in condition.literals() {
            self.depth -= 1;
            self.line("}");
        }
    }

    fn fetch(&mut self, fetch: &Fetch) {
        let name = &self.supergraph.subgraph(fetch.subgraph).name;
        let deferred = if is_deferred(fetch) { ", deferred: true" } else { "" };
        let service = format!("Fetch(service: {name:?}{deferred})");
        match &fetch.kind {
            FetchKind::Root { path, selections, operation } => {
                let title = match operation {
                    braid_graphql::OperationType::Query => service,
                    other => format!("Fetch(service: {name:?}, kind: {other})"),
                };
                self.at(path, |printer| {
                    printer.block(&title, |printer| printer.block("", |printer| printer.selections(selections)));
                });
            }
            FetchKind::Entities(entities) => match entities.as_slice() {
                [entity] => {
                    self.under(&entity.condition, |printer| {
                        printer.at(&entity.path, |printer| {
                            printer.block(&service, |printer| printer.entities(entity));
                        });
                    });
                }
                several => self.block(&service, |printer| {
                    for entity in several {
                        printer.under(&entity.condition, |printer| {
                            printer.at(&entity.path, |printer| printer.entities(entity));
                        });
                    }
                }),
            },
        }
    }

    fn at(&mut self, path: &Path, inner: impl FnOnce(&mut Self)) {
        if path.0.is_empty() {
            return inner(self);
        }
        let title = format!("Flatten(path: {:?})", self.lists.show(path, self.supergraph));
        self.block(&title, inner);
    }

    fn entities(&mut self, fetch: &EntityFetch) {
        self.line("{");
        self.depth += 1;
        fetch.representations.iter().for_each(|representation| self.representation(representation));
        self.depth -= 1;
        self.line("} =>");
        for context in &fetch.contexts {
            for (types, path) in &context.sources {
                let path: Vec<&str> = path.iter().map(|key| key.as_str()).collect();
                let names = names(types, self.supergraph);
                let line = format!(
                    "${}: {} = up({})|[{names}].{}",
                    context.variable,
                    context.ty,
                    context.depth,
                    path.join(".")
                );
                self.line(&line);
            }
        }
        self.block("", |printer| printer.selections(&fetch.selections));
    }

    fn representation(&mut self, representation: &Representation) {
        let types = names(&representation.guard, self.supergraph);
        let title = match &representation.typename {
            TypenameSource::Fixed(name) if **name == *types => format!("... on {name}"),
            TypenameSource::Fixed(name) => format!("... on {types} as {name}"),
            TypenameSource::Runtime => format!("... on {types}"),
        };
        self.block(&title, |printer| {
            printer.line("__typename");
            printer.representation_fields(&representation.fields);
        });
    }

    fn representation_fields(&mut self, fields: &[RepresentationField]) {
        for field in fields {
            let mut title =
                if field.key == field.name { field.name.to_string() } else { format!("{}: {}", field.name, field.key) };
            if let Some(guard) = &field.guard {
                let _ = write!(title, " |[{}]", names(guard, self.supergraph));
            }
            match &field.fields {
                Some(fields) => self.block(&title, |printer| printer.representation_fields(fields)),
                None => self.line(&title),
            }
        }
    }

    fn selections(&mut self, selections: &[FetchSelection]) {
        for selection in selections {
            match selection {
                FetchSelection::Field(field) => self.field(field),
                FetchSelection::InlineFragment { type_condition, condition, selections } => {
                    let mut title = "...".to_owned();
                    if let Some(ty) = type_condition {
                        let _ = write!(title, " on {}", self.supergraph.schema.ty(*ty).name);
                    }
                    title.push_str(&directives(condition));
                    self.block(&title, |printer| printer.selections(selections));
                }
            }
        }
    }

    fn field(&mut self, field: &FetchField) {
        let mut title = String::new();
        if field.wire_key != field.name {
            let _ = write!(title, "{}: ", field.wire_key);
        }
        title.push_str(&field.name);
        if !field.arguments.is_empty() {
            let arguments: Vec<String> =
                field.arguments.iter().map(|a| format!("{}: {}", a.name, a.value.serialize().no_indent())).collect();
            let _ = write!(title, "({})", arguments.join(", "));
        }
        title.push_str(&directives(&field.condition));
        if field.wire_key != field.key {
            let _ = write!(title, " # as {}", field.key);
        }
        match &field.selections {
            Some(selections) => self.block(&title, |printer| printer.selections(selections)),
            None => self.line(&title),
        }
    }

    fn block(&mut self, title: &str, inner: impl FnOnce(&mut Self)) {
        let open = if title.is_empty() { "{".to_owned() } else { format!("{title} {{") };
        self.line(&open);
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        self.line("}");
    }

    fn line(&mut self, text: &str) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }
}

fn directives(condition: &Condition) -> String {
    let show = |literal: &braid_graphql::operation::Literal| {
        let word = if literal.value { "include" } else { "skip" };
        format!(" @{word}(if: ${})", literal.variable)
    };
    condition.literals().iter().map(show).collect()
}
