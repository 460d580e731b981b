//! Whether a response has the keys, in the order, that *CollectFields* requires for some possible type of each object.
//! Knows no values.

use braid_graphql::compiler::ast::Value as Literal;
use braid_graphql::compiler::executable::{DirectiveList, Field, Operation, Selection, SelectionSet};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{ExecutableDocument, Name, Schema};
use serde_json::{Map, Value};

/// Whether `data` has the keys that the only operation of `document` selects, with default values for all variables.
pub fn is_collected(schema: &Valid<Schema>, document: &Valid<ExecutableDocument>, data: &Value) -> bool {
    let Ok(operation) = document.operations.get(None) else { return false };
    let reading = Reading { schema, document, operation };
    match data {
        Value::Object(object) => reading.object(operation.object_type(), &[&operation.selection_set], object),
        _ => true,
    }
}

struct Reading<'a> {
    schema: &'a Valid<Schema>,
    document: &'a Valid<ExecutableDocument>,
    operation: &'a Operation,
}

impl<'a> Reading<'a> {
    fn object(&self, position: &Name, sets: &[&'a SelectionSet], object: &Map<String, Value>) -> bool {
        let objects = self.schema.types.iter().filter(|(_, ty)| ty.is_object()).map(|(name, _)| name);
        let mut possible =
            objects.filter(|name| *name == position || self.schema.is_subtype(position, name)).peekable();
        // If only interface objects represent an interface, there are no other types.
        let none = possible.peek().is_none().then_some(position);
        possible.chain(none).any(|ty| self.object_of(ty, sets, object))
    }

    fn object_of(&self, ty: &Name, sets: &[&'a SelectionSet], object: &Map<String, Value>) -> bool {
        let mut collected: Vec<(&Name, Vec<&'a Field>)> = Vec::new();
        sets.iter().for_each(|set| self.collect(ty, set, &mut collected));
        collected.len() == object.len()
            && collected.iter().zip(object).all(|((expected, fields), (key, value))| {
                let below: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
                expected.as_str() == key && self.value(fields[0].ty().inner_named_type(), &below, value)
            })
    }

    fn value(&self, position: &Name, sets: &[&'a SelectionSet], value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().all(|item| self.value(position, sets, item)),
            Value::Object(object) if !sets.is_empty() => self.object(position, sets, object),
            _ => true,
        }
    }

    fn collect(&self, ty: &Name, set: &'a SelectionSet, into: &mut Vec<(&'a Name, Vec<&'a Field>)>) {
        let applies =
            |condition: Option<&Name>| condition.is_none_or(|name| name == ty || self.schema.is_subtype(name, ty));
        for selection in set.selections.iter().filter(|selection| self.is_included(selection.directives())) {
            match selection {
                Selection::Field(field) => match into.iter_mut().find(|(key, _)| *key == field.response_name()) {
                    Some((_, fields)) => fields.push(field),
                    None => into.push((field.response_name(), vec![field])),
                },
                Selection::InlineFragment(fragment) if applies(fragment.type_condition.as_ref()) => {
                    self.collect(ty, &fragment.selection_set, into);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.fragment_name];
                    if applies(Some(fragment.type_condition())) {
                        self.collect(ty, &fragment.selection_set, into);
                    }
                }
                Selection::InlineFragment(_) => {}
            }
        }
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        directives.iter().all(|directive| {
            let wanted = match directive.name.as_str() {
                "include" => true,
                "skip" => false,
                _ => return true,
            };
            let value = directive.specified_argument_by_name("if").map(|value| value.as_ref());
            let value = match value {
                Some(Literal::Variable(name)) => {
                    let definition = self.operation.variables.iter().find(|variable| variable.name == *name);
                    definition.and_then(|definition| definition.default_value.as_ref()?.to_bool())
                }
                Some(literal) => literal.to_bool(),
                None => None,
            };
            value == Some(wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use braid_graphql::OperationType;

    fn check(operation: &str, data: &str, expected: bool) {
        let schema = "type Query { a: Int b: P } interface P { x: Int y: Int } type Q implements P { x: Int y: Int }";
        let schema = Schema::parse_and_validate(schema, "schema.graphql").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, operation, "operation.graphql").unwrap();
        assert_eq!(document.operations.get(None).unwrap().operation_type, OperationType::Query);
        assert_eq!(
            is_collected(&schema, &document, &serde_json::from_str(data).unwrap()),
            expected,
            "{operation} {data}"
        );
    }

    #[test]
    fn keys_and_their_order() {
        check("{ a b { x } }", r#"{"a": 1, "b": {"x": 1}}"#, true);
        check("{ a b { x } }", r#"{"b": {"x": 1}, "a": 1}"#, false);
        check("{ b { y ...F x } } fragment F on Q { x y }", r#"{"b": {"y": 1, "x": 1}}"#, true);
        check("query ($s: Boolean = true) { a @skip(if: $s) b { x } b { y } }", r#"{"b": {"x": 1, "y": 2}}"#, true);
        check("{ a b { x } }", r#"{"a": 1, "b": {"x": 1, "extra": 2}}"#, false);
        check("{ a b { x } }", r#"{"a": 1, "b": null}"#, true);
    }
}
