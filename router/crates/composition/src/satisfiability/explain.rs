//! Says why no subgraph can take a step of a query, and what would help.

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
}

/// Beyond so many, further subgraphs or reasons are only counted.
const MOST_REASONS: usize = 20;

impl<'a> Failure<'a> {
    pub(super) fn new(reach: &Reach<'_, 'a>, node: &Node, when: When) -> Self {
        let labels = reach.labels.example(when);
        let met = node.met.iter().filter(|(_, when)| reach.labels.holds(*when, &labels));
        Failure { states: met.map(|(state, _)| *state).collect(), labels }
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
            many => format!(" while the override labels are so: {}", many.join(", ")),
        }
    }
}

/// Whether a subgraph resolves a field in a combination of labels.
fn resolves(reach: &mut Reach<'_, '_>, state: State, at: usize, failure: &Failure<'_>) -> Result<(), Unresolved> {
    let sources = &reach.model.types[state.ty].fields[at].sources;
    let source = source_in(sources, state.subgraph).ok_or(Unresolved::Unknown)?;
    let when = reach.resolves(state, at, source)?;
    if reach.labels.holds(when, &failure.labels) { Ok(()) } else { Err(Unresolved::Overridden) }
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
            "Clients may send this query, but the router could not answer it{}:\n{query}\nIt gets no further than the parent of \"{coordinate}\":\n{}",
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
                    "\"{coordinate}\" first needs fields of other subgraphs (its @requires). The router could fetch them, but not come back with them: \"{}\" has no @key in \"{}\" that works.",
                    ty.name,
                    model.subgraph_name(state.subgraph)
                ),
            }
        }
        _ => format!("\"{coordinate}\" is not defined."),
    }];
    let here = failure.subgraphs();
    let elsewhere = ty.views.iter().filter(|view| here.binary_search(&view.subgraph).is_err());
    for view in elsewhere {
        if resolves(reach, State::new(state.ty, view.subgraph), at, failure).is_err() {
            continue;
        }
        if lines.len() > MOST_REASONS {
            lines.push("and there is more like this.".to_owned());
            break;
        }
        let target = model.subgraph_name(view.subgraph);
        if view.keys.is_empty() {
            lines.push(format!("subgraph \"{target}\" has the field, but can't be asked for a particular \"{}\": the type has no @key there.", ty.name));
        } else if view.keys.iter().all(|key| !key.resolvable) {
            lines.push(format!("subgraph \"{target}\" has the field, but says `resolvable: false` on each @key of \"{}\", so it can't be asked for a particular one.", ty.name));
        } else {
            for key in view.keys.iter().filter(|key| key.resolvable).take(MOST_REASONS) {
                lines.push(format!("subgraph \"{target}\" has the field and finds a \"{1}\" by \"{0}\", but the value of that key is unknown in \"{2}\".", excerpt(key.text), ty.name, model.subgraph_name(state.subgraph)));
            }
        }
    }
    lines
}

/// An interface object was met, but nobody can say which object it really is.
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
        .map(|i| format!("- subgraph \"{}\" sees \"{interface}\" as one type (@interfaceObject), so it can't say which implementation an object is, and no subgraph that could say so can be asked.", model.subgraph_name(*i)))
        .collect();
    let owner = model
        .context
        .subgraphs
        .iter()
        .find(|s| s.schema.types.get(interface).is_some_and(|t| t.kind == crate::subgraph::model::Kind::Interface));
    let diagnostic = Diagnostic::new(
        Code::SATISFIABILITY_ERROR,
        format!(
            "Clients may send this query, but the router could not tell the type of the object{}:\n{query}\n{}",
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
