//! Writes the shortest query that shows what can't be answered. Knows no reason.

use braid_graphql::compiler::ast::Type;
use braid_supergraph::join_spec::draft::{DraftField, DraftKind};

use super::node::Node;
use super::reach::Reach;

/// Lines are indented no deeper, however long the query.
const MOST_INDENT: usize = 40;
/// An example of an argument has no more fields than this.
const MOST_INPUT_FIELDS: usize = 100;

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
            out.push_str(&format!("{}... on {ty} {{\n", indent(depth)));
            depth += 1;
        }
        let Some(field) = model.context.draft.types.get(ty).and_then(|t| t.fields.get(name.as_str())) else { continue };
        let args = arguments(reach, field);
        out.push_str(&format!("{}{name}{args}", indent(depth)));
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
        out.push_str(&format!("{}...\n", indent(depth)));
    }
    while depth > 0 {
        depth -= 1;
        out.push_str(&format!("{}}}{}", indent(depth), if depth > 0 { "\n" } else { "" }));
    }
    out
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth.min(MOST_INDENT))
}

fn arguments(reach: &Reach<'_, '_>, field: &DraftField) -> String {
    let mut left = MOST_INPUT_FIELDS;
    let required: Vec<String> = field
        .args
        .iter()
        .filter(|a| a.ty.is_non_null() && a.default.is_none())
        .map(|a| format!("{}: {}", a.name, sample(reach, &a.ty, &mut left)))
        .collect();
    match required.is_empty() {
        true => String::new(),
        false => format!("({})", required.join(", ")),
    }
}

/// An example of a value. `left` is how many fields of input objects it may still have.
fn sample(reach: &Reach<'_, '_>, ty: &Type, left: &mut usize) -> String {
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
            Some(t) if t.kind == DraftKind::Input => {
                let mut fields = Vec::new();
                for field in t.fields.values().filter(|f| f.ty.is_non_null() && f.default.is_none()) {
                    if *left == 0 {
                        break;
                    }
                    *left -= 1;
                    fields.push(format!("{}: {}", field.name, sample(reach, &field.ty, left)));
                }
                format!("{{{}}}", fields.join(", "))
            }
            _ => "\"value\"".into(),
        },
    }
}
