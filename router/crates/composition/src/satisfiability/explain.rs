//! Explains why no subgraph can resolve a step of a query, and what would help.

use braid_supergraph::join_spec::draft::DraftContextArgument;

use super::contexts::Values;
use super::labels::{Combination, When};
use super::model::source_in;
use super::node::Node;
use super::reach::{Reach, State, Unresolved};
use super::witness::query;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, excerpt};
use crate::subgraph::model::Directives;
use crate::subgraph::spec::Known;

/// A combination of labels in which something fails, and the states that are met in it.
pub(super) struct Failure<'a> {
    labels: Combination<'a>,
    states: Vec<State>,
    /// The values for contextual arguments that the objects above have.
    above: Values,
    /// The types of the objects above, the nearest first.
    types_above: Vec<usize>,
}

/// The most subgraphs, or reasons, that are named; others are only counted.
const MOST_REASONS: usize = 20;

impl<'a> Failure<'a> {
    pub(super) fn new(reach: &Reach<'_, 'a>, nodes: &[Node], node: &Node, when: When) -> Self {
        let labels = reach.labels.example(when);
        let met = node.met.iter().filter(|(_, when)| reach.labels.holds(*when, &labels));
        let states = met.map(|(state, _)| *state).collect();
        let parent = |node: &Node| node.parent.and_then(|(index, _)| nodes.get(index));
        let types_above = std::iter::successors(parent(node), |node| parent(node)).map(|node| node.ty).collect();
        Failure { states, labels, above: node.above, types_above }
    }

    /// The subgraphs that can be reached, in order.
    pub(super) fn subgraphs(&self) -> Vec<usize> {
        let mut subgraphs: Vec<usize> = self.states.iter().map(|state| state.subgraph).collect();
        subgraphs.dedup();
        subgraphs
    }

    /// `, while the override label "x" is on`, if labels make a difference.
    fn labels(&self) -> String {
        let on_or_off = |is_on: &bool| if *is_on { "on" } else { "off" };
        let labels: Vec<String> =
            self.labels.0.iter().map(|(label, is_on)| format!("\"{label}\" is {}", on_or_off(is_on))).collect();
        match labels.as_slice() {
            [] => String::new(),
            [one] => format!(" while the override label {one}"),
            many => format!(" with these override labels: {}", many.join(", ")),
        }
    }
}

/// Whether a subgraph resolves a field in a combination of labels.
fn resolves(reach: &mut Reach<'_, '_>, state: State, at: usize, failure: &Failure<'_>) -> Result<(), Unresolved> {
    let sources = &reach.model.types[state.ty].fields[at].sources;
    let source = source_in(sources, state.subgraph).ok_or(Unresolved::Unknown)?;
    let when = reach.resolves(state, at, source)?;
    if !reach.labels.holds(when, &failure.labels) {
        return Err(Unresolved::Overridden);
    }
    match reach.unfilled(source, failure.above) {
        Some(_) => Err(Unresolved::Context),
        None => Ok(()),
    }
}

/// The contextual argument for which the objects above have no value.
fn unfilled<'a>(
    reach: &Reach<'_, 'a>,
    state: State,
    at: usize,
    failure: &Failure<'_>,
) -> Option<&'a DraftContextArgument> {
    let sources = &reach.model.types[state.ty].fields[at].sources;
    reach.unfilled(source_in(sources, state.subgraph)?, failure.above)
}

/// A context's name in its subgraph: it can't contain an underscore, and the supergraph puts the subgraph's name before it.
fn context_name(argument: &DraftContextArgument) -> &str {
    argument.context.rsplit_once("__").map_or(argument.context.as_str(), |(_, name)| name)
}

fn without_value(reach: &Reach<'_, '_>, argument: &DraftContextArgument, failure: &Failure<'_>) -> String {
    let model = reach.model;
    let value = model.contexts.value_of(argument);
    let sets = |ty: &&usize| value.is_some_and(|value| model.contexts.set_by(**ty).contains(&value));
    match failure.types_above.iter().find(sets) {
        Some(ty) => format!(
            "which \"{}\" sets, but the router can't fetch \"{}\" for it here",
            model.types[*ty].name,
            excerpt(argument.selection.trim())
        ),
        None => "but no object above it in this query sets that context".to_owned(),
    }
}

pub(super) fn error(
    reach: &mut Reach<'_, '_>,
    nodes: &[Node],
    index: usize,
    at: usize,
    failure: &Failure<'_>,
) -> Diagnostic {
    let ty = nodes[index].ty;
    let model = reach.model;
    let field = model.types[ty].fields[at].merged;
    let name = model.types[ty].name.clone();
    let coordinate = format!("{name}.{}", field.name);
    let here = failure.subgraphs();
    let mut reasons = String::new();
    for subgraph in here.iter().take(MOST_REASONS) {
        let Some(state) = failure.states.iter().rfind(|state| state.subgraph == *subgraph) else { continue };
        let lines = reasons_in(reach, *state, at, failure, &coordinate);
        let from = format!("- in subgraph \"{}\":", model.subgraph_name(*subgraph));
        match lines.as_slice() {
            [one] => reasons.push_str(&format!("{from} {one}\n")),
            many => {
                reasons.push_str(&format!("{from}\n"));
                many.iter().for_each(|line| reasons.push_str(&format!("  - {line}\n")));
            }
        }
    }
    if here.len() > MOST_REASONS {
        reasons.push_str(&format!("- and likewise in {} more subgraphs\n", here.len() - MOST_REASONS));
    }
    let query = query(reach, nodes, index, field);
    let locations = model
        .context
        .subgraphs
        .iter()
        .filter_map(|s| s.locate(s.schema.types.get(&name)?.fields.get(&field.name)?.span));
    let diagnostic = Diagnostic::new(
        Code::SATISFIABILITY_ERROR,
        format!(
            "Clients may send this query, but the router can't answer it{}:\n{query}\nIt can fetch the parent of \"{coordinate}\", but not the field:\n{}",
            failure.labels(),
            reasons.trim_end()
        ),
    )
    .on(coordinate.as_str())
    .at(locations.collect::<Vec<_>>());
    let (help, edits) = remedy(reach, ty, at, failure);
    match edits.is_empty() {
        true => diagnostic.help(help),
        false => diagnostic.help(help.clone()).fix(help, edits),
    }
}

fn reasons_in(
    reach: &mut Reach<'_, '_>,
    state: State,
    at: usize,
    failure: &Failure<'_>,
    coordinate: &str,
) -> Vec<String> {
    let model = reach.model;
    let ty = &model.types[state.ty];
    let field = ty.fields[at].merged;
    let mut lines = vec![match resolves(reach, state, at, failure) {
        Err(Unresolved::External) => format!(
            "\"{coordinate}\" is only declared here, as @external: its value has to come from another subgraph."
        ),
        Err(Unresolved::Overridden) => {
            let by =
                field.joins.iter().find(|j| j.override_from.as_deref() == Some(model.subgraph_name(state.subgraph)));
            match by.and_then(|j| j.graph) {
                Some(by) => format!(
                    "subgraph \"{}\" has taken \"{coordinate}\" over with @override, so it is no longer asked for here.",
                    model.subgraph_name(by)
                ),
                None => format!("\"{coordinate}\" was taken over by another subgraph with @override."),
            }
        }
        Err(Unresolved::Requires) => {
            let own = source_in(&ty.fields[at].sources, state.subgraph);
            let fields = own.and_then(|own| own.field.get(Known::Requires)?.str_arg("fields")).map(excerpt);
            match model.view(state.ty, state.subgraph).is_some_and(|view| view.local_key) {
                true => format!(
                    "\"{coordinate}\" first needs \"{}\" (its @requires), and the router can't fetch that from here.",
                    fields.unwrap_or_default()
                ),
                false => format!(
                    "\"{coordinate}\" first needs fields of other subgraphs (its @requires). The router could fetch them, but could not return with them: \"{}\" has no @key in \"{}\" that it can use.",
                    ty.name,
                    model.subgraph_name(state.subgraph)
                ),
            }
        }
        Err(Unresolved::Context) => {
            let argument = unfilled(reach, state, at, failure);
            argument.map_or_else(String::new, |argument| {
                format!(
                    "\"{coordinate}\" takes its argument \"{}\" from the context \"{}\" (@fromContext), {}.",
                    argument.name,
                    context_name(argument),
                    without_value(reach, argument, failure)
                )
            })
        }
        Ok(()) | Err(Unresolved::Unknown) => format!("\"{coordinate}\" is not defined."),
    }];
    let here = failure.subgraphs();
    let elsewhere = ty.views.iter().filter(|view| here.binary_search(&view.subgraph).is_err());
    for view in elsewhere {
        if resolves(reach, State::new(state.ty, view.subgraph), at, failure).is_err() {
            continue;
        }
        if lines.len() > MOST_REASONS {
            lines.push("and there are more reasons like this.".to_owned());
            break;
        }
        let target = model.subgraph_name(view.subgraph);
        if view.keys.is_empty() {
            lines.push(format!("subgraph \"{target}\" has the field, but can't be asked for a particular \"{}\": the type has no @key there.", ty.name));
        } else if view.keys.iter().all(|key| !key.resolvable) {
            lines.push(format!("subgraph \"{target}\" has the field, but says `resolvable: false` on each @key of \"{}\", so it can't be asked for a particular one.", ty.name));
        } else {
            for key in view.keys.iter().filter(|key| key.resolvable).take(MOST_REASONS) {
                lines.push(format!("subgraph \"{target}\" has the field and finds a \"{1}\" by \"{0}\", but the router can't get the value of that key from \"{2}\".", excerpt(key.text), ty.name, model.subgraph_name(state.subgraph)));
            }
        }
    }
    lines
}

/// An interface object was met, but no subgraph can say which object it really is.
pub(super) fn unknown_type(reach: &Reach<'_, '_>, nodes: &[Node], node: &Node, failure: &Failure<'_>) -> Diagnostic {
    let model = reach.model;
    let above = node.parent.map(|(index, at)| (index, model.types[nodes[index].ty].fields[at].merged));
    let interface = above.map_or("", |(_, field)| field.ty.inner_named_type());
    let query = above.map(|(index, field)| query(reach, nodes, index, field)).unwrap_or_default();
    let query = query.replace("...", &format!("... on {} {{\n      ...\n    }}", model.types[node.ty].name));
    let subgraphs = failure.subgraphs();
    let reasons: Vec<String> = subgraphs
        .iter()
        .take(MOST_REASONS)
        .map(|i| format!("- subgraph \"{}\" knows \"{interface}\" as one type only (@interfaceObject), so it can't say which implementation an object is, and the router can't ask a subgraph that could.", model.subgraph_name(*i)))
        .collect();
    let owner = model
        .context
        .subgraphs
        .iter()
        .find(|s| s.schema.types.get(interface).is_some_and(|t| t.kind == crate::subgraph::model::Kind::Interface));
    let diagnostic = Diagnostic::new(
        Code::SATISFIABILITY_ERROR,
        format!(
            "Clients may send this query, but the router can't find out the type of the object{}:\n{query}\n{}",
            failure.labels(),
            reasons.join("\n")
        ),
    )
    .on(interface)
    .help(format!("give the interface \"{interface}\" a @key in the subgraph that defines its implementations"));
    let Some(owner) = owner else { return diagnostic };
    let Some(interface) = owner.schema.types.get(interface) else { return diagnostic };
    let key = subgraphs.iter().find_map(|i| model.view(node.ty, *i)?.keys.first().map(|k| k.text));
    let edits: Vec<Edit> = key
        .and_then(|key| {
            let text = format!("{}(fields: \"{key}\")", owner.at_name(Known::Key));
            crate::validate::edits::append_to_type(owner, interface, &text)
        })
        .into_iter()
        .collect();
    diagnostic
        .at(owner.locate(interface.span))
        .fix(format!("add a @key to \"{}\" in \"{}\"", interface.name, owner.name), edits)
}

/// What would help: a key where the field is, or the field where the query is.
fn remedy(reach: &mut Reach<'_, '_>, ty: usize, at: usize, failure: &Failure<'_>) -> (String, Vec<Edit>) {
    let model = reach.model;
    let name = model.types[ty].name;
    let context = model.context;
    let here = failure.subgraphs();
    for state in &failure.states {
        if resolves(reach, *state, at, failure) == Err(Unresolved::Context)
            && let Some(argument) = unfilled(reach, *state, at, failure)
        {
            let (context, subgraph) = (context_name(argument), model.subgraph_name(state.subgraph));
            let help = format!(
                "in subgraph \"{subgraph}\", put @context(name: \"{context}\") on a type that every way to \"{name}\" leads through and where the value can be fetched, or remove the ways to \"{name}\" that have none"
            );
            return (help, Vec::new());
        }
    }
    let elsewhere = model.types[ty].views.iter().filter(|view| here.binary_search(&view.subgraph).is_err());
    for view in elsewhere.filter(|view| view.real) {
        if resolves(reach, State::new(ty, view.subgraph), at, failure).is_err() {
            continue;
        }
        let target = &context.subgraphs[view.subgraph];
        let Some(own) = target.schema.types.get(name) else { continue };
        let common = own.fields.values().find(|f| {
            let leaf = !target.schema.types.get(f.ty.inner_named_type()).is_some_and(|t| t.is_composite());
            let at = model.types[ty].merged.fields.get_index_of(&f.name);
            let is_here = |at| here.iter().any(|i| resolves(reach, State::new(ty, *i), at, failure).is_ok());
            leaf && !f.ty.is_list() && f.args.is_empty() && !f.facts.external && at.is_some_and(is_here)
        });
        if let Some(key) = common {
            let at_key = target.at_name(Known::Key);
            let text = format!("{at_key}(fields: \"{}\")", key.name);
            let help = format!("add {text} to \"{name}\" in subgraph \"{}\"", target.name);
            let edits = crate::validate::edits::append_to_type(target, own, &text).into_iter().collect();
            return (help, edits);
        }
        let sources: Vec<&str> = here.iter().take(MOST_REASONS).map(|i| model.subgraph_name(*i)).collect();
        return (
            format!(
                "give \"{name}\" a @key in subgraph \"{}\" whose fields \"{}\" has too",
                target.name,
                sources.join("\" or \"")
            ),
            Vec::new(),
        );
    }
    let field = &model.types[ty].fields[at].merged.name;
    (format!("resolve \"{name}.{field}\" in a subgraph that can be reached from here"), Vec::new())
}
