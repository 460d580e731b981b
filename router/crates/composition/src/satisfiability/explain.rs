//! Says which query fails, where, and why no subgraph can take the step.

use std::collections::BTreeSet;

use braid_graphql::compiler::ast::Type;
use braid_supergraph::join_spec::write::{DraftField, DraftKind};

use super::reach::{Reach, State, Unresolved};
use super::walk::Node;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, excerpt};
use crate::subgraph::model::Directives;
use crate::subgraph::spec::Known;

pub(super) fn error(reach: &mut Reach<'_, '_>, nodes: &[Node], index: usize, field: &DraftField) -> Diagnostic {
    let node = &nodes[index];
    let ty = node.ty;
    let model = reach.model;
    let name = model.types[ty].name.clone();
    let coordinate = format!("{name}.{}", field.name);
    let here = reach.subgraphs(&node.states);
    let mut reasons = String::new();
    for subgraph in &here {
        let provided = node.states.iter().find(|s| s.subgraph == *subgraph).map_or(0, |s| s.provided);
        let lines =
            reasons_in(reach, State { ty, subgraph: *subgraph, provided, excluded: 0 }, &here, field, &coordinate);
        let from = format!("- in subgraph \"{}\":", model.subgraph_name(*subgraph));
        match lines.as_slice() {
            [one] => reasons.push_str(&format!("{from} {one}\n")),
            many => {
                reasons.push_str(&format!("{from}\n"));
                many.iter().for_each(|line| reasons.push_str(&format!("  - {line}\n")));
            }
        }
    }
    let query = query(reach, nodes, index, field);
    let at = model
        .context
        .subgraphs
        .iter()
        .filter_map(|s| s.locate(s.schema.types.get(&name)?.fields.get(&field.name)?.span));
    let diagnostic = Diagnostic::new(
        Code::SATISFIABILITY_ERROR,
        format!(
            "Clients may send this query, but the router could not answer it:\n{query}\nIt gets no further than the parent of \"{coordinate}\":\n{}",
            reasons.trim_end()
        ),
    )
    .on(coordinate.as_str())
    .at(at.collect::<Vec<_>>());
    let (help, edits) = remedy(reach, ty, &here, field);
    match edits.is_empty() {
        true => diagnostic.help(help),
        false => diagnostic.help(help.clone()).fix(help, edits),
    }
}

fn reasons_in(
    reach: &mut Reach<'_, '_>,
    state: State,
    here: &BTreeSet<usize>,
    field: &DraftField,
    coordinate: &str,
) -> Vec<String> {
    let model = reach.model;
    let ty = &model.types[state.ty];
    let mut lines = vec![match reach.resolves(state, &field.name) {
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
            let own = model.field(state.ty, state.subgraph, &field.name);
            let fields = own
                .and_then(|(f, _)| Some(f.get(Known::Requires)?.str_arg("fields")?.to_owned()))
                .map(|fields| excerpt(&fields));
            match model.place(state.ty, state.subgraph).is_some_and(|p| p.local_key) {
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
    for place in ty.places.iter().filter(|p| !here.contains(&p.subgraph)) {
        let there = State { subgraph: place.subgraph, provided: 0, ..state };
        if reach.resolves(there, &field.name).is_err() {
            continue;
        }
        let target = model.subgraph_name(place.subgraph);
        if place.keys.is_empty() {
            lines.push(format!("subgraph \"{target}\" has the field, but can't be asked for a particular \"{}\": the type has no @key there.", ty.name));
        } else if place.keys.iter().all(|k| !k.resolvable) {
            lines.push(format!("subgraph \"{target}\" has the field, but says `resolvable: false` on each @key of \"{}\", so it can't be asked for a particular one.", ty.name));
        } else {
            for key in place.keys.iter().filter(|k| k.resolvable) {
                lines.push(format!("subgraph \"{target}\" has the field and finds a \"{1}\" by \"{0}\", but the value of that key is unknown in \"{2}\".", excerpt(key.text), ty.name, model.subgraph_name(state.subgraph)));
            }
        }
    }
    lines
}

/// An interface object was met, but nobody can say which object it really is.
pub(super) fn unknown_type(
    reach: &Reach<'_, '_>,
    nodes: &[Node],
    index: usize,
    field: &DraftField,
    ty: usize,
    subgraphs: &BTreeSet<usize>,
) -> Diagnostic {
    let model = reach.model;
    let interface = field.ty.inner_named_type();
    let query = query(reach, nodes, index, field)
        .replace("...", &format!("... on {} {{\n      ...\n    }}", model.types[ty].name));
    let reasons: Vec<String> = subgraphs
        .iter()
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
            "Clients may send this query, but the router could not tell the type of the object:\n{query}\n{}",
            reasons.join("\n")
        ),
    )
    .on(interface.as_str())
    .help(format!("give the interface \"{interface}\" a @key in the subgraph that defines its implementations"));
    let Some(owner) = owner else { return diagnostic };
    let Some(interface) = owner.schema.types.get(interface) else { return diagnostic };
    let key = subgraphs.iter().find_map(|i| model.place(ty, *i)?.keys.first().map(|k| k.text));
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
fn remedy(reach: &mut Reach<'_, '_>, ty: usize, here: &BTreeSet<usize>, field: &DraftField) -> (String, Vec<Edit>) {
    let model = reach.model;
    let name = model.types[ty].name;
    let context = model.context;
    for place in model.types[ty].places.iter().filter(|p| p.real && !here.contains(&p.subgraph)) {
        let there = State { ty, subgraph: place.subgraph, provided: 0, excluded: 0 };
        if reach.resolves(there, &field.name).is_err() {
            continue;
        }
        let target = &context.subgraphs[place.subgraph];
        let Some(own) = target.schema.types.get(name) else { continue };
        let common = own.fields.values().find(|f| {
            let leaf = !target.schema.types.get(f.ty.inner_named_type()).is_some_and(|t| t.is_composite());
            leaf && !f.ty.is_list()
                && f.args.is_empty()
                && !f.facts.external
                && here
                    .iter()
                    .any(|i| reach.resolves(State { ty, subgraph: *i, provided: 0, excluded: 0 }, &f.name).is_ok())
        });
        if let Some(key) = common {
            let at_key = target.at_name(Known::Key);
            let text = format!("{at_key}(fields: \"{}\")", key.name);
            let help = format!("add {text} to \"{name}\" in subgraph \"{}\"", target.name);
            let edits = crate::validate::edits::append_to_type(target, own, &text).into_iter().collect();
            return (help, edits);
        }
        let sources: Vec<&str> = here.iter().map(|i| model.subgraph_name(*i)).collect();
        return (
            format!(
                "give \"{name}\" a @key in subgraph \"{}\" whose fields \"{}\" has too",
                target.name,
                sources.join("\" or \"")
            ),
            Vec::new(),
        );
    }
    (format!("resolve \"{name}.{}\" in a subgraph that can be reached from here", field.name), Vec::new())
}

/// The shortest query that shows the failure.
pub(super) fn query(reach: &Reach<'_, '_>, nodes: &[Node], index: usize, field: &DraftField) -> String {
    let model = reach.model;
    let mut steps: Vec<(usize, String)> = vec![(index, field.name.to_string())];
    let mut at = index;
    while let Some((parent, field)) = nodes[at].parent {
        let fields = &model.types[nodes[parent].ty].merged.fields;
        steps.push((parent, fields.get_index(field).map(|(name, _)| name.to_string()).unwrap_or_default()));
        at = parent;
    }
    steps.reverse();
    let mut out = match nodes[at].operation {
        "query" => "{\n".to_string(),
        operation => format!("{operation} {{\n"),
    };
    let mut depth = 1;
    let mut declared: Option<String> = None;
    for (node, name) in &steps {
        let ty = model.types[nodes[*node].ty].name;
        // A field that the declared type does not have needs a type condition.
        if let Some(parent) = &declared
            && parent != ty.as_str()
            && !model
                .context
                .draft
                .types
                .get(parent.as_str())
                .is_some_and(|t| t.fields.contains_key(name.as_str()) && t.kind == DraftKind::Object)
        {
            out.push_str(&format!("{}... on {ty} {{\n", "  ".repeat(depth)));
            depth += 1;
        }
        let Some(field) = model.context.draft.types.get(ty).and_then(|t| t.fields.get(name.as_str())) else { continue };
        let args = arguments(reach, field);
        out.push_str(&format!("{}{name}{args}", "  ".repeat(depth)));
        let target = field.ty.inner_named_type();
        let composite = model
            .context
            .draft
            .types
            .get(target)
            .is_some_and(|t| matches!(t.kind, DraftKind::Object | DraftKind::Interface | DraftKind::Union));
        out.push_str(if composite { " {\n" } else { "\n" });
        if composite {
            depth += 1;
        }
        declared = Some(target.to_string());
    }
    let last = steps.last().and_then(|(node, name)| {
        let ty = model.types[nodes[*node].ty].name;
        let field = model.context.draft.types.get(ty)?.fields.get(name.as_str())?;
        model.context.draft.types.get(field.ty.inner_named_type())
    });
    if last.is_some_and(|t| matches!(t.kind, DraftKind::Object | DraftKind::Interface | DraftKind::Union)) {
        out.push_str(&format!("{}...\n", "  ".repeat(depth)));
    }
    while depth > 0 {
        depth -= 1;
        out.push_str(&format!("{}}}{}", "  ".repeat(depth), if depth > 0 { "\n" } else { "" }));
    }
    out
}

fn arguments(reach: &Reach<'_, '_>, field: &DraftField) -> String {
    let required: Vec<String> = field
        .args
        .iter()
        .filter(|a| a.ty.is_non_null() && a.default.is_none())
        .map(|a| format!("{}: {}", a.name, sample(reach, &a.ty, 0)))
        .collect();
    match required.is_empty() {
        true => String::new(),
        false => format!("({})", required.join(", ")),
    }
}

fn sample(reach: &Reach<'_, '_>, ty: &Type, depth: usize) -> String {
    if ty.is_list() {
        return "[]".into();
    }
    match ty.inner_named_type().as_str() {
        "Int" => "0".into(),
        "Float" => "1.5".into(),
        "Boolean" => "true".into(),
        "String" => "\"text\"".into(),
        "ID" => "\"1\"".into(),
        name => match reach.model.context.draft.types.get(name) {
            Some(t) if t.kind == DraftKind::Enum => t.values.keys().next().map(|v| v.to_string()).unwrap_or_default(),
            Some(t) if t.kind == DraftKind::Input && depth < 5 => {
                let fields: Vec<String> = t
                    .fields
                    .values()
                    .filter(|f| f.ty.is_non_null() && f.default.is_none())
                    .map(|f| format!("{}: {}", f.name, sample(reach, &f.ty, depth + 1)))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            _ => "\"value\"".into(),
        },
    }
}
