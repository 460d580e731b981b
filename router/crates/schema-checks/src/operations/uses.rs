//! The coordinates that an operation uses. Values of variables are unknown, so a variable uses all that its type can hold.
//!
//! Besides coordinates of the specification there are two marks: `query!` (and the other kinds) for any operation of that
//! kind, and `Type received` for an enum in a response.

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::executable::{
    Argument, DirectiveList, ExecutableDocument, Fragment, Operation, Selection, SelectionSet,
};
use braid_graphql::compiler::schema::{ExtendedType, Implementers, InputValueDefinition};
use braid_graphql::{Name, Node, Value};

/// What of a schema the operations of one check are looked up in.
pub(crate) struct SchemaUse<'a> {
    schema: &'a Schema,
    implementers: AHashMap<Name, Implementers>,
}

impl<'a> SchemaUse<'a> {
    pub(crate) fn new(schema: &'a Schema) -> Self {
        Self { schema, implementers: schema.implementers_map().into_iter().collect() }
    }

    /// All coordinates that a document, valid against the schema, uses.
    pub(crate) fn of(&self, document: &ExecutableDocument) -> AHashSet<String> {
        let mut collector = Collector { context: self, used: AHashSet::new(), inputs: AHashSet::new() };
        document.operations.iter().for_each(|operation| collector.operation(operation));
        document.fragments.values().for_each(|fragment| collector.fragment(fragment));
        collector.used
    }
}

impl SchemaUse<'_> {
    /// Adds the fields of implementations that interfaces' fields among `used` stand for.
    pub(super) fn add_implementations(&self, used: &mut AHashSet<String>) {
        let of_interfaces = used.iter().filter_map(|coordinate| {
            let (ty, field) = coordinate.split_once('.')?;
            Some((self.implementers.get(ty)?, field.to_owned()))
        });
        let added: Vec<_> = of_interfaces
            .flat_map(|(all, field)| all.objects.iter().chain(&all.interfaces).map(move |ty| format!("{ty}.{field}")))
            .collect();
        used.extend(added);
    }

    /// Whether a field is used because one of an interface is that its type implements.
    pub(crate) fn is_used_through_interface(&self, coordinate: &str, is_used: &dyn Fn(&str) -> bool) -> bool {
        let Some((ty, field)) = coordinate.split_once('.') else { return false };
        let interfaces = match self.schema.types.get(ty) {
            Some(ExtendedType::Object(object)) => &object.implements_interfaces,
            Some(ExtendedType::Interface(interface)) => &interface.implements_interfaces,
            _ => return false,
        };
        interfaces.iter().any(|interface| is_used(&format!("{interface}.{field}")))
    }
}

struct Collector<'a> {
    context: &'a SchemaUse<'a>,
    used: AHashSet<String>,
    /// Types that a variable was seen to hold.
    inputs: AHashSet<Name>,
}

impl Collector<'_> {
    fn operation(&mut self, operation: &Operation) {
        self.used.insert(format!("{}!", operation.operation_type.name()));
        self.directives(&operation.directives);
        for variable in &operation.variables {
            self.whole_input(variable.ty.inner_named_type());
            self.directives(&variable.directives);
        }
        self.selections(&operation.selection_set);
    }

    fn fragment(&mut self, fragment: &Fragment) {
        self.directives(&fragment.directives);
        self.selections(&fragment.selection_set);
    }

    fn selections(&mut self, set: &SelectionSet) {
        self.used.insert(set.ty.to_string());
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.field(&set.ty, &field.name, &field.arguments);
                    field.selection_set.iter().for_each(|set| self.selections(set));
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                // Reached through the document.
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &Name, name: &Name, arguments: &[Node<Argument>]) {
        let Ok(definition) = self.context.schema.type_field(parent, name) else { return };
        let coordinate = format!("{parent}.{name}");
        for argument in arguments {
            if let Some(expected) = definition.argument_by_name(&argument.name) {
                self.value(expected.ty.inner_named_type(), &argument.value);
            }
            self.used.insert(format!("{coordinate}({}:)", argument.name));
        }
        self.used.insert(coordinate);
        let inner = definition.ty.inner_named_type();
        self.used.insert(inner.to_string());
        if self.context.schema.get_enum(inner).is_some() {
            self.used.insert(format!("{inner} received"));
        }
        // What an interface's field returns is what its implementations return.
        if let Some(implementers) = self.context.implementers.get(parent) {
            for ty in implementers.objects.iter().chain(&implementers.interfaces) {
                self.used.insert(format!("{ty}.{name}"));
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives.iter() {
            self.used.insert(format!("@{}", directive.name));
            let definition = self.context.schema.directive_definitions.get(&directive.name);
            for argument in &directive.arguments {
                self.used.insert(format!("@{}({}:)", directive.name, argument.name));
                let expected = definition.and_then(|definition| definition.argument_by_name(&argument.name));
                if let Some(expected) = expected {
                    self.value(expected.ty.inner_named_type(), &argument.value);
                }
            }
        }
    }

    /// A literal where a value of type `ty` is expected, below any lists.
    fn value(&mut self, ty: &Name, value: &Value) {
        match value {
            Value::List(items) => items.iter().for_each(|item| self.value(ty, item)),
            Value::Enum(name) => {
                self.used.insert(format!("{ty}.{name}"));
                self.used.insert(ty.to_string());
            }
            Value::Object(fields) => {
                self.used.insert(ty.to_string());
                let Some(input) = self.context.schema.get_input_object(ty) else { return };
                for (name, value) in fields {
                    self.used.insert(format!("{ty}.{name}"));
                    if let Some(field) = input.fields.get(name) {
                        self.value(field.ty.inner_named_type(), value);
                    }
                }
                // Fields that are left out take their defaults.
                input.fields.values().for_each(|field| self.default(field));
            }
            _ => {
                self.used.insert(ty.to_string());
            }
        }
    }

    fn default(&mut self, field: &InputValueDefinition) {
        let ty = field.ty.inner_named_type();
        if let (Some(value), true) = (&field.default_value, self.context.schema.get_enum(ty).is_some()) {
            self.value(ty, value);
        }
    }

    /// Anything that a variable of the type can hold.
    fn whole_input(&mut self, ty: &Name) {
        let mut todo = vec![ty.clone()];
        while let Some(ty) = todo.pop() {
            if !self.inputs.insert(ty.clone()) {
                continue;
            }
            self.used.insert(ty.to_string());
            match self.context.schema.types.get(&ty) {
                Some(ExtendedType::Enum(definition)) => {
                    self.used.extend(definition.values.keys().map(|value| format!("{ty}.{value}")));
                }
                Some(ExtendedType::InputObject(input)) => {
                    self.used.extend(input.fields.keys().map(|field| format!("{ty}.{field}")));
                    todo.extend(input.fields.values().map(|field| field.ty.inner_named_type().clone()));
                }
                _ => {}
            }
        }
    }
}
