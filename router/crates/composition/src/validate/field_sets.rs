//! `@key`, `@requires` and `@provides`: their field sets select what exists, can be had, and is external where it must be.

use braid_graphql::compiler::ast::Value;

use super::{edits, problem};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, did_you_mean, excerpt};
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{Applied, Directives, FederationVersion, Field, Kind, Subgraph, TypeDef};
use crate::subgraph::spec::Known;

struct Codes {
    fields_type: Code,
    invalid: Code,
    has_args: Option<Code>,
    directive: Code,
    missing_external: Option<Code>,
}

const KEY: Codes = Codes {
    fields_type: Code::KEY_INVALID_FIELDS_TYPE,
    invalid: Code::KEY_INVALID_FIELDS,
    has_args: Some(Code::KEY_FIELDS_HAS_ARGS),
    directive: Code::KEY_DIRECTIVE_IN_FIELDS_ARG,
    missing_external: None,
};
const REQUIRES: Codes = Codes {
    fields_type: Code::REQUIRES_INVALID_FIELDS_TYPE,
    invalid: Code::REQUIRES_INVALID_FIELDS,
    has_args: None,
    directive: Code::REQUIRES_DIRECTIVE_IN_FIELDS_ARG,
    missing_external: Some(Code::REQUIRES_FIELDS_MISSING_EXTERNAL),
};
const PROVIDES: Codes = Codes {
    fields_type: Code::PROVIDES_INVALID_FIELDS_TYPE,
    invalid: Code::PROVIDES_INVALID_FIELDS,
    has_args: Some(Code::PROVIDES_FIELDS_HAS_ARGS),
    directive: Code::PROVIDES_DIRECTIVE_IN_FIELDS_ARG,
    missing_external: Some(Code::PROVIDES_FIELDS_MISSING_EXTERNAL),
};

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        if !matches!(ty.kind, Kind::Object | Kind::Interface) {
            continue;
        }
        keys(subgraph, ty, errors);
        for field in ty.fields.values() {
            requires(subgraph, ty, field, errors);
            provides(subgraph, ty, field, errors);
        }
    }
}

fn keys(subgraph: &Subgraph, ty: &TypeDef, errors: &mut Vec<Diagnostic>) {
    for key in ty.all(Known::Key) {
        let old = matches!(subgraph.version, FederationVersion::Two(minor) if minor < 3);
        if ty.kind == Kind::Interface && old {
            errors.push(
                problem(
                    subgraph,
                    Code::KEY_UNSUPPORTED_ON_INTERFACE,
                    format_args!(
                        "Cannot use {} on interface \"{}\": @key is not yet supported on interfaces",
                        shown(key),
                        ty.name
                    ),
                )
                .on(ty.name.as_str())
                .at(subgraph.locate(key.span))
                .help("link federation v2.3 or newer, or put the key on the implementing types")
                .fix("remove the key from the interface", edits::remove_application(subgraph, key)),
            );
            continue;
        }
        SetCheck { subgraph, codes: &KEY, applied: key, element: ty.name.to_string(), errors }.run(ty);
    }
}

fn requires(subgraph: &Subgraph, ty: &TypeDef, field: &Field, errors: &mut Vec<Diagnostic>) {
    for requires in field.all(Known::Requires) {
        let element = format!("{}.{}", ty.name, field.name);
        if ty.kind == Kind::Interface {
            errors.push(on_interface(subgraph, Code::REQUIRES_UNSUPPORTED_ON_INTERFACE, requires, &element));
        }
        SetCheck { subgraph, codes: &REQUIRES, applied: requires, element, errors }.run(ty);
    }
}

fn provides(subgraph: &Subgraph, ty: &TypeDef, field: &Field, errors: &mut Vec<Diagnostic>) {
    for provides in field.all(Known::Provides) {
        let element = format!("{}.{}", ty.name, field.name);
        if field.facts.external {
            errors.push(
                problem(
                    subgraph,
                    Code::EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE,
                    format_args!("Cannot have both @provides and @external on field \"{element}\""),
                )
                .on(element)
                .at(subgraph.locate(provides.span))
                .help("only a field that is resolved here can provide something")
                .fix("remove @provides", edits::remove_application(subgraph, provides)),
            );
            continue;
        }
        match subgraph.schema.types.get(field.ty.inner_named_type()) {
            Some(target) if target.is_composite() => {
                if ty.kind == Kind::Interface {
                    let code = Code::PROVIDES_UNSUPPORTED_ON_INTERFACE;
                    errors.push(on_interface(subgraph, code, provides, &element));
                }
                SetCheck { subgraph, codes: &PROVIDES, applied: provides, element, errors }.run(target);
            }
            _ => errors.push(
                problem(subgraph, Code::PROVIDES_ON_NON_OBJECT_FIELD, format_args!("Invalid @provides directive on field \"{element}\": field has type \"{}\" which is not a Composite Type", field.ty))
                    .on(element)
                    .at(subgraph.locate(provides.span))
                    .help("a scalar or enum has no fields to provide")
                    .fix("remove @provides", edits::remove_application(subgraph, provides)),
            ),
        }
    }
}

fn on_interface(subgraph: &Subgraph, code: Code, applied: &Applied, element: &str) -> Diagnostic {
    problem(
        subgraph,
        code,
        format_args!(
            "Cannot use {} on field \"{element}\" of an interface: @{} is not supported on interfaces",
            shown(applied),
            applied.name
        ),
    )
    .on(element)
    .at(subgraph.locate(applied.span))
    .help("put it on the field of each implementing type")
    .fix(format!("remove @{} from the interface's field", applied.name), edits::remove_application(subgraph, applied))
}

fn shown(applied: &Applied) -> String {
    let fields = applied.arg("fields").map(|v| v.serialize().no_indent().to_string()).unwrap_or_default();
    format!("@{}(fields: {})", applied.name, excerpt(&fields))
}

struct SetCheck<'a, 'b> {
    subgraph: &'a Subgraph,
    codes: &'static Codes,
    applied: &'a Applied,
    element: String,
    errors: &'b mut Vec<Diagnostic>,
}

impl<'a> SetCheck<'a, '_> {
    fn push(&mut self, code: Code, message: String, help: &str) {
        let at = self.applied.arg("fields").and_then(|v| v.location()).or(self.applied.span);
        let error = problem(
            self.subgraph,
            code,
            format_args!("On {} \"{}\", for {}: {message}", self.noun(), self.element, shown(self.applied)),
        );
        self.errors.push(
            error
                .on(self.element.as_str())
                .at(self.subgraph.locate(at))
                .help(help)
                .fix(format!("remove @{}", self.applied.name), edits::remove_application(self.subgraph, self.applied)),
        );
    }

    fn noun(&self) -> &'static str {
        if self.element.contains('.') { "field" } else { "type" }
    }

    fn run(mut self, target: &'a TypeDef) {
        let Some(argument) = self.applied.arg("fields") else { return };
        let Value::String(text) = &**argument else {
            let text = match &**argument {
                Value::List(items) => {
                    let parts: Vec<String> = items.iter().filter_map(|v| v.as_str().map(str::to_string)).collect();
                    Some(parts.join(" "))
                }
                Value::Enum(name) => Some(name.to_string()),
                _ => None,
            };
            let edit = text
                .filter(|t| !t.is_empty())
                .zip(argument.location())
                .map(|(text, span)| self.subgraph.edit(span.offset(), span.end_offset(), format!("\"{text}\"")));
            let error = problem(
                self.subgraph,
                self.codes.fields_type,
                format_args!(
                    "On {} \"{}\", for {}: Invalid value for argument \"fields\": must be a string.",
                    self.noun(),
                    self.element,
                    shown(self.applied)
                ),
            );
            self.errors.push(
                error
                    .on(self.element.as_str())
                    .at(self.subgraph.locate(argument.location()))
                    .help("write the fields in one string, separated by spaces")
                    .fix("write the fields as a string", edit),
            );
            return;
        };
        match FieldSet::parse(text) {
            Err(message) => self.push(
                self.codes.invalid,
                format!("Syntax error: {message}"),
                "correct the field set: names separated by spaces, selections in braces",
            ),
            Ok(set) => {
                self.selection(target, &set, false);
            }
        }
    }

    /// Whether the set is valid so far; the first structural problem ends the check of the set.
    fn selection(&mut self, ty: &'a TypeDef, set: &FieldSet, below_external: bool) -> bool {
        set.items.iter().all(|item| self.item(ty, item, below_external))
    }

    fn item(&mut self, ty: &'a TypeDef, item: &Item, below_external: bool) -> bool {
        match item {
            Item::Fragment { condition, directives, selection } => {
                if let Some(directive) = directives.first()
                    && !self.directive(directive)
                {
                    return false;
                }
                let Some(condition) = condition else { return self.selection(ty, selection, below_external) };
                match self.subgraph.schema.types.get(condition) {
                    Some(inner) if inner.is_composite() && self.can_be(ty, inner) => {
                        self.selection(inner, selection, below_external)
                    }
                    _ => {
                        self.push(self.codes.invalid, format!("Fragment cannot be spread here as objects of type \"{}\" can never be of type \"{condition}\".", ty.name), "correct the fragment's type");
                        false
                    }
                }
            }
            Item::Field { name, alias, args, directives, selection } => {
                if let Some(directive) = directives.first()
                    && !self.directive(directive)
                {
                    return false;
                }
                if alias.is_some() {
                    self.push(
                        self.codes.invalid,
                        format!(
                            "Cannot use alias \"{}\" in \"{name}\": aliases are not currently supported in @{}",
                            alias.as_deref().unwrap_or_default(),
                            self.applied.name
                        ),
                        "remove the alias",
                    );
                    return false;
                }
                if name == "__typename" {
                    return true;
                }
                let Some(field) = ty.fields.get(name) else {
                    let near = did_you_mean(name, ty.fields.keys().map(|n| n.as_str()));
                    self.push(self.codes.invalid, format!("Cannot query field \"{name}\" on type \"{}\" (if the field is defined in another subgraph, you need to add it to this subgraph with @external).{near}", ty.name), "correct the field's name, or add the field to the type");
                    return false;
                };
                self.field(ty, field, args, selection, below_external)
            }
        }
    }

    /// Directives have no place in a field set; an unknown one makes it invalid altogether.
    fn directive(&mut self, directive: &str) -> bool {
        let known = self.subgraph.schema.directives.contains_key(directive);
        let (code, message) = match known {
            true => (
                self.codes.directive,
                format!(
                    "cannot have directive applications in the @{}(fields:) argument but found @{directive}.",
                    self.applied.name
                ),
            ),
            false => (self.codes.invalid, format!("Unknown directive \"@{directive}\"")),
        };
        self.push(code, message, "remove the directive");
        known
    }

    fn field(
        &mut self,
        ty: &'a TypeDef,
        field: &'a Field,
        args: &[(braid_graphql::compiler::Name, braid_graphql::compiler::Node<Value>)],
        selection: &FieldSet,
        below_external: bool,
    ) -> bool {
        let coordinate = format!("{}.{}", ty.name, field.name);
        if let Some(code) = self.codes.has_args
            && !field.args.is_empty()
        {
            self.push(code, format!("field {coordinate} cannot be included because it has arguments (fields with argument are not allowed in @{})", self.applied.name), "select fields without arguments");
        }
        for (argument, value) in args {
            let Some(input) = field.args.get(argument) else {
                self.push(self.codes.invalid, format!("Unknown argument \"{argument}\" found in value: \"{coordinate}\" has no argument \"{argument}\""), "correct the argument");
                return false;
            };
            if !super::values::fits(&self.subgraph.schema, &input.ty, value) {
                self.push(
                    self.codes.invalid,
                    format!(
                        "Invalid value for argument \"{argument}\" of \"{coordinate}\": expected type \"{}\"",
                        input.ty
                    ),
                    "correct the argument's value",
                );
                return false;
            }
        }
        if self.codes.has_args.is_none() {
            let missing = field.args.values().find(|a| a.is_required() && !args.iter().any(|(n, _)| *n == a.name));
            if let Some(missing) = missing {
                self.push(
                    self.codes.invalid,
                    format!(
                        "Missing mandatory value for argument \"{}\" of field \"{coordinate}\" in selection \"{}\"",
                        missing.name, field.name
                    ),
                    "give the argument a value",
                );
                return false;
            }
        }
        let target = self.subgraph.schema.types.get(field.ty.inner_named_type());
        let composite = target.filter(|t| t.is_composite());
        if self.codes.invalid == Code::KEY_INVALID_FIELDS
            && composite.is_some_and(|t| matches!(t.kind, Kind::Interface | Kind::Union))
        {
            self.push(
                Code::KEY_FIELDS_SELECT_INVALID_TYPE,
                format!(
                    "field \"{coordinate}\" is a {} type which is not allowed in @key",
                    if composite.is_some_and(|t| t.kind == Kind::Union) { "Union" } else { "Interface" }
                ),
                "select fields of object types and scalars only",
            );
        }
        let external = below_external || field.facts.external || self.implemented_external(ty, field);
        match (composite, selection.is_empty()) {
            (None, true) => {
                if let Some(code) = self.codes.missing_external
                    && !external
                {
                    self.not_external(code, &coordinate, field);
                }
                true
            }
            (Some(target), false) => self.selection(target, selection, external),
            (Some(_), true) => {
                self.push(
                    self.codes.invalid,
                    format!("Invalid empty selection set for field \"{coordinate}\" of non-leaf type {}", field.ty),
                    "select at least one field of it, in braces",
                );
                false
            }
            (None, false) => {
                self.push(
                    self.codes.invalid,
                    format!("Field \"{coordinate}\" of type \"{}\" has no sub-fields to select", field.ty),
                    "remove the braces",
                );
                false
            }
        }
    }

    fn not_external(&mut self, code: Code, coordinate: &str, field: &Field) {
        let at = self.applied.arg("fields").and_then(|v| v.location()).or(self.applied.span);
        let error = problem(
            self.subgraph,
            code,
            format_args!(
                "On {} \"{}\", for {}: field \"{coordinate}\" should not be part of a @{} since it is already provided by this subgraph (it is not marked @external)",
                self.noun(),
                self.element,
                shown(self.applied),
                self.applied.name
            ),
        );
        self.errors.push(
            error
                .on(self.element.as_str())
                .at(self.subgraph.locate(at))
                .at(self.subgraph.locate(field.span))
                .help(format!(
                    "mark \"{coordinate}\" @external if another subgraph resolves it, or remove it from the field set"
                ))
                .fix(format!("remove @{}", self.applied.name), edits::remove_application(self.subgraph, self.applied)),
        );
    }

    /// An interface's field counts as external if an implementation's is.
    fn implemented_external(&self, ty: &TypeDef, field: &Field) -> bool {
        ty.kind == Kind::Interface
            && self
                .subgraph
                .schema
                .runtime_types(ty)
                .iter()
                .any(|t| t.fields.get(&field.name).is_some_and(|f| f.facts.external))
    }

    fn can_be(&self, a: &TypeDef, b: &TypeDef) -> bool {
        let left = self.subgraph.schema.runtime_types(a);
        let right = self.subgraph.schema.runtime_types(b);
        a.name == b.name || left.iter().any(|t| right.iter().any(|u| t.name == u.name))
    }
}
