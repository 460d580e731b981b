//! The coordinates that an operation uses. Values of variables are unknown, so a variable uses all that its type can hold.

use std::collections::BTreeSet;

use ahash::AHashSet;
use braid_graphql::OperationType;
use braid_graphql::schema::{FieldId, Schema, TypeId, TypeKind};
use braid_graphql::syntax::{Argument, Document, Field, Many, OperationDefinition, Selection, SelectionSet, Value};

/// The coordinates that an operation uses, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coordinates {
    /// `Type.field` of object and interface types.
    pub fields: Vec<String>,
    /// `Type.field(argument:)`, `Input.field` and `Enum.VALUE`.
    pub inputs: Vec<String>,
}

impl Coordinates {
    /// All of them, fields first.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.fields.iter().chain(&self.inputs)
    }
}

/// The coordinates that an operation of a valid document uses.
pub fn coordinates(document: &Document<'_>, operation: &OperationDefinition<'_>, schema: &Schema) -> Coordinates {
    let mut walk = Walk {
        document,
        schema,
        fields: AHashSet::new(),
        inputs: BTreeSet::new(),
        fragments: AHashSet::new(),
        whole: AHashSet::new(),
    };
    for variable in &operation.variables {
        if let Some(ty) = schema.type_named(variable.ty.inner_named_type()) {
            walk.whole_input(ty);
        }
    }
    let root = match operation.kind {
        OperationType::Query => schema.query,
        OperationType::Mutation => schema.mutation,
        OperationType::Subscription => schema.subscription,
    };
    if let Some(root) = root {
        walk.selections(operation.selection_set, root);
    }
    let mut fields: Vec<_> = walk.fields.into_iter().map(|id| schema.coordinate(id)).collect();
    fields.sort_unstable();
    Coordinates { fields, inputs: walk.inputs.into_iter().collect() }
}

struct Walk<'d, 's> {
    document: &'d Document<'d>,
    schema: &'s Schema,
    fields: AHashSet<FieldId>,
    inputs: BTreeSet<String>,
    /// The fragments that were walked. What they use does not depend on where they are spread.
    fragments: AHashSet<&'d str>,
    /// The input types of which everything is used.
    whole: AHashSet<TypeId>,
}

impl<'d> Walk<'d, '_> {
    /// Recursive as deep as the grammar, which parsing bounds, and once for each fragment.
    fn selections(&mut self, set: SelectionSet<'d>, parent: TypeId) {
        let document = self.document;
        for selection in &document[set] {
            match selection {
                Selection::Field(field) => self.field(field, parent),
                Selection::InlineFragment(fragment) => {
                    let named = fragment.type_condition.and_then(|name| self.schema.type_named(name));
                    self.selections(fragment.selection_set, named.unwrap_or(parent));
                }
                Selection::FragmentSpread(spread) => {
                    if !self.fragments.insert(spread.name) {
                        continue;
                    }
                    let Some(fragment) = document.fragment(spread.name) else { continue };
                    if let Some(named) = self.schema.type_named(fragment.type_condition) {
                        self.selections(fragment.selection_set, named);
                    }
                }
            }
        }
    }

    /// Meta-fields are no field of the schema, and neither is what is below them.
    fn field(&mut self, field: &Field<'d>, parent: TypeId) {
        let Some(id) = self.schema.field_named(parent, field.name) else { return };
        self.fields.insert(id);
        self.arguments(id, field.arguments);
        if let Some(set) = field.selection_set {
            self.selections(set, self.schema.field(id).inner);
        }
    }

    fn arguments(&mut self, id: FieldId, given: Many<Argument<'d>>) {
        let document = self.document;
        for argument in &document[given] {
            self.inputs.insert(format!("{}({}:)", self.schema.coordinate(id), argument.name));
            let known = self.schema.field(id).arguments.get(argument.name);
            let ty = known.and_then(|known| self.schema.type_named(known.ty.inner_named_type()));
            if let Some(ty) = ty {
                self.value(ty, argument.value.value);
            }
        }
    }

    /// A literal where a value of this type is expected, below any lists.
    fn value(&mut self, ty: TypeId, value: Value<'d>) {
        let document = self.document;
        let definition = self.schema.ty(ty);
        match (value, &definition.kind) {
            (Value::List(items), _) => document[items].iter().for_each(|item| self.value(ty, *item)),
            (Value::Enum(value), TypeKind::Enum { .. }) => {
                self.inputs.insert(format!("{}.{value}", definition.name));
            }
            (Value::Object(given), TypeKind::InputObject { fields, .. }) => {
                for field in &document[given] {
                    self.inputs.insert(format!("{}.{}", definition.name, field.name));
                    let known = fields.get(field.name);
                    let inner = known.and_then(|known| self.schema.type_named(known.ty.inner_named_type()));
                    if let Some(inner) = inner {
                        self.value(inner, field.value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Anything that a variable of the type can hold.
    fn whole_input(&mut self, ty: TypeId) {
        let mut todo = vec![ty];
        while let Some(ty) = todo.pop() {
            if !self.whole.insert(ty) {
                continue;
            }
            let definition = self.schema.ty(ty);
            match &definition.kind {
                TypeKind::Enum { values } => {
                    self.inputs.extend(values.iter().map(|value| format!("{}.{value}", definition.name)));
                }
                TypeKind::InputObject { fields, .. } => {
                    self.inputs.extend(fields.keys().map(|field| format!("{}.{field}", definition.name)));
                    let inner = fields.values().map(|field| field.ty.inner_named_type());
                    todo.extend(inner.filter_map(|name| self.schema.type_named(name)));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use braid_graphql::compiler;
    use braid_graphql::parse::{ParseLimits, parse_operation};

    use super::*;

    const SCHEMA: &str = "type Query { products(where: Where, sort: Sort, first: Int): [Item] node: Node }
        interface Node { id: ID } interface Item { name: String }
        type Product implements Node & Item { id: ID name: String price(currency: Currency): Int }
        enum Sort { NAME PRICE } enum Currency { EUR USD } input Where { name: String and: [Where!] sort: Sort }";

    fn check(text: &str, fields: &[&str], inputs: &[&str]) {
        let api = compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let schema = Schema::new(&api).unwrap();
        let document = parse_operation(&api, &schema, text, ParseLimits::default()).unwrap();
        let found = coordinates(&document, &document.operations[0], &schema);
        assert_eq!((&*found.fields, &*found.inputs), (&*owned(fields), &*owned(inputs)), "{text}");
    }

    fn owned(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn fields_are_those_of_the_type_that_they_are_selected_on() {
        check("{ a: node { id __typename } __schema { types { name } } }", &["Node.id", "Query.node"], &[]);
        check(
            "{ node { ...F ...F } } fragment F on Product { id ... { name } }",
            &["Product.id", "Product.name", "Query.node"],
            &[],
        );
        // What is skipped would break all the same.
        check("{ node { id @skip(if: true) } }", &["Node.id", "Query.node"], &[]);
    }

    #[test]
    fn values_use_what_they_are_made_of() {
        check(
            "{ products(where: { and: [{ sort: PRICE }] }) { ... on Product { price(currency: EUR) } } }",
            &["Product.price", "Query.products"],
            &[
                "Currency.EUR",
                "Product.price(currency:)",
                "Query.products(where:)",
                "Sort.PRICE",
                "Where.and",
                "Where.sort",
            ],
        );
    }

    #[test]
    fn variables_use_all_that_they_can_hold() {
        check(
            "query($w: Where) { products(where: $w) { name } }",
            &["Item.name", "Query.products"],
            &["Query.products(where:)", "Sort.NAME", "Sort.PRICE", "Where.and", "Where.name", "Where.sort"],
        );
    }
}
