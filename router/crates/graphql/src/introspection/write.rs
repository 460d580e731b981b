//! Writes the objects of the introspection schema. Knows nothing of how selections were read.

use std::time::Instant;

use ahash::AHashMap;
use apollo_compiler::ast::{DirectiveDefinition, Type};
use apollo_compiler::schema::{
    DirectiveList, EnumValueDefinition, ExtendedType, FieldDefinition, InputValueDefinition,
};
use apollo_compiler::{Name, Node};

use super::context::{Context, IntrospectionError};
use super::select::Selected;
use crate::view::FieldNumber;

/// An object of the introspection schema.
pub(super) enum Meta<'a> {
    Schema,
    Named(&'a ExtendedType),
    /// A list or non-null type.
    Wrapped(Type),
    Field(FieldNumber, &'a FieldDefinition),
    Input(&'a InputValueDefinition),
    EnumValue(&'a EnumValueDefinition),
    Directive(&'a DirectiveDefinition),
}

impl Meta<'_> {
    fn typename(&self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Named(_) | Self::Wrapped(_) => "__Type",
            Self::Field(..) => "__Field",
            Self::Input(_) => "__InputValue",
            Self::EnumValue(_) => "__EnumValue",
            Self::Directive(_) => "__Directive",
        }
    }
}

pub(super) struct Writer<'a> {
    context: Context<'a>,
    /// The objects of each interface, once someone asks.
    implementers: AHashMap<&'a Name, Vec<&'a ExtendedType>>,
    /// How many objects and items were looked at since the clock was.
    steps: usize,
    pub(super) out: Vec<u8>,
}

pub(super) type Written = Result<(), IntrospectionError>;

/// How many steps are made between two looks at the clock.
const STEPS: usize = 4096;

impl<'a> Writer<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        Self { context, implementers: AHashMap::new(), steps: 0, out: Vec::new() }
    }

    /// Writes an object. Recursive as deep as operations are.
    pub(super) fn object(&mut self, selected: &[Selected], meta: &Meta<'a>) -> Written {
        self.step(1)?;
        if selected.is_empty() {
            self.out.push(b'{');
        }
        for field in selected {
            self.out.extend_from_slice(field.prefix.as_bytes());
            match (meta, field.name) {
                (_, "__typename") => self.string(meta.typename()),
                (Meta::Schema, _) => self.schema_field(field)?,
                (Meta::Named(ty), _) => self.type_field(field, ty)?,
                (Meta::Wrapped(ty), _) => self.wrapped_field(field, ty)?,
                (Meta::Field(number, definition), _) => self.field_field(field, *number, definition)?,
                (Meta::Input(definition), _) => self.input_field(field, definition)?,
                (Meta::EnumValue(definition), _) => match field.name {
                    "name" => self.string(&definition.value),
                    _ => self.described(field.name, definition.description.as_deref(), &definition.directives),
                },
                (Meta::Directive(definition), _) => self.directive_field(field, definition)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// So many objects or items are looked at: whether there is room and time for it.
    fn step(&mut self, count: usize) -> Written {
        if self.out.len() > self.context.max_bytes {
            return Err(IntrospectionError::TooLarge);
        }
        self.steps += count;
        if self.steps >= STEPS {
            self.steps = 0;
            if self.context.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(IntrospectionError::TooSlow);
            }
        }
        Ok(())
    }

    fn schema_field(&mut self, field: &Selected) -> Written {
        let api = self.context.api;
        let (schema, definition) = (api.schema(), &api.schema().schema_definition);
        let root = match field.name {
            "description" => {
                self.optional_string(definition.description.as_deref());
                return Ok(());
            }
            "types" => return self.list(field, api.types().map(Meta::Named)),
            "directives" => {
                let directives = schema.directive_definitions.values();
                return self.list(field, directives.map(|definition| Meta::Directive(definition)));
            }
            "queryType" => &definition.query,
            "mutationType" => &definition.mutation,
            _ => &definition.subscription,
        };
        match root.as_ref().and_then(|name| api.ty(name)) {
            Some(ty) => self.object(&field.below, &Meta::Named(ty)),
            None => self.null(),
        }
    }

    fn type_field(&mut self, field: &Selected, ty: &'a ExtendedType) -> Written {
        let deprecated = field.include_deprecated;
        match (field.name, ty) {
            ("kind", _) => self.string(kind(ty)),
            ("name", _) => self.string(ty.name()),
            ("description", _) => self.optional_string(ty.description().map(|text| text.as_ref())),
            ("specifiedByURL", ExtendedType::Scalar(scalar)) => {
                let url = scalar
                    .directives
                    .get("specifiedBy")
                    .and_then(|directive| directive.specified_argument_by_name("url").and_then(|value| value.as_str()));
                self.optional_string(url);
            }
            ("fields", ExtendedType::Object(object)) => return self.fields(field, object.fields.len(), ty),
            ("fields", ExtendedType::Interface(interface)) => return self.fields(field, interface.fields.len(), ty),
            ("interfaces", ExtendedType::Object(object)) => {
                return self.named(field, object.implements_interfaces.iter());
            }
            ("interfaces", ExtendedType::Interface(interface)) => {
                return self.named(field, interface.implements_interfaces.iter());
            }
            ("possibleTypes", ExtendedType::Union(union)) => return self.named(field, union.members.iter()),
            ("possibleTypes", ExtendedType::Interface(interface)) => {
                let objects = self.implementers(&interface.name);
                return self.list(field, objects.into_iter().map(Meta::Named));
            }
            ("enumValues", ExtendedType::Enum(definition)) => {
                self.step(definition.values.len())?;
                let values =
                    self.context.api.values(definition).filter(|value| deprecated || !is_deprecated(&value.directives));
                return self.list(field, values.map(|value| Meta::EnumValue(value)));
            }
            ("inputFields", ExtendedType::InputObject(input)) => {
                self.step(input.fields.len())?;
                let fields = self
                    .context
                    .api
                    .input_fields(input)
                    .filter(|field| deprecated || !is_deprecated(&field.directives));
                return self.list(field, fields.map(|field| Meta::Input(field)));
            }
            ("isOneOf", ExtendedType::InputObject(input)) => self.boolean(input.is_one_of()),
            _ => return self.null(),
        }
        Ok(())
    }

    fn wrapped_field(&mut self, field: &Selected, ty: &Type) -> Written {
        match field.name {
            "kind" => self.string(if ty.is_non_null() { "NON_NULL" } else { "LIST" }),
            "ofType" => {
                let inner = match ty {
                    Type::NonNullNamed(name) => Type::Named(name.clone()),
                    Type::NonNullList(item) => Type::List(item.clone()),
                    Type::List(item) => (**item).clone(),
                    Type::Named(_) => return self.null(),
                };
                return self.ty(field, &inner);
            }
            _ => return self.null(),
        }
        Ok(())
    }

    fn ty(&mut self, field: &Selected, ty: &Type) -> Written {
        let context = self.context;
        match ty {
            Type::Named(name) => match context.api.ty(name) {
                Some(ty) => self.object(&field.below, &Meta::Named(ty)),
                None => self.null(),
            },
            wrapped => self.object(&field.below, &Meta::Wrapped(wrapped.clone())),
        }
    }

    fn field_field(&mut self, field: &Selected, number: FieldNumber, definition: &'a FieldDefinition) -> Written {
        match field.name {
            "name" => self.string(&definition.name),
            "args" => return self.inputs(field, Some(number), &definition.arguments),
            "type" => return self.ty(field, &definition.ty),
            _ => self.described(field.name, definition.description.as_deref(), &definition.directives),
        }
        Ok(())
    }

    fn input_field(&mut self, field: &Selected, definition: &'a InputValueDefinition) -> Written {
        match field.name {
            "name" => self.string(&definition.name),
            "type" => return self.ty(field, &definition.ty),
            "defaultValue" => {
                let default = definition.default_value.as_ref().map(|value| value.serialize().no_indent().to_string());
                self.optional_string(default.as_deref());
            }
            _ => self.described(field.name, definition.description.as_deref(), &definition.directives),
        }
        Ok(())
    }

    fn directive_field(&mut self, field: &Selected, definition: &'a DirectiveDefinition) -> Written {
        match field.name {
            "name" => self.string(&definition.name),
            "description" => self.optional_string(definition.description.as_deref()),
            "isRepeatable" => self.boolean(definition.repeatable),
            "args" => return self.inputs(field, None, &definition.arguments),
            "locations" => {
                for (at, location) in definition.locations.iter().enumerate() {
                    self.out.push(if at == 0 { b'[' } else { b',' });
                    self.string(location.name());
                }
                self.out.extend_from_slice(if definition.locations.is_empty() { b"[]" } else { b"]" });
            }
            _ => return self.null(),
        }
        Ok(())
    }

    fn described(&mut self, name: &str, description: Option<&str>, directives: &DirectiveList) {
        match name {
            "description" => self.optional_string(description),
            "isDeprecated" => self.boolean(is_deprecated(directives)),
            _ => {
                let reason = directives.get("deprecated").map(|directive| {
                    let given = directive.specified_argument_by_name("reason").and_then(|value| value.as_str());
                    given.unwrap_or("No longer supported")
                });
                self.optional_string(reason);
            }
        }
    }

    fn fields(&mut self, field: &Selected, count: usize, ty: &'a ExtendedType) -> Written {
        self.step(count)?;
        let shown = self.context.api.fields(ty).filter(|(_, definition)| {
            !definition.name.starts_with("__") && (field.include_deprecated || !is_deprecated(&definition.directives))
        });
        self.list(field, shown.map(|(number, definition)| Meta::Field(number, definition)))
    }

    /// The arguments of a field or directive.
    fn inputs(
        &mut self,
        field: &Selected,
        number: Option<FieldNumber>,
        inputs: &'a [Node<InputValueDefinition>],
    ) -> Written {
        self.step(inputs.len())?;
        let shown = self
            .context
            .api
            .arguments(number, inputs)
            .filter(|input| field.include_deprecated || !is_deprecated(&input.directives));
        self.list(field, shown.map(|input| Meta::Input(input)))
    }

    fn named(&mut self, field: &Selected, names: impl Iterator<Item = &'a Node<Name>>) -> Written {
        let context = self.context;
        self.list(field, names.filter_map(|name| context.api.ty(name)).map(Meta::Named))
    }

    fn implementers(&mut self, interface: &Name) -> Vec<&'a ExtendedType> {
        if self.implementers.is_empty() {
            for ty in self.context.api.types() {
                if let ExtendedType::Object(object) = ty {
                    for interface in &object.implements_interfaces {
                        self.implementers.entry(interface).or_default().push(ty);
                    }
                }
            }
        }
        self.implementers.get(interface).cloned().unwrap_or_default()
    }

    fn list(&mut self, field: &Selected, items: impl Iterator<Item = Meta<'a>>) -> Written {
        self.out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.object(&field.below, &item)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn string(&mut self, text: &str) {
        // Writing a string to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    fn optional_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn null(&mut self) -> Written {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
}

fn is_deprecated(directives: &DirectiveList) -> bool {
    directives.has("deprecated")
}

fn kind(ty: &ExtendedType) -> &'static str {
    match ty {
        ExtendedType::Scalar(_) => "SCALAR",
        ExtendedType::Object(_) => "OBJECT",
        ExtendedType::Interface(_) => "INTERFACE",
        ExtendedType::Union(_) => "UNION",
        ExtendedType::Enum(_) => "ENUM",
        ExtendedType::InputObject(_) => "INPUT_OBJECT",
    }
}
