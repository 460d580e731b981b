//! Where each element of the graph has its page. Paths are relative to the site's folder, safe on every file system, and never differ
//! in case alone.

use ahash::{AHashMap, AHashSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::{OperationType, Type};
use braid_supergraph::SubgraphId;

use crate::view::{Field, View};

/// The addresses of all elements that have one.
pub(crate) struct Addresses {
    types: AHashMap<TypeId, String>,
    root_fields: AHashMap<FieldId, String>,
    subgraphs: Vec<String>,
    /// The pages of example operations, in their order.
    pub(crate) examples: Vec<String>,
}

impl Addresses {
    pub(crate) fn new<'n>(view: &View<'_>, examples: impl Iterator<Item = &'n str>) -> Self {
        let (mut types, mut root_fields) = (AHashMap::new(), AHashMap::new());
        let mut names = FileNames::default();
        for id in &view.types {
            let Some(kind) = view.operation_of(*id) else {
                types.insert(*id, names.page("types", view.name(*id)));
                continue;
            };
            types.insert(*id, format!("{}.html", kind.name()));
            let mut names = FileNames::default();
            for field in view.fields(*id) {
                root_fields.insert(field.id, names.page(kind.name(), &field.definition.name));
            }
        }
        let (mut subgraphs, mut operations) = (FileNames::default(), FileNames::default());
        Self {
            types,
            root_fields,
            subgraphs: view
                .supergraph
                .subgraphs
                .iter()
                .map(|subgraph| subgraphs.page("subgraphs", &subgraph.name))
                .collect(),
            examples: examples.map(|name| operations.page("operations", name)).collect(),
        }
    }

    /// The page of a type; none for built-in scalars and hidden types.
    pub(crate) fn of_type(&self, id: TypeId) -> Option<&str> {
        self.types.get(&id).map(String::as_str)
    }

    /// The page of the named type inside the wrappers of a type.
    pub(crate) fn of_named(&self, view: &View<'_>, ty: &Type) -> Option<&str> {
        self.of_type(view.type_named(ty.inner_named_type())?)
    }

    /// The place of a field: its page, or its place on the page of its type.
    pub(crate) fn of_field(&self, view: &View<'_>, id: FieldId) -> Option<String> {
        if let Some(page) = self.root_fields.get(&id) {
            return Some(page.clone());
        }
        let field = view.supergraph.schema.field(id);
        view.field(id)?;
        Some(format!("{}#{}", self.of_type(field.parent)?, field.name))
    }

    /// The page of a root field.
    pub(crate) fn of_root_field(&self, field: Field<'_>) -> Option<&str> {
        self.root_fields.get(&field.id).map(String::as_str)
    }

    /// The page of a subgraph.
    pub(crate) fn of_subgraph(&self, id: SubgraphId) -> &str {
        self.subgraphs.get(id.index()).map_or("index.html", String::as_str)
    }

    /// The page of all operations of a kind.
    pub(crate) fn of_operations(&self, view: &View<'_>, kind: OperationType) -> Option<&str> {
        self.of_type(view.supergraph.root(kind)?)
    }
}

/// Gives each name in one folder a file name of its own.
#[derive(Default)]
struct FileNames {
    taken: AHashSet<String>,
}

impl FileNames {
    fn page(&mut self, folder: &str, name: &str) -> String {
        /// Together with what is added, well below what file systems allow.
        const LONGEST: usize = 100;
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let mut stem: String = name.chars().take(LONGEST).map(safe).collect();
        if stem.is_empty() || is_device(&stem) {
            stem.push('-');
        }
        let mut unique = stem.clone();
        let mut number = 2;
        while !self.taken.insert(unique.to_ascii_lowercase()) {
            unique = format!("{stem}-{number}");
            number += 1;
        }
        format!("{folder}/{unique}.html")
    }
}

/// Names that Windows keeps for devices, whatever comes after the dot.
fn is_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    let numbered = |prefix: &str| lower.strip_prefix(prefix).is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'9']));
    matches!(lower.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_and_differ_in_more_than_case() {
        let mut names = FileNames::default();
        let mut page = |name: &str| names.page("types", name);
        assert_eq!(page("Product"), "types/Product.html");
        assert_eq!(page("PRODUCT"), "types/PRODUCT-2.html");
        assert_eq!(page("product"), "types/product-3.html");
        assert_eq!(page("Con"), "types/Con-.html");
        assert_eq!(page("lpt1"), "types/lpt1-.html");
        assert_eq!(page("../../etc/passwd\0"), "types/------etc-passwd-.html");
        assert_eq!(page("<script>"), "types/-script-.html");
        assert_eq!(page(""), "types/-.html");
        assert_eq!(page(&"ä".repeat(300)).len(), "types/.html".len() + 100);
        let long = "L".repeat(300);
        assert_ne!(page(&long), page(&long));
    }
}
