//! What the search finds, as a script: pages that are opened as files can't fetch data. Knows not how it is searched.

use braid_graphql::compiler::schema::ExtendedType;
use serde_json::{Value, json};

use crate::markdown::summary;
use crate::site::Site;
use crate::view::{Kind, OPERATIONS};

/// The script with the index: every type with its members, every root field, subgraph and example.
pub(crate) fn index(site: &Site<'_>) -> String {
    let view = site.view;
    let mut out = String::from("globalThis.graphIndex = {\n\"entries\": [\n");
    let mut add = |entry: Value| {
        out.push_str(&entry.to_string());
        out.push_str(",\n");
    };
    for kind in OPERATIONS {
        let fields = view.supergraph.root(kind).filter(|id| view.shows(*id)).map(|id| view.fields(id));
        for field in fields.unwrap_or_default() {
            let about = field.definition.description.as_deref().map(summary).unwrap_or_default();
            if let Some(address) = site.addresses.of_root_field(field) {
                add(json!([field.definition.name.as_str(), kind.name(), address, about, []]));
            }
        }
    }
    for id in view.types.iter().copied().filter(|id| view.operation_of(*id).is_none()) {
        let Some(address) = site.addresses.of_type(id) else { continue };
        let about = view.definition(id).and_then(ExtendedType::description).map(|text| summary(text));
        let members: Vec<&str> = match view.kind(id) {
            Kind::Object | Kind::Interface => {
                view.fields(id).into_iter().map(|field| field.definition.name.as_str()).collect()
            }
            Kind::Input => view.input_fields(id).into_iter().map(|field| field.definition.name.as_str()).collect(),
            Kind::Enum => view.enum_values(id).into_iter().map(|value| value.definition.value.as_str()).collect(),
            Kind::Union | Kind::Scalar => Vec::new(),
        };
        add(json!([view.name(id), view.kind(id).name(), address, about.unwrap_or_default(), members]));
    }
    for id in view.supergraph.subgraph_ids() {
        add(json!([view.supergraph.subgraph(id).name, "subgraph", site.addresses.of_subgraph(id), "", []]));
    }
    for (example, address) in site.examples.all.iter().zip(&site.addresses.examples) {
        add(json!([example.operation.name, "example", address, "", []]));
    }
    out.push_str("]};\n");
    out
}
