//! *CoerceVariableValues* over raw JSON (<https://spec.graphql.org/draft/#CoerceVariableValues()>): values are checked
//! against the schema and kept as the client wrote them, byte for byte. Knows nothing of where they are used.
//!
//! What the specification lets a service fill in (defaults, a single value where a list is due) is left to the subgraph that
//! receives the value: it has the same types and does the same.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use apollo_compiler::ast::{Type, Value, VariableDefinition};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Name, Node};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::GraphQLError;
use crate::names::{SchemaNames, is_well_known};
use crate::view::ApiView;

/// The values of a request's variables do not fit their definitions.
pub const BAD_USER_INPUT: &str = "BAD_USER_INPUT";

/// The deepest nesting of lists and objects within one value.
const MAX_DEPTH: usize = 64;
/// At most this many errors of one request are reported.
const MAX_ERRORS: usize = 20;

/// The values of an operation's variables, in the order of their definitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    text: String,
    values: Vec<Option<Range<usize>>>,
    booleans: Vec<Option<bool>>,
}

impl Variables {
    /// The JSON of the value as the client wrote it; `None` when the client gave none.
    pub fn raw(&self, index: usize) -> Option<&str> {
        self.values.get(index)?.clone().map(|range| &self.text[range])
    }

    /// All values, in the order of the definitions: equal for requests whose values are written in the same way.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        for index in 0..self.values.len() {
            // No JSON contains the separator, and none is empty.
            out.push_str(self.raw(index).unwrap_or_default());
            out.push('\0');
        }
        out
    }

    /// The value of a Boolean variable, from the client or by default.
    pub fn boolean(&self, index: usize) -> Option<bool> {
        self.booleans.get(index).copied().flatten()
    }
}

/// Checks the `variables` of a request (a JSON object, `null`, or absent) against the operation's definitions. Unknown variables
/// are left out, as the specification says. Each error names the variable and the path of the value in it; what the schema expects
/// there, only if `names` may be shown.
pub fn coerce_variables(
    api: ApiView<'_>,
    definitions: &[Node<VariableDefinition>],
    variables: Option<&RawValue>,
    names: SchemaNames,
) -> Result<Variables, Vec<GraphQLError>> {
    let text = variables.map_or("null", RawValue::get);
    let mut coercion = Coercion { api, names, declared: None, errors: Vec::new(), path: String::new() };
    let given = match text {
        "null" => Vec::new(),
        _ => object(text).map_err(|problem| {
            let message = match problem {
                NotAnObject::Duplicate(key) => format!("\"variables\" gives \"{key}\" twice."),
                NotAnObject::Other => format!("\"variables\" must be a JSON object, found {}.", kind_of(text)),
            };
            vec![GraphQLError::new(BAD_USER_INPUT, message)]
        })?,
    };
    let mut coerced = Variables::default();
    for definition in definitions {
        let value = given.iter().find(|(name, _)| name.as_ref() == definition.name.as_str()).map(|(_, raw)| raw.get());
        coercion.variable(definition, value);
        coerced.booleans.push(boolean(value, definition));
        coerced.values.push(value.map(|value| {
            let start = coerced.text.len();
            coerced.text.push_str(value);
            start..coerced.text.len()
        }));
    }
    if coercion.errors.is_empty() { Ok(coerced) } else { Err(coercion.errors) }
}

fn boolean(given: Option<&str>, definition: &VariableDefinition) -> Option<bool> {
    match given {
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => None,
        None => definition.default_value.as_ref().and_then(|default| match default.as_ref() {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }),
    }
}

struct Coercion<'a> {
    api: ApiView<'a>,
    names: SchemaNames,
    /// The named type of the variable at hand, which the client wrote.
    declared: Option<&'a Name>,
    errors: Vec<GraphQLError>,
    /// From the variable to the value at hand, as in `input.items[2].sku`.
    path: String,
}

impl<'a> Coercion<'a> {
    fn variable(&mut self, definition: &'a VariableDefinition, value: Option<&str>) {
        let name = &definition.name;
        self.declared = Some(definition.ty.inner_named_type());
        match value {
            None if definition.ty.is_non_null() && definition.default_value.is_none() => {
                self.report(format!("Variable \"${name}\" of required type \"{}\" was not provided.", definition.ty));
            }
            None => {}
            Some("null") if definition.ty.is_non_null() => {
                self.report(format!("Variable \"${name}\" of non-null type \"{}\" must not be null.", definition.ty));
            }
            Some(value) => {
                self.path.clear();
                self.path.push_str(name);
                self.value(&definition.ty, value, 0);
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &str, depth: usize) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        if depth > MAX_DEPTH {
            return self.invalid(format!("a value may not nest deeper than {MAX_DEPTH} levels"));
        }
        match ty {
            _ if value == "null" && ty.is_non_null() => self.expected(ty, value),
            _ if value == "null" => {}
            Type::List(item) | Type::NonNullList(item) if value.starts_with('[') => self.list(item, value, depth),
            Type::List(item) | Type::NonNullList(item) => self.value(item, value, depth + 1),
            Type::Named(name) | Type::NonNullNamed(name) => self.named(ty, name, value, depth),
        }
    }

    fn list(&mut self, item: &Type, value: &str, depth: usize) {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value) else { return self.invalid("not JSON".into()) };
        let length = self.path.len();
        for (index, value) in items.into_iter().enumerate() {
            let _ = write!(self.path, "[{index}]");
            self.value(item, value.get(), depth + 1);
            self.path.truncate(length);
        }
    }

    fn named(&mut self, ty: &Type, name: &str, value: &str, depth: usize) {
        let fits = match name {
            "Int" => is_int32(value),
            "Float" => is_number(value) && value.parse::<f64>().is_ok_and(f64::is_finite),
            "String" => value.starts_with('"'),
            "ID" => value.starts_with('"') || is_integer(value),
            "Boolean" => matches!(value, "true" | "false"),
            _ => match self.api.ty(name) {
                Some(ExtendedType::InputObject(input)) => return self.input_object(input, value, depth),
                Some(ExtendedType::Enum(definition)) => {
                    let known = string(value).is_some_and(|value| self.api.has_value(definition, &value));
                    if !known && self.names == SchemaNames::Shown {
                        let values: Vec<&str> = self.api.values(definition).map(|value| value.value.as_str()).collect();
                        return self.invalid(format!("expected one of {}, found {}", values.join(", "), shown(value)));
                    }
                    known
                }
                _ if nesting(value) + depth > MAX_DEPTH => {
                    return self.invalid(format!("a value may not nest deeper than {MAX_DEPTH} levels"));
                }
                _ => true,
            },
        };
        if !fits {
            self.expected(ty, value);
        }
    }

    fn input_object(&mut self, input: &'a InputObjectType, value: &str, depth: usize) {
        let given = match object(value) {
            Ok(given) => given,
            Err(NotAnObject::Duplicate(key)) => return self.invalid(format!("the field \"{key}\" is given twice")),
            Err(NotAnObject::Other) => {
                let expected = match self.may_name(&input.name) {
                    true => format!("an object of type {}", input.name),
                    false => "an object".to_owned(),
                };
                return self.invalid(format!("expected {expected}, found {}", shown(value)));
            }
        };
        let length = self.path.len();
        for (key, value) in &given {
            match self.api.input_field(input, key) {
                Some(field) => {
                    let _ = write!(self.path, ".{key}");
                    self.value(&field.ty, value.get(), depth + 1);
                    self.path.truncate(length);
                }
                None if self.may_name(&input.name) => self.invalid(format!("{} has no field \"{key}\"", input.name)),
                None => self.invalid(format!("there is no field \"{key}\"")),
            }
        }
        for field in self.api.input_fields(input) {
            let missing = field.is_required() && !given.iter().any(|(key, _)| key.as_ref() == field.name.as_str());
            match self.names {
                _ if !missing => {}
                SchemaNames::Shown => {
                    self.invalid(format!("the field \"{}\" of required type \"{}\" is missing", field.name, field.ty));
                }
                SchemaNames::Hidden => {
                    self.invalid("a required field is missing".to_owned());
                    break;
                }
            }
        }
        if input.is_one_of() && (given.len() != 1 || given[0].1.get() == "null") {
            let of = if self.may_name(&input.name) { format!(" of {}", input.name) } else { String::new() };
            self.invalid(format!("exactly one field{of} must be given, and it must not be null"));
        }
    }

    /// Whether the client wrote the name itself, or may learn it.
    fn may_name(&self, ty: &Name) -> bool {
        self.names == SchemaNames::Shown || self.declared == Some(ty) || is_well_known(ty)
    }

    fn expected(&mut self, ty: &Type, value: &str) {
        match self.may_name(ty.inner_named_type()) {
            true => self.invalid(format!("expected {ty}, found {}", shown(value))),
            false => self.invalid(format!("{} is not of the expected type", shown(value))),
        }
    }

    fn invalid(&mut self, problem: String) {
        let name = self.path.split_once(['.', '[']).map_or(&*self.path, |(name, _)| name);
        let at = if name.len() == self.path.len() { String::new() } else { format!(" at \"{}\"", self.path) };
        self.report(format!("Variable \"${name}\" got an invalid value{at}: {problem}."));
    }

    fn report(&mut self, message: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(GraphQLError::new(BAD_USER_INPUT, message));
        }
    }
}

fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_int32(value: &str) -> bool {
    is_integer(value) && value.parse::<i32>().is_ok()
}

fn is_number(value: &str) -> bool {
    value.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn kind_of(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a Boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The value for a message: short scalars as written, others by their kind.
fn shown(value: &str) -> Cow<'_, str> {
    match value.as_bytes().first() {
        Some(b'{' | b'[') => Cow::Borrowed(kind_of(value)),
        _ if value.len() > 60 => Cow::Owned(format!("{} of {} bytes", kind_of(value), value.len())),
        _ => Cow::Borrowed(value),
    }
}

/// The deepest nesting of lists and objects in valid JSON.
fn nesting(value: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in value.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn string(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix('"')?.strip_suffix('"')? {
        inner if inner.contains('\\') => serde_json::from_str(value).ok().map(Cow::Owned),
        inner => Some(Cow::Borrowed(inner)),
    }
}

enum NotAnObject {
    Duplicate(String),
    Other,
}

fn object(value: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, NotAnObject> {
    let Entries(entries) = serde_json::from_str(value).map_err(|_| NotAnObject::Other)?;
    let mut names: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(NotAnObject::Duplicate(pair[0].to_owned())),
        None => Ok(entries),
    }
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// `Cow<str>` alone always deserializes to an owned string.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::{ExecutableDocument, Schema};

    const SCHEMA: &str = "
        scalar JSON
        enum Color { RED GREEN }
        input Item { sku: ID! count: Int = 1 color: Color tags: [String!] }
        input Pick @oneOf { id: ID name: String }
        input Order { items: [Item!]! note: String }
        type Query { f(a: Int, b: Float, c: Boolean, d: [[Int]], e: Color, i: ID, o: Order, p: Pick, j: JSON): Int }
    ";

    fn check(definitions: &str, variables: &str, expected: &str) {
        check_with(SchemaNames::Shown, definitions, variables, expected);
    }

    fn check_with(names: SchemaNames, definitions: &str, variables: &str, expected: &str) {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let text = format!("query({definitions}) {{ f }}");
        let document = ExecutableDocument::parse(&schema, text, "op.graphql").unwrap();
        let operation = document.operations.get(None).unwrap();
        let raw = RawValue::from_string(variables.to_owned()).unwrap();
        let shown = match coerce_variables(ApiView::all(&schema), &operation.variables, Some(&raw), names) {
            Ok(values) => {
                (0..operation.variables.len()).map(|i| values.raw(i).unwrap_or("-")).collect::<Vec<_>>().join(" ")
            }
            Err(errors) => errors.iter().map(|e| e.message.as_str()).collect::<Vec<_>>().join("\n"),
        };
        assert_eq!(shown, expected, "{definitions} {variables}");
    }

    #[test]
    fn values_stay_as_written() {
        check(
            "$j: JSON",
            r#"{"j": {"n": 12345678901234567890123, "e": 1.50E+2}}"#,
            r#"{"n": 12345678901234567890123, "e": 1.50E+2}"#,
        );
        check(
            "$b: Float $i: ID $a: Int",
            r#"{"a":-0,"b":1e2,"i":12345678901234567890,"more":1}"#,
            "1e2 12345678901234567890 -0",
        );
        check("$a: Int = 5 $b: Float", "{}", "- -");
        check("$d: [[Int]]", r#"{"d": 1}"#, "1");
        check("$e: Color", r#"{"e":"\u0052ED"}"#, r#""\u0052ED""#);
        check("$o: Order", r#"{"o":{"items":{"sku":1}}}"#, r#"{"items":{"sku":1}}"#);
        check("$a: Int", "null", "-");
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        check("$a: Int!", "{}", "Variable \"$a\" of required type \"Int!\" was not provided.");
        check("$a: Int!", r#"{"a":null}"#, "Variable \"$a\" of non-null type \"Int!\" must not be null.");
        check(
            "$a: Int",
            r#"{"a":2147483648}"#,
            "Variable \"$a\" got an invalid value: expected Int, found 2147483648.",
        );
        check("$a: Int", r#"{"a":"1"}"#, "Variable \"$a\" got an invalid value: expected Int, found \"1\".");
        check("$b: Float", r#"{"b":1e999}"#, "Variable \"$b\" got an invalid value: expected Float, found 1e999.");
        check(
            "$d: [[Int]]",
            r#"{"d":[[1],[2,true]]}"#,
            "Variable \"$d\" got an invalid value at \"d[1][1]\": expected Int, found true.",
        );
        check(
            "$e: Color",
            r#"{"e":"BLUE"}"#,
            "Variable \"$e\" got an invalid value: expected one of RED, GREEN, found \"BLUE\".",
        );
        check(
            "$o: Order!",
            r#"{"o":{"items":[{"sku":"a","tags":["x",null],"size":1},{}]}}"#,
            "Variable \"$o\" got an invalid value at \"o.items[0].tags[1]\": expected String!, found null.\n\
             Variable \"$o\" got an invalid value at \"o.items[0]\": Item has no field \"size\".\n\
             Variable \"$o\" got an invalid value at \"o.items[1]\": the field \"sku\" of required type \"ID!\" is missing.",
        );
        check(
            "$p: Pick",
            r#"{"p":{"id":1,"name":"x"}}"#,
            "Variable \"$p\" got an invalid value: exactly one field of Pick must be given, and it must not be null.",
        );
        check(
            "$p: Pick",
            r#"{"p":{"id":1,"id":2}}"#,
            "Variable \"$p\" got an invalid value: the field \"id\" is given twice.",
        );
        check("$a: Int", "[]", "\"variables\" must be a JSON object, found a list.");
        check("$a: Int", r#"{"a":1,"a":2}"#, "\"variables\" gives \"a\" twice.");
    }

    #[test]
    fn names_that_the_client_did_not_send_are_hidden() {
        let hidden =
            |definitions, variables, expected| check_with(SchemaNames::Hidden, definitions, variables, expected);
        hidden("$e: Color", r#"{"e":"BLUE"}"#, "Variable \"$e\" got an invalid value: expected Color, found \"BLUE\".");
        hidden(
            "$o: Order",
            r#"{"o":{"items":[{"sku":"a","color":"BLUE","tags":[1],"size":1},{},{"sku":{}},7]}}"#,
            "Variable \"$o\" got an invalid value at \"o.items[0].color\": \"BLUE\" is not of the expected type.\n\
             Variable \"$o\" got an invalid value at \"o.items[0].tags[0]\": expected String!, found 1.\n\
             Variable \"$o\" got an invalid value at \"o.items[0]\": there is no field \"size\".\n\
             Variable \"$o\" got an invalid value at \"o.items[1]\": a required field is missing.\n\
             Variable \"$o\" got an invalid value at \"o.items[2].sku\": expected ID!, found an object.\n\
             Variable \"$o\" got an invalid value at \"o.items[3]\": expected an object, found 7.",
        );
        hidden(
            "$o: Order",
            r#"{"o":{"items":[],"x":1}}"#,
            "Variable \"$o\" got an invalid value: Order has no field \"x\".",
        );
        hidden(
            "$p: Pick",
            r#"{"p":{}}"#,
            "Variable \"$p\" got an invalid value: exactly one field of Pick must be given, and it must not be null.",
        );
    }

    #[test]
    fn deep_values_are_refused() {
        let deep = format!("{{\"j\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        check("$j: JSON", &deep, "Variable \"$j\" got an invalid value: a value may not nest deeper than 64 levels.");
    }

    #[test]
    fn booleans_know_their_defaults() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let text = "query($x: Boolean = true, $y: Boolean!) { f }";
        let document = ExecutableDocument::parse(&schema, text, "op.graphql").unwrap();
        let definitions = &document.operations.get(None).unwrap().variables;
        let raw = RawValue::from_string(r#"{"y":false}"#.to_owned()).unwrap();
        let values = coerce_variables(ApiView::all(&schema), definitions, Some(&raw), SchemaNames::Shown).unwrap();
        assert_eq!((values.boolean(0), values.boolean(1)), (Some(true), Some(false)));
    }
}
