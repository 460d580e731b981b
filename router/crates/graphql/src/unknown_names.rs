//! The names in a document that the schema does not have, with names that it has and that may be meant. Knows nothing of errors but
//! where they are.

use ahash::{AHashMap, AHashSet};
use apollo_compiler::ast::{self, Definition, Selection, Type, Value};
use apollo_compiler::parser::{SourceMap, SourceSpan};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::{Name, Node, Schema};

use crate::error::Location;
use crate::schema::fields_of;
use crate::suggest::did_you_mean;

/// For each of these places at which a name is unknown, ` Did you mean "x"?`.
pub(crate) fn suggest(
    schema: &Schema,
    document: &ast::Document,
    places: AHashSet<Location>,
) -> AHashMap<Location, String> {
    let mut walk = Walk { schema, document, places, found: AHashMap::new() };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    walk.variable(variable);
                }
                if let Some(root) = schema.root_operation(operation.operation_type) {
                    walk.selections(root, &operation.selection_set);
                }
            }
            Definition::FragmentDefinition(fragment) => {
                walk.type_condition(&fragment.type_condition);
                walk.selections(&fragment.type_condition, &fragment.selection_set);
            }
            _ => {}
        }
    }
    walk.found
}

struct Walk<'a> {
    schema: &'a Schema,
    document: &'a ast::Document,
    places: AHashSet<Location>,
    found: AHashMap<Location, String>,
}

impl<'a> Walk<'a> {
    /// `given` at `span` is unknown; `known` are the names that could stand there.
    fn unknown(&mut self, span: Option<SourceSpan>, given: &str, known: impl Iterator<Item = &'a str>) {
        if let Some(at) = location(span, &self.document.sources)
            && self.places.contains(&at)
        {
            let suggestion = did_you_mean(given, known.filter(|name| !name.starts_with("__")));
            self.found.entry(at).or_insert(suggestion);
        }
    }

    /// Recursive as deep as the grammar, which parsing bounds.
    fn selections(&mut self, parent: &str, selections: &'a [Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => self.field(parent, field),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_ref();
                    if let Some(condition) = condition {
                        self.type_condition(condition);
                    }
                    self.selections(condition.map_or(parent, |condition| condition), &fragment.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = self.document.definitions.iter().filter_map(|definition| match definition {
                        Definition::FragmentDefinition(fragment) => Some(fragment.name.as_str()),
                        _ => None,
                    });
                    let name = &spread.fragment_name;
                    if !fragments.clone().any(|known| known == name.as_str()) {
                        self.unknown(spread.location(), name, fragments);
                    }
                }
            }
        }
    }

    fn field(&mut self, parent: &str, field: &'a Node<ast::Field>) {
        let schema = self.schema;
        let Ok(definition) = schema.type_field(parent, &field.name) else {
            let Some(known) = schema.types.get(parent).and_then(fields_of) else { return };
            return self.unknown(field.name.location(), &field.name, known.keys().map(Name::as_str));
        };
        self.arguments(definition, &field.arguments);
        self.selections(definition.ty.inner_named_type(), field.selection_set.as_deref().unwrap_or_default());
    }

    fn arguments(&mut self, definition: &'a FieldDefinition, arguments: &'a [Node<ast::Argument>]) {
        for argument in arguments {
            match definition.argument_by_name(&argument.name) {
                Some(known) => self.value(&known.ty, &argument.value),
                None => {
                    let known = definition.arguments.iter().map(|argument| argument.name.as_str());
                    self.unknown(argument.location(), &argument.name, known);
                }
            }
        }
    }

    fn variable(&mut self, variable: &'a Node<ast::VariableDefinition>) {
        let name = variable.ty.inner_named_type();
        if !self.schema.types.contains_key(name) {
            let inputs = self.schema.types.iter().filter(|(_, ty)| ty.is_input_type());
            self.unknown(variable.location(), name, inputs.map(|(name, _)| name.as_str()));
        }
        if let Some(default) = &variable.default_value {
            self.value(&variable.ty, default);
        }
    }

    fn type_condition(&mut self, name: &'a Name) {
        if !self.schema.types.contains_key(name) {
            let is_composite = |ty: &ExtendedType| ty.is_object() || ty.is_interface() || ty.is_union();
            let composites = self.schema.types.iter().filter(move |(_, ty)| is_composite(ty));
            self.unknown(name.location(), name, composites.map(|(name, _)| name.as_str()));
        }
    }

    fn value(&mut self, ty: &Type, value: &'a Node<Value>) {
        match value.as_ref() {
            Value::List(items) => items.iter().for_each(|item| self.value(ty.item_type(), item)),
            Value::Enum(given) => {
                if let Some(ExtendedType::Enum(definition)) = self.schema.types.get(ty.inner_named_type())
                    && !definition.values.contains_key(given)
                {
                    self.unknown(value.location(), given, definition.values.keys().map(Name::as_str));
                }
            }
            Value::Object(fields) => {
                let Some(ExtendedType::InputObject(input)) = self.schema.types.get(ty.inner_named_type()) else {
                    return;
                };
                for (name, value) in fields {
                    match input.fields.get(name) {
                        Some(known) => self.value(&known.ty, value),
                        None => self.unknown(value.location(), name, input.fields.keys().map(Name::as_str)),
                    }
                }
            }
            _ => {}
        }
    }
}

/// The place in the client's document.
pub(crate) fn location(span: Option<SourceSpan>, sources: &SourceMap) -> Option<Location> {
    let at = span?.line_column(sources)?;
    Some(Location { line: at.line, column: at.column })
}
