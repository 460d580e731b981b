//! The shape of connections, by the Relay specification (<https://relay.dev/graphql/connections.htm>).

use super::super::config::RuleConfig;
use super::super::view::{Kind, View};
use super::{Raw, each};

pub(in super::super) fn connections(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        if element.kind != Kind::Object || element.extension || !element.name.ends_with("Connection") {
            return None;
        }
        let ty = element.name;
        let message = match (field(view, ty, "edges"), field(view, ty, "pageInfo")) {
            (None, _) => format!("\"{ty}\" has no field edges."),
            (Some(edges), _) if !is_list(&edges) => format!("\"{ty}.edges\" is not a list of edges."),
            (_, None) => format!("\"{ty}\" has no field pageInfo."),
            (_, Some(info)) if info != "PageInfo!" => format!("\"{ty}.pageInfo\" is {info}, not PageInfo!."),
            _ => return None,
        };
        Some((message, "A connection has edges: [Edge] and pageInfo: PageInfo!.".to_owned()))
    })
}

pub(in super::super) fn edges(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    let edge_types: Vec<&str> = view
        .elements
        .iter()
        .filter(|element| element.kind == Kind::Field && element.name == "edges")
        .filter(|element| element.parent.is_some_and(|parent| view.elements[parent].name.ends_with("Connection")))
        .filter_map(|element| element.ty.map(|ty| ty.inner_named_type().as_str()))
        .collect();
    each(view, |element| {
        if element.kind != Kind::Object || element.extension || !edge_types.contains(&element.name) {
            return None;
        }
        let ty = element.name;
        let message = match (field(view, ty, "node"), field(view, ty, "cursor")) {
            (None, _) => format!("The edge \"{ty}\" has no field node."),
            (Some(node), _) if is_list(&node) => format!("\"{ty}.node\" is a list."),
            (_, None) => format!("The edge \"{ty}\" has no field cursor."),
            (_, Some(cursor)) if is_list(&cursor) => format!("\"{ty}.cursor\" is a list."),
            _ => return None,
        };
        Some((message, "An edge has node and cursor: String!.".to_owned()))
    })
}

pub(in super::super) fn page_info(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    const FIELDS: [(&str, &[&str]); 4] = [
        ("hasNextPage", &["Boolean!"]),
        ("hasPreviousPage", &["Boolean!"]),
        ("startCursor", &["String", "String!"]),
        ("endCursor", &["String", "String!"]),
    ];
    each(view, |element| {
        if element.kind != Kind::Object || element.extension || element.name != "PageInfo" {
            return None;
        }
        let wrong = FIELDS
            .iter()
            .find(|(name, types)| field(view, "PageInfo", name).is_none_or(|found| !types.contains(&found.as_str())))?;
        let message = format!("PageInfo lacks {}: {}.", wrong.0, wrong.1[0]);
        Some((message, "It has hasNextPage, hasPreviousPage, startCursor and endCursor.".to_owned()))
    })
}

pub(in super::super) fn arguments(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    view.iter()
        .filter(|(_, element)| {
            let returns = element.ty.is_some_and(|ty| ty.inner_named_type().ends_with("Connection"));
            element.kind == Kind::Field && returns
        })
        .filter(|(index, _)| {
            let has = |name: &str| view.children(*index).any(|(_, argument)| argument.name == name);
            !(has("first") && has("after") || has("last") && has("before"))
        })
        .map(|(element, it)| Raw {
            element,
            message: format!("\"{}\" returns a connection but cannot be paged through.", it.coordinate),
            help: "Take first: Int and after: String, or last: Int and before: String.".to_owned(),
        })
        .collect()
}

fn field(view: &View<'_>, ty: &str, name: &str) -> Option<String> {
    view.fields_of(ty).find(|(_, field)| field.name == name)?.1.ty.map(ToString::to_string)
}

fn is_list(ty: &str) -> bool {
    ty.starts_with('[')
}
