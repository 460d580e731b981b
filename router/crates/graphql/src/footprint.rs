//! What of a schema a document refers to: as long as that means the same, the document is valid, and asks for the same. Knows nothing of who
//! answers.

use crate::schema::{FieldId, Schema, TypeId};
use crate::syntax::{Document, Selection, SelectionSet};

/// The elements of a schema that a valid document refers to, in any of its operations and fragments, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The types of its variables, those that its fragments are for, and the root operation types.
    pub types: Box<[TypeId]>,
    /// Its fields, as the types have them that it selects them on.
    pub fields: Box<[FieldId]>,
    /// Whether it asks for the schema itself.
    pub introspects: bool,
}

impl Footprint {
    /// What a document refers to. What the schema does not have, such as a built-in scalar that is not used in it, is left out.
    pub fn new(document: &Document<'_>, schema: &Schema) -> Self {
        let mut walk = Walk { document, schema, types: Vec::new(), fields: Vec::new(), introspects: false };
        for operation in &document.operations {
            let types = operation.variables.iter().map(|variable| variable.ty.inner_named_type().as_str());
            walk.types.extend(types.filter_map(|name| schema.type_named(name)));
            if let Some(root) = schema.root(operation.kind) {
                walk.selections(operation.selection_set, root);
            }
        }
        for fragment in &document.fragments {
            if let Some(ty) = schema.type_named(fragment.type_condition) {
                walk.selections(fragment.selection_set, ty);
            }
        }
        let Walk { types, fields, introspects, .. } = walk;
        Self { types: each_once(types), fields: each_once(fields), introspects }
    }

    /// The bytes that it has on the heap.
    pub fn heap(&self) -> usize {
        size_of_val(&*self.types) + size_of_val(&*self.fields)
    }
}

fn each_once<T: Ord>(mut all: Vec<T>) -> Box<[T]> {
    all.sort_unstable();
    all.dedup();
    all.into()
}

struct Walk<'d> {
    document: &'d Document<'d>,
    schema: &'d Schema,
    types: Vec<TypeId>,
    fields: Vec<FieldId>,
    introspects: bool,
}

impl Walk<'_> {
    /// Selections on a type that the document names, or on a root operation type. Recursive as deep as the grammar, which parsing bounds.
    fn selections(&mut self, set: SelectionSet<'_>, on: TypeId) {
        self.types.push(on);
        self.below(set, on);
    }

    fn below(&mut self, set: SelectionSet<'_>, parent: TypeId) {
        let document = self.document;
        for selection in &document[set] {
            match selection {
                Selection::Field(field) => match self.schema.field_named(parent, field.name) {
                    Some(id) => {
                        self.fields.push(id);
                        if let Some(set) = field.selection_set {
                            self.below(set, self.schema.field(id).inner);
                        }
                    }
                    // What is below it is of the schema of schemas, which never changes.
                    None => self.introspects |= matches!(field.name, "__schema" | "__type"),
                },
                Selection::InlineFragment(fragment) => {
                    match fragment.type_condition.and_then(|name| self.schema.type_named(name)) {
                        Some(named) => self.selections(fragment.selection_set, named),
                        None => self.below(fragment.selection_set, parent),
                    }
                }
                // Fragments are walked by themselves.
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ParseLimits, parse_operation};

    #[test]
    fn all_that_a_document_names() {
        let sdl = r#"
            type Query { node(id: ID!): Node other(in: In): U }
            input In { kind: Kind }
            enum Kind { A }
            interface Node { id: ID! }
            type Product implements Node { id: ID! name: String parts: [Part] }
            type Part { id: ID! }
            union U = Product | Part
        "#;
        let source = apollo_compiler::Schema::parse_and_validate(sdl, "s").unwrap();
        let schema = Schema::new(&source).unwrap();
        let text = r#"
            query A($id: ID!) { node(id: $id) { id ... on Product { parts { id } } ...F } }
            query B($in: In) { other(in: $in) { ... on Part { __typename } } }
            fragment F on Product { name }
        "#;
        let document = parse_operation(&source, &schema, text, ParseLimits::default()).unwrap();
        let Footprint { types, fields, introspects } = Footprint::new(&document, &schema);
        let mut types: Vec<&str> = types.iter().map(|id| schema.ty(*id).name.as_str()).collect();
        types.sort_unstable();
        assert_eq!(types, ["ID", "In", "Part", "Product", "Query"]);
        let mut fields: Vec<String> = fields.iter().map(|id| schema.coordinate(*id)).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["Node.id", "Part.id", "Product.name", "Product.parts", "Query.node", "Query.other"]);
        assert!(!introspects);
        let document = parse_operation(&source, &schema, "{ __schema { types { name } } }", ParseLimits::default());
        assert!(Footprint::new(&document.unwrap(), &schema).introspects);
    }
}
