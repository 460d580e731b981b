//! Merges directive applications: unions, strategies for each argument, or the most frequent.

use std::collections::BTreeSet;

use braid_graphql::compiler::ast::Value;
use braid_graphql::compiler::{Name, Node};
use braid_supergraph::join_spec::draft::DraftApplied;

use super::dnf::{Dnf, MOST_ALTERNATIVES};
use super::merger::Merger;
use super::values::same;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Span};
use crate::subgraph::spec::Known;

type Args = Vec<(Name, Node<Value>)>;

/// The directives whose applications are merged, in the order in which they are written.
const MERGED: [Known; 11] = [
    Known::Inaccessible,
    Known::Tag,
    Known::Authenticated,
    Known::RequiresScopes,
    Known::Policy,
    Known::Context,
    Known::Cost,
    Known::ListSize,
    Known::OneOf,
    Known::SpecifiedBy,
    Known::Deprecated,
];

/// An element's applications in one subgraph, and where it is.
pub(super) type Applications<'b> = (usize, &'b [Applied], Span);

impl Merger<'_> {
    pub(super) fn merge_applied(&mut self, element: &str, sources: &[Applications<'_>]) -> Vec<DraftApplied> {
        let inherits = !self.inherited.is_empty() && self.inherited.contains_key(element);
        if !inherits && !sources.iter().any(|(_, applied, _)| applied.iter().any(may_merge)) {
            return Vec::new();
        }
        let mut merged = Vec::new();
        for known in MERGED {
            let of = |a: &&Applied| a.known == Some(known);
            let name = match known.is_built_in() {
                true => Some(Name::new_unchecked(known.name())),
                false => self.features.name(known).cloned(),
            };
            if let Some(name) = name {
                self.merge_directive(element, &name, Some(known), sources, of, &mut merged);
            }
        }
        for name in self.composed.names() {
            let of = |a: &&Applied| a.known.is_none() && a.name == name;
            self.merge_directive(element, &name, None, sources, of, &mut merged);
        }
        self.cache_tags(sources, &mut merged);
        merged
    }

    fn merge_directive(
        &mut self,
        element: &str,
        name: &Name,
        known: Option<Known>,
        sources: &[Applications<'_>],
        of: impl Fn(&&Applied) -> bool,
        merged: &mut Vec<DraftApplied>,
    ) {
        let mut given: Vec<(usize, Args)> = Vec::new();
        for (index, applied, _) in sources {
            if known.is_none() && !self.composed.is_asked(name, *index) {
                continue;
            }
            for application in applied.iter().filter(&of) {
                let args = match known {
                    Some(Known::Context) => vec![self.context_name(*index, application)],
                    _ => application.args.clone(),
                };
                given.push((*index, self.with_defaults(*index, application, args)));
            }
        }
        for (index, application) in self.inherited.get(element).into_iter().flatten() {
            if known.is_some() && application.known == known {
                given.push((*index, self.with_defaults(*index, application, application.args.clone())));
            }
        }
        if given.is_empty() {
            return;
        }
        let repeatable = match known {
            Some(known) => matches!(known, Known::Tag | Known::Context),
            None => self.composed.is_repeatable(name),
        };
        let mut distinct: Vec<(Args, Vec<usize>)> = Vec::new();
        for (index, args) in given {
            match distinct.iter_mut().find(|(other, _)| same_args(other, &args)) {
                Some((_, graphs)) => graphs.push(index),
                None => distinct.push((args, vec![index])),
            }
        }
        if repeatable {
            for (args, _) in distinct {
                merged.push(DraftApplied { name: name.clone(), args: self.without_defaults(name, known, args) });
            }
            return;
        }
        let args = match (distinct.len(), known) {
            (1, _) => distinct.first().map(|(args, _)| args.clone()),
            (_, Some(Known::RequiresScopes)) => self.merge_dnf(element, name, "scopes", &distinct),
            (_, Some(Known::Policy)) => self.merge_dnf(element, name, "policies", &distinct),
            (_, Some(Known::Cost)) => Some(merge_cost(&distinct)),
            (_, Some(Known::ListSize)) => Some(merge_list_size(&distinct)),
            _ => self.most_frequent(element, name, &distinct),
        };
        let by_strategy = matches!(known, Some(Known::RequiresScopes | Known::Policy | Known::Cost | Known::ListSize));
        if distinct.len() > 1 && by_strategy {
            let hint = Diagnostic::new(
                Code::MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
                format!(
                    "Subgraphs give @{name} different arguments on \"{element}\". The supergraph combines them: {}.",
                    strategies(known)
                ),
            );
            let at = sources.iter().filter_map(|(i, _, span)| self.locate(*i, *span)).collect::<Vec<_>>();
            self.hints.push(hint.on(element).at(at));
        }
        if let Some(args) = args {
            merged.push(DraftApplied { name: name.clone(), args: self.without_defaults(name, known, args) });
        }
    }

    /// What all subgraphs require together; reported if that has too many alternatives.
    fn merge_dnf(
        &mut self,
        element: &str,
        name: &Name,
        argument: &str,
        distinct: &[(Args, Vec<usize>)],
    ) -> Option<Args> {
        let demands = distinct.iter().filter_map(|(args, _)| arg(args, argument)).map(|value| Dnf::read(value));
        let Ok(all) = Dnf::all(demands) else {
            let graphs: BTreeSet<usize> = distinct.iter().flat_map(|(_, graphs)| graphs.iter().copied()).collect();
            self.errors.push(too_many_alternatives(element, &format!("@{name}"), &self.names(graphs)));
            return None;
        };
        Some(vec![(Name::new_unchecked(argument), all.write())])
    }

    fn context_name(&self, index: usize, application: &Applied) -> (Name, Node<Value>) {
        let context = application.str_arg("name").unwrap_or_default();
        let name = format!("{}__{context}", self.draft_graph_name(index));
        (Name::new_unchecked("name"), Node::new(Value::String(name)))
    }

    /// The prefix of a subgraph's contexts.
    pub(super) fn draft_graph_name(&self, index: usize) -> String {
        self.name(index).to_string()
    }

    /// Adds omitted arguments with their defaults.
    fn with_defaults(&self, index: usize, application: &Applied, mut args: Args) -> Args {
        if let Some(definition) = self.subgraphs[index].schema.directives.get(&application.name) {
            for input in definition.args.values() {
                if let Some(default) = &input.default
                    && !args.iter().any(|(name, _)| *name == input.name)
                {
                    args.push((input.name.clone(), default.clone()));
                }
            }
        }
        args
    }

    /// Defaults are not written out again.
    fn without_defaults(&self, name: &Name, known: Option<Known>, mut args: Args) -> Args {
        match known {
            Some(Known::ListSize) => args.retain(|(name, value)| {
                let is_default = name == "requireOneSlicingArgument" && value.to_bool() == Some(true);
                !is_default && !value.is_null()
            }),
            Some(_) => {}
            None => args.retain(|(arg, value)| !self.composed.is_default(name, arg, value)),
        }
        args
    }

    fn most_frequent(&mut self, element: &str, name: &Name, distinct: &[(Args, Vec<usize>)]) -> Option<Args> {
        let most = distinct.iter().map(|(_, graphs)| graphs.len()).max()?;
        let (chosen, graphs) = distinct.iter().find(|(_, graphs)| graphs.len() == most)?;
        let said = |args: &Args| {
            let args: Vec<String> = args.iter().map(|(n, v)| format!("{n}: {}", v.serialize().no_indent())).collect();
            format!("{{{}}}", args.join(", "))
        };
        let others: Vec<String> = distinct
            .iter()
            .filter(|(args, _)| !same_args(args, chosen))
            .map(|(args, graphs)| format!("{} in {}", said(args), self.names(graphs.iter().copied())))
            .collect();
        let hint = Diagnostic::new(
            Code::INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS,
            format!(
                "Subgraphs give @{name} different arguments on \"{element}\", but the supergraph can have only one: it has {} of {}. Dropped: {}.",
                said(chosen),
                self.names(graphs.iter().copied()),
                others.join(" and ")
            ),
        );
        self.hints.push(hint.on(element).help("use the same arguments in all subgraphs"));
        Some(chosen.clone())
    }

    /// Cache tags keep their subgraph: each subgraph invalidates its own.
    fn cache_tags(&mut self, sources: &[Applications<'_>], merged: &mut Vec<DraftApplied>) {
        if !self.features.cache_tags {
            return;
        }
        let mut by_args: Vec<(Args, Vec<usize>)> = Vec::new();
        for (index, applied, _) in sources {
            for application in applied.iter().filter(|a| a.known == Some(Known::CacheTag)) {
                match by_args.iter_mut().find(|(args, _)| same_args(args, &application.args)) {
                    Some((_, graphs)) => graphs.push(*index),
                    None => by_args.push((application.args.clone(), vec![*index])),
                }
            }
        }
        for (args, graphs) in by_args {
            merged.push(DraftApplied::of_graphs(&self.draft, &graphs, "federation__cacheTag", args));
        }
    }
}

fn too_many_alternatives(element: &str, directive: &str, subgraphs: &str) -> Diagnostic {
    Diagnostic::new(
        Code::AUTH_REQUIREMENTS_TOO_COMPLEX,
        format!(
            "A client must satisfy every {directive} that applies to \"{element}\" ({subgraphs}). Together they have more than {MOST_ALTERNATIVES} alternatives, too many for the router to check per request."
        ),
    )
    .on(element)
    .help(format!("write the same {directive} wherever it applies to \"{element}\", or use fewer alternatives in each"))
}

/// Whether an application can go to the supergraph. Most don't: keys and the like become joins.
fn may_merge(applied: &Applied) -> bool {
    applied.known.is_none_or(|known| known == Known::CacheTag || MERGED.contains(&known))
}

fn strategies(known: Option<Known>) -> &'static str {
    match known {
        Some(Known::RequiresScopes) => "a client must have the scopes that each subgraph requires",
        Some(Known::Policy) => "a client must satisfy the policies of each subgraph",
        Some(Known::Cost) => "the highest weight counts",
        _ => {
            "the largest assumedSize, all slicingArguments and all sizedFields count; one slicing argument is required only if every subgraph requires it"
        }
    }
}

pub(crate) fn same_args(a: &Args, b: &Args) -> bool {
    a.len() == b.len() && a.iter().all(|(name, v)| b.iter().any(|(n, w)| n == name && same(v, w)))
}

fn arg<'b>(args: &'b Args, name: &str) -> Option<&'b Node<Value>> {
    args.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

fn merge_cost(distinct: &[(Args, Vec<usize>)]) -> Args {
    max_int(distinct, "weight").into_iter().map(|v| (Name::new_unchecked("weight"), v)).collect()
}

fn max_int(distinct: &[(Args, Vec<usize>)], name: &str) -> Option<Node<Value>> {
    distinct
        .iter()
        .filter_map(|(args, _)| arg(args, name))
        .filter(|v| v.to_i32().is_some())
        .max_by_key(|v| v.to_i32())
        .cloned()
}

fn merge_list_size(distinct: &[(Args, Vec<usize>)]) -> Args {
    let mut merged: Args = Vec::new();
    if let Some(size) = max_int(distinct, "assumedSize") {
        merged.push((Name::new_unchecked("assumedSize"), size));
    }
    for name in ["slicingArguments", "sizedFields"] {
        let mut items: Vec<Node<Value>> = Vec::new();
        let mut given = false;
        for list in distinct.iter().filter_map(|(args, _)| arg(args, name)?.as_list()) {
            given = true;
            for item in list {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
        }
        if given {
            merged.push((Name::new_unchecked(name), Node::new(Value::List(items))));
        }
    }
    let flags: Vec<bool> =
        distinct.iter().filter_map(|(args, _)| arg(args, "requireOneSlicingArgument")?.to_bool()).collect();
    if !flags.is_empty() {
        let all = flags.iter().all(|flag| *flag);
        merged.push((Name::new_unchecked("requireOneSlicingArgument"), Node::new(Value::Boolean(all))));
    }
    merged
}
