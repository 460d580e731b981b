//! `@requires` can pass arguments only if they are still there after merging.

use braid_supergraph::join_spec::draft::{Draft, DraftType};

use super::context::Context;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt, subgraph_list};
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::Directives;
use crate::subgraph::spec::Known;
use crate::validate::edits;
use braid_graphql::field_set::{FieldSet, Item};

pub(super) fn check(context: &Context<'_>, errors: &mut Vec<Diagnostic>) {
    for subgraph in context.subgraphs {
        for ty in subgraph.schema.types.values() {
            let Some(merged) = context.draft.types.get(&ty.name) else { continue };
            for field in ty.fields.values() {
                let Some(requires) = field.get(Known::Requires) else { continue };
                let Some(set) = fields_of(requires) else { continue };
                let Some((argument, coordinate, why)) = broken(context.draft, merged, &set) else { continue };
                let (owner, name) = coordinate.split_once('.').unwrap_or((&coordinate, ""));
                let others = context.subgraphs.iter().filter(|s| {
                    s.schema.types.get(owner).and_then(|t| t.fields.get(name)).is_some_and(|f| {
                        why == Why::Unknown && !f.args.contains_key(argument.as_str())
                            || why == Why::Missing && f.args.get(argument.as_str()).is_some_and(|a| a.is_required())
                    })
                });
                let at_fault = subgraph_list(others.map(|s| &*s.name));
                let detail = match why {
                    Why::Unknown => format!(
                        "passes the argument \"{argument}\" to \"{coordinate}\", but the router may ask any subgraph with that field, and the argument is unknown in {at_fault}."
                    ),
                    Why::Missing => format!(
                        "passes no argument \"{argument}\" to \"{coordinate}\", but it is required in {at_fault}, which the router may ask."
                    ),
                };
                errors.push(
                    Diagnostic::new(
                        Code::REQUIRES_INVALID_FIELDS,
                        format!(
                            "[{}] @requires(fields: \"{3}\") on \"{1}.{2}\" {detail}",
                            subgraph.name,
                            ty.name,
                            field.name,
                            excerpt(requires.str_arg("fields").unwrap_or_default())
                        ),
                    )
                    .on(format!("{}.{}", ty.name, field.name))
                    .at(subgraph.locate(requires.span))
                    .help("define the argument alike in all subgraphs with the field")
                    .fix("remove @requires", edits::remove_application(subgraph, requires)),
                );
            }
        }
    }
}

#[derive(PartialEq)]
enum Why {
    Unknown,
    Missing,
}

fn broken(draft: &Draft, ty: &DraftType, set: &FieldSet) -> Option<(String, String, Why)> {
    set.items.iter().find_map(|item| match item {
        Item::Fragment { condition, selection, .. } => {
            let inner = condition.as_ref().map_or(Some(ty), |c| draft.types.get(c))?;
            broken(draft, inner, selection)
        }
        Item::Field { name, args, selection, .. } => {
            let field = ty.fields.get(name)?;
            let coordinate = format!("{}.{name}", ty.name);
            let unknown = args.iter().find(|(a, _)| !field.args.iter().any(|own| own.name == *a));
            if let Some((argument, _)) = unknown {
                return Some((argument.to_string(), coordinate, Why::Unknown));
            }
            let missing = field
                .args
                .iter()
                .find(|own| own.ty.is_non_null() && own.default.is_none() && !args.iter().any(|(a, _)| *a == own.name));
            if let Some(argument) = missing {
                return Some((argument.name.to_string(), coordinate, Why::Missing));
            }
            broken(draft, draft.types.get(field.ty.inner_named_type())?, selection)
        }
    })
}
