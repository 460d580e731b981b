//! Introspection (<https://spec.graphql.org/September2025/#sec-Introspection>): the selections of `__schema` and `__type` executed over
//! a schema. Knows nothing of other fields.

use std::borrow::Cow;
use std::sync::LazyLock;

use ahash::AHashMap;
use apollo_compiler::ast::{Argument, DirectiveDefinition, Type, Value, VariableDefinition};
use apollo_compiler::schema::{
    DirectiveList, EnumValueDefinition, ExtendedType, FieldDefinition, InputValueDefinition,
};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use crate::operation::{Field, FieldRef, SelectionSet};
use crate::schema::{Schema, TypeId};
use crate::variables::Variables;

/// The introspection types by themselves. In an operation, the types and fields below `__schema` and `__type` are of this schema.
static SCHEMA: LazyLock<Option<Schema>> = LazyLock::new(|| {
    let source = apollo_compiler::Schema::builder().build().unwrap_or_else(|partial| partial.partial);
    Schema::new(&source).ok()
});

/// The type of a meta-field, in the schema of the introspection types.
pub(crate) fn meta_type(field: FieldRef) -> Option<(&'static Schema, TypeId)> {
    let schema = SCHEMA.as_ref()?;
    let name = match field {
        FieldRef::IntrospectSchema => "__Schema",
        FieldRef::IntrospectType => "__Type",
        _ => return None,
    };
    Some((schema, schema.type_named(name)?))
}

/// What a selection is executed over.
pub struct Context<'a> {
    /// The schema that is shown.
    pub schema: &'a Valid<apollo_compiler::Schema>,
    /// The values of the operation's variables.
    pub variables: &'a Variables,
    /// The number of a variable.
    pub number: &'a dyn Fn(&str) -> Option<usize>,
    /// The operation's variables.
    pub definitions: &'a [Node<VariableDefinition>],
    /// The most bytes of the answer.
    pub max_bytes: usize,
}

/// The answer is larger than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the introspection answer is too large; select less of it")]
pub struct TooLarge;

/// Executes the selections of one `__schema` or, with `is_type`, one `__type` field. `selection_sets` are those of all fields that
/// merge into it.
pub fn introspect(
    context: &Context<'_>,
    is_type: bool,
    arguments: &[Node<Argument>],
    selection_sets: &[SelectionSet],
) -> Result<Vec<u8>, TooLarge> {
    let selected = select(context, &selection_sets.iter().collect::<Vec<_>>());
    let mut writer = Writer { context, implementers: AHashMap::new(), out: Vec::new() };
    if !is_type {
        writer.object(&selected, &Meta::Schema)?;
        return Ok(writer.out);
    }
    let name = argument(context, arguments, "name").and_then(|value| match value {
        Cow::Borrowed(Value::String(name)) => Some(name.clone()),
        Cow::Owned(Value::String(name)) => Some(name),
        _ => None,
    });
    match name.and_then(|name| context.schema.types.get(name.as_str())) {
        Some(ty) => writer.object(&selected, &Meta::Named(ty))?,
        None => writer.out.extend_from_slice(b"null"),
    }
    Ok(writer.out)
}

/// A field with everything resolved that does not depend on the object.
struct Selected {
    /// `{"key":` or `,"key":`
    prefix: String,
    name: &'static str,
    include_deprecated: bool,
    below: Vec<Selected>,
}

/// Recursive as deep as operations are, which normalization bounds.
fn select(context: &Context<'_>, selection_sets: &[&SelectionSet]) -> Vec<Selected> {
    let holds =
        |name: &Name| (context.number)(name).and_then(|number| context.variables.boolean(number)).unwrap_or(false);
    let mut grouped: IndexMap<&Name, Vec<&Field>> = IndexMap::new();
    for field in selection_sets.iter().flat_map(|set| &set.fields).filter(|field| field.condition.holds(holds)) {
        grouped.entry(&field.response_key).or_default().push(field);
    }
    let selected = |(at, (key, fields)): (usize, (&Name, Vec<&Field>))| {
        let below: Vec<_> = fields.iter().filter_map(|field| field.selection_set.as_ref()).collect();
        let include = argument(context, &fields[0].arguments, "includeDeprecated");
        Selected {
            prefix: format!("{}\"{key}\":", if at == 0 { '{' } else { ',' }),
            name: name_of(fields[0].definition),
            include_deprecated: matches!(include.as_deref(), Some(Value::Boolean(true))),
            below: select(context, &below),
        }
    };
    grouped.into_iter().enumerate().map(selected).collect()
}

fn name_of(field: FieldRef) -> &'static str {
    match (field.id(), SCHEMA.as_ref()) {
        (Some(id), Some(schema)) => schema.field(id).name.as_str(),
        _ => "__typename",
    }
}

fn argument<'a>(context: &Context<'a>, arguments: &'a [Node<Argument>], name: &str) -> Option<Cow<'a, Value>> {
    let value = &arguments.iter().find(|argument| argument.name == name)?.value;
    let Value::Variable(variable) = value.as_ref() else { return Some(Cow::Borrowed(value)) };
    let number = (context.number)(variable)?;
    match context.variables.raw(number) {
        Some("true") => Some(Cow::Owned(Value::Boolean(true))),
        Some(raw) => serde_json::from_str(raw).ok().map(|text| Cow::Owned(Value::String(text))),
        None => context.definitions.get(number)?.default_value.as_ref().map(|default| Cow::Borrowed(default.as_ref())),
    }
}

/// An object of the introspection schema.
enum Meta<'a> {
    Schema,
    Named(&'a ExtendedType),
    /// A list or non-null type.
    Wrapped(Type),
    Field(&'a FieldDefinition),
    Input(&'a InputValueDefinition),
    EnumValue(&'a EnumValueDefinition),
    Directive(&'a DirectiveDefinition),
}

impl Meta<'_> {
    fn typename(&self) -> &'static str {
        match self {
            Self::Schema => "__Schema",
            Self::Named(_) | Self::Wrapped(_) => "__Type",
            Self::Field(_) => "__Field",
            Self::Input(_) => "__InputValue",
            Self::EnumValue(_) => "__EnumValue",
            Self::Directive(_) => "__Directive",
        }
    }
}

struct Writer<'a> {
    context: &'a Context<'a>,
    /// The objects of each interface, once someone asks.
    implementers: AHashMap<&'a Name, Vec<&'a ExtendedType>>,
    out: Vec<u8>,
}

type Written = Result<(), TooLarge>;

impl<'a> Writer<'a> {
    fn object(&mut self, selected: &[Selected], meta: &Meta<'a>) -> Written {
        if self.out.len() > self.context.max_bytes {
            return Err(TooLarge);
        }
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
                (Meta::Field(definition), _) => self.field_field(field, definition)?,
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

    fn schema_field(&mut self, field: &Selected) -> Written {
        let schema = self.context.schema;
        let definition = &schema.schema_definition;
        let root = match field.name {
            "description" => {
                self.optional_string(definition.description.as_deref());
                return Ok(());
            }
            "types" => return self.list(field, schema.types.values().map(Meta::Named)),
            "directives" => {
                let directives = schema.directive_definitions.values();
                return self.list(field, directives.map(|definition| Meta::Directive(definition)));
            }
            "queryType" => &definition.query,
            "mutationType" => &definition.mutation,
            _ => &definition.subscription,
        };
        match root.as_ref().and_then(|name| schema.types.get(name.as_str())) {
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
            ("fields", ExtendedType::Object(object)) => return self.fields(field, object.fields.values()),
            ("fields", ExtendedType::Interface(interface)) => return self.fields(field, interface.fields.values()),
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
                let values = definition.values.values().filter(|value| deprecated || !is_deprecated(&value.directives));
                return self.list(field, values.map(|value| Meta::EnumValue(value)));
            }
            ("inputFields", ExtendedType::InputObject(input)) => {
                let fields = input.fields.values().filter(|field| deprecated || !is_deprecated(&field.directives));
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
            Type::Named(name) => match context.schema.types.get(name) {
                Some(ty) => self.object(&field.below, &Meta::Named(ty)),
                None => self.null(),
            },
            wrapped => self.object(&field.below, &Meta::Wrapped(wrapped.clone())),
        }
    }

    fn field_field(&mut self, field: &Selected, definition: &'a FieldDefinition) -> Written {
        match field.name {
            "name" => self.string(&definition.name),
            "args" => return self.inputs(field, &definition.arguments),
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
            "args" => return self.inputs(field, &definition.arguments),
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

    fn fields(&mut self, field: &Selected, fields: impl Iterator<Item = &'a Node<FieldDefinition>>) -> Written {
        let shown = fields.filter(|definition| {
            !definition.name.starts_with("__") && (field.include_deprecated || !is_deprecated(&definition.directives))
        });
        self.list(field, shown.map(|definition| Meta::Field(definition)))
    }

    fn inputs(&mut self, field: &Selected, inputs: &'a [Node<InputValueDefinition>]) -> Written {
        let shown = inputs.iter().filter(|input| field.include_deprecated || !is_deprecated(&input.directives));
        self.list(field, shown.map(|input| Meta::Input(input)))
    }

    fn named(&mut self, field: &Selected, names: impl Iterator<Item = &'a Node<Name>>) -> Written {
        let context = self.context;
        self.list(field, names.filter_map(|name| context.schema.types.get(name.as_str())).map(Meta::Named))
    }

    fn implementers(&mut self, interface: &Name) -> Vec<&'a ExtendedType> {
        if self.implementers.is_empty() {
            for ty in self.context.schema.types.values() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{NormalizeLimits, normalize};
    use crate::variables::coerce_variables;
    use apollo_compiler::ExecutableDocument;

    const SCHEMA: &str = r#"
        """about "it" """ schema { query: Q mutation: M }
        "does" directive @do(a: Int = 1, b: In = {x: "y"} @deprecated) repeatable on FIELD | QUERY
        scalar Url @specifiedBy(url: "https://x.y")
        interface Node { id: ID! }
        interface Named implements Node { id: ID! name(long: Boolean = false, old: Int @deprecated(reason: "no")): String }
        "an object" type Q implements Named & Node { id: ID! name(long: Boolean = false, old: Int @deprecated(reason: "no")): String gone: [Url!]! @deprecated color: Color u: U }
        type M implements Node { id: ID! }
        union U = Q | M
        enum Color { RED "b" BLUE @deprecated(reason: "ugly") }
        input In { x: String = "q\"" y: [Int!] = [1, 2] z: Int @deprecated }
        input One @oneOf { a: Int b: String }
        type Extra { f(in: In, one: One): Int }
    "#;

    /// Everything there is, to a depth.
    fn everything() -> String {
        let mut ty = "kind name".to_owned();
        for _ in 0..3 {
            ty = format!("kind name ofType {{ {ty} }}");
        }
        let input = format!("name description defaultValue isDeprecated deprecationReason type {{ {ty} }}");
        let fields = format!(
            "name description isDeprecated deprecationReason args(includeDeprecated: $d) {{ {input} }} type {{ {ty} __typename }}"
        );
        let values = "name description isDeprecated deprecationReason";
        format!(
            "query($d: Boolean = true, $n: String! = \"Named\", $off: Boolean! = false) {{
               __schema {{
                 description queryType {{ name }} mutationType {{ ...T }} subscriptionType {{ name }}
                 types {{ ...T }}
                 directives {{ name description isRepeatable locations args(includeDeprecated: $d) {{ {input} }} }}
               }}
               __type(name: $n) {{ name possibleTypes {{ name }} name @include(if: $off) other: name }}
             }}
             fragment T on __Type {{
               kind name description specifiedByURL isOneOf fields(includeDeprecated: $d) {{ {fields} }} shown: fields {{ name }}
               interfaces {{ name }} possibleTypes {{ name }} enumValues(includeDeprecated: $d) {{ {values} }} seen: enumValues {{ name }}
               inputFields(includeDeprecated: $d) {{ {input} }} ofType {{ name }}
             }}"
        )
    }

    /// The parser's library executes introspection too.
    #[test]
    fn agrees_with_another_implementation() {
        let schema = apollo_compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, everything(), "op.graphql").unwrap();
        let operation = document.operations.get(None).unwrap();
        let values = apollo_compiler::request::coerce_variable_values(&schema, operation, &Default::default()).unwrap();
        let implementers = schema.implementers_map();
        let theirs =
            apollo_compiler::introspection::partial_execute(&schema, &implementers, &document, operation, &values);
        let theirs = serde_json::to_value(theirs.unwrap()).unwrap();

        let own = Schema::new(&schema).unwrap();
        let normal = normalize(&document, operation, &own, NormalizeLimits::default()).unwrap();
        let variables = coerce_variables(&schema, &normal.variables, None).unwrap();
        let number = |name: &str| normal.variables.iter().position(|variable| variable.name == *name);
        let context = Context {
            schema: &schema,
            variables: &variables,
            number: &number,
            definitions: &normal.variables,
            max_bytes: 1 << 20,
        };
        for field in &normal.selection_set.fields {
            let is_type = field.definition == FieldRef::IntrospectType;
            let sets: Vec<_> = field.selection_set.iter().cloned().collect();
            let ours = introspect(&context, is_type, &field.arguments, &sets).unwrap();
            let ours: serde_json::Value = serde_json::from_slice(&ours).unwrap();
            let theirs = &theirs["data"][field.response_key.as_str()];
            assert_eq!(serde_json::to_string_pretty(&ours).unwrap(), serde_json::to_string_pretty(theirs).unwrap());
        }
    }

    #[test]
    fn size_is_bounded() {
        let schema = apollo_compiler::Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let variables = Variables::default();
        let context =
            Context { schema: &schema, variables: &variables, number: &|_| None, definitions: &[], max_bytes: 1000 };
        let text = "{ __schema { types { fields { type { fields { name } } } } } }";
        let document = ExecutableDocument::parse_and_validate(&schema, text, "op.graphql").unwrap();
        let own = Schema::new(&schema).unwrap();
        let operation = document.operations.get(None).unwrap();
        let normal = normalize(&document, operation, &own, NormalizeLimits::default()).unwrap();
        let sets: Vec<_> = normal.selection_set.fields[0].selection_set.iter().cloned().collect();
        assert_eq!(introspect(&context, false, &[], &sets), Err(TooLarge));
    }
}
