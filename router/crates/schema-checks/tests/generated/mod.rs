//! Makes operations that are valid on a schema, at random but the same each time. Knows nothing of changes.

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::executable::ExecutableDocument;
use braid_graphql::compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::{Name, Type};

pub(crate) const SCHEMA: &str = include_str!("schema.graphql");
const EDITS: &str = include_str!("edits.txt");

/// Schemas that differ from [`SCHEMA`] by one edit each, with the edit as a name.
pub(crate) fn edited() -> Vec<(String, String)> {
    let edit = |line: &str| {
        // Unions and locations have a `|` of their own: the one that separates an edit from its result is the last before
        // which all stands in the schema.
        let at = line.match_indices('|').map(|(at, _)| at).rfind(|at| SCHEMA.contains(&line[..*at]));
        let at = at.unwrap_or_else(|| panic!("no edit: {line}"));
        let (before, after) = (&line[..at], line[at + 1..].trim_end());
        let name = if after.is_empty() { format!("no {}", before.trim()) } else { after.trim().to_owned() };
        (name, SCHEMA.replacen(before, after, 1))
    };
    let mut schemas: Vec<_> = EDITS.lines().filter(|line| !line.trim().is_empty()).map(edit).collect();
    // Some edits leave no valid schema, such as an interface that a type only half implements.
    schemas.retain(|(_, sdl)| Schema::parse_and_validate(sdl, "new.graphql").is_ok());
    schemas
}

/// That many operations.
pub(crate) fn operations(number: usize) -> Vec<String> {
    let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut made = Vec::new();
    while made.len() < number {
        let text =
            Maker { schema: &schema, random: &mut random, variables: Vec::new(), aliases: 0 }.operation(made.len());
        // Fields of one name may not merge; such a one is thrown again.
        if ExecutableDocument::parse_and_validate(&schema, &text, "operation.graphql").is_ok() {
            made.push(text);
        }
    }
    made
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % limit
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

struct Maker<'a> {
    schema: &'a Valid<Schema>,
    random: &'a mut Random,
    variables: Vec<(Type, Option<&'static str>)>,
    aliases: usize,
}

impl Maker<'_> {
    fn operation(mut self, number: usize) -> String {
        let (kind, root) = if self.random.percent(80) { ("query", "Query") } else { ("mutation", "Mutation") };
        let body = self.selections(root, 0);
        let variables: Vec<String> = self
            .variables
            .iter()
            .enumerate()
            .map(|(at, (ty, default))| {
                format!("$v{at}: {ty}{}", default.map(|value| format!(" = {value}")).unwrap_or_default())
            })
            .collect();
        let variables = if variables.is_empty() { String::new() } else { format!("({})", variables.join(", ")) };
        let directive = if kind == "query" && self.random.percent(10) { " @trace(label: \"q\")" } else { "" };
        format!("{kind} Op{number}{variables}{directive} {{ {body} }}")
    }

    fn selections(&mut self, ty: &str, depth: usize) -> String {
        let mut parts = Vec::new();
        let schema = self.schema;
        match &schema.types[ty] {
            ExtendedType::Object(object) => self.fields(object.fields.values(), depth, &mut parts),
            ExtendedType::Interface(interface) => {
                self.fields(interface.fields.values(), depth, &mut parts);
                self.fragments(ty, depth, &mut parts);
            }
            ExtendedType::Union(_) => self.fragments(ty, depth, &mut parts),
            _ => {}
        }
        if parts.is_empty() {
            parts.push("__typename".to_owned());
        }
        parts.join(" ")
    }

    fn fields<'f>(
        &mut self,
        fields: impl Iterator<Item = &'f braid_graphql::Node<FieldDefinition>>,
        depth: usize,
        parts: &mut Vec<String>,
    ) {
        for field in fields {
            if self.random.percent(if depth == 0 { 30 } else { 45 }) {
                parts.extend(self.field(field, depth));
            }
        }
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) -> Option<String> {
        let inner = field.ty.inner_named_type();
        let composite = self.schema.types[inner].is_object()
            || self.schema.types[inner].is_interface()
            || self.schema.types[inner].is_union();
        if composite && depth >= 3 {
            return None;
        }
        let mut arguments = Vec::new();
        for argument in &field.arguments {
            if argument.is_required() || self.random.percent(45) {
                arguments.push(format!("{}: {}", argument.name, self.value(argument)));
            }
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let alias = if !arguments.is_empty() || self.random.percent(20) {
            self.aliases += 1;
            format!("a{}: ", self.aliases)
        } else {
            String::new()
        };
        let directive = match self.random.below(20) {
            0 => " @trace",
            1 => " @trace(label: \"x\") @trace(depth: 2)",
            2 => " @include(if: true)",
            _ => "",
        };
        let below = if composite { format!(" {{ {} }}", self.selections(inner, depth + 1)) } else { String::new() };
        Some(format!("{alias}{}{arguments}{directive}{below}", field.name))
    }

    /// Fragments on types that can be here, also on interfaces.
    fn fragments(&mut self, ty: &str, depth: usize, parts: &mut Vec<String>) {
        let mut conditions: Vec<Name> = self
            .schema
            .types
            .iter()
            .filter(|(name, definition)| definition.is_object() && self.schema.is_subtype(ty, name))
            .map(|(name, _)| name.clone())
            .collect();
        conditions.extend(["Node", "Named"].iter().filter(|name| **name != ty).map(|name| Name::new(name).unwrap()));
        for condition in conditions {
            if self.random.percent(45) {
                let inner = self.selections(&condition, depth + 1);
                let directive = if self.random.percent(10) { " @trace" } else { "" };
                parts.push(format!("... on {condition}{directive} {{ {inner} }}"));
            }
        }
    }

    fn value(&mut self, argument: &InputValueDefinition) -> String {
        if self.random.percent(35) {
            let at = self.variables.len();
            let ty = (*argument.ty).clone();
            // A nullable variable may stand where a default is; a stricter one anywhere.
            let ty = if ty.is_non_null() && argument.default_value.is_some() && self.random.percent(50) {
                ty.nullable()
            } else if self.random.percent(20) {
                ty.non_null()
            } else {
                ty
            };
            self.variables.push((ty, None));
            return format!("$v{at}");
        }
        self.literal(&argument.ty.clone())
    }

    fn literal(&mut self, ty: &Type) -> String {
        if !ty.is_non_null() && self.random.percent(8) {
            return "null".to_owned();
        }
        if ty.is_list() {
            let item = ty.item_type().clone();
            // One item may stand for a list of it.
            if self.random.percent(20) && !item.is_list() {
                return self.literal(&item.non_null());
            }
            let items: Vec<String> = (0..self.random.below(3)).map(|_| self.literal(&item)).collect();
            return format!("[{}]", items.join(", "));
        }
        let name = ty.inner_named_type().clone();
        let schema = self.schema;
        match &schema.types[&name] {
            ExtendedType::Enum(definition) => {
                let at = self.random.below(definition.values.len());
                definition.values.keys().nth(at).unwrap().to_string()
            }
            ExtendedType::InputObject(input) if input.is_one_of() => {
                let field = input.fields.values().nth(self.random.below(input.fields.len())).unwrap();
                let value = self.literal(&field.ty.as_ref().clone().non_null());
                format!("{{{}: {value}}}", field.name)
            }
            ExtendedType::InputObject(input) => {
                let mut fields = Vec::new();
                for field in input.fields.values() {
                    if field.is_required() || self.random.percent(40) {
                        fields.push(format!("{}: {}", field.name, self.literal(&field.ty.as_ref().clone())));
                    }
                }
                format!("{{{}}}", fields.join(", "))
            }
            _ => match name.as_str() {
                "Int" => self.random.below(100).to_string(),
                "Float" => format!("{}.5", self.random.below(100)),
                "Boolean" => self.random.percent(50).to_string(),
                _ => format!("\"t{}\"", self.random.below(100)),
            },
        }
    }
}
