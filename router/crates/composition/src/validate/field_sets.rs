//! `@key`, `@requires` and `@provides`: their field sets select fields that exist, can be fetched, and are external where they must be.

use braid_graphql::compiler::ast::Value;

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt, suggestion};
use crate::subgraph::model::{Applied, Directives, FederationVersion, Field, Kind, Subgraph, TypeDef};
use crate::subgraph::spec::Known;
use braid_graphql::field_set::{FieldSet, Item};

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
                        "The interface \"{}\" has {}, but the linked version of federation knows keys on object types only.",
                        ty.name,
                        shown(key)
                    ),
                )
                .on(ty.name.as_str())
                .at(subgraph.locate(key.span))
                .help("link federation v2.3 or newer, or put the @key on the implementing types")
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
                    format_args!("\"{element}\" is @external, so this subgraph does not resolve it and its @provides has no effect."),
                )
                .on(element)
                .at(subgraph.locate(provides.span))
                .help("remove @external if this subgraph resolves the field, or else @provides")
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
                problem(
                    subgraph,
                    Code::PROVIDES_ON_NON_OBJECT_FIELD,
                    format_args!(
                        "@provides on \"{element}\" promises fields of what it returns, but \"{}\" has no fields.",
                        field.ty
                    ),
                )
                .on(element)
                .at(subgraph.locate(provides.span))
                .help("remove @provides")
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
            "{} on \"{element}\" has no effect: a field of an interface is resolved by the implementing types.",
            shown(applied)
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
        let error =
            problem(self.subgraph, code, format_args!("{} on \"{}\" {message}", shown(self.applied), self.element));
        self.errors.push(
            error
                .on(self.element.as_str())
                .at(self.subgraph.locate(at))
                .help(help)
                .fix(format!("remove @{}", self.applied.name), edits::remove_application(self.subgraph, self.applied)),
        );
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
                format_args!("{} on \"{}\" does not give its fields as a string.", shown(self.applied), self.element),
            );
            self.errors.push(
                error
                    .on(self.element.as_str())
                    .at(self.subgraph.locate(argument.location()))
                    .help("write all fields in one string, separated by spaces: \"id name\"")
                    .fix("write the fields as a string", edit),
            );
            return;
        };
        match FieldSet::parse(text) {
            Err(error) => self.push(
                self.codes.invalid,
                format!("can't be read: {error}."),
                "write names separated by spaces, and the fields of an object in braces: \"id owner { name }\"",
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
                // Whether an object can have the type depends on all subgraphs together.
                match self.subgraph.schema.types.get(condition) {
                    Some(inner) if inner.is_composite() => self.selection(inner, selection, below_external),
                    _ => {
                        self.push(
                            self.codes.invalid,
                            format!(
                                "has a type condition that never applies: \"{}\" can never be \"{condition}\".",
                                ty.name
                            ),
                            "name an object, interface or union after `... on`",
                        );
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
                            "gives \"{name}\" the alias \"{}\", but the values are passed on under the fields' own names.",
                            alias.as_deref().unwrap_or_default()
                        ),
                        "remove the alias",
                    );
                    return false;
                }
                if name == "__typename" {
                    return true;
                }
                let Some(field) = ty.fields.get(name) else {
                    let near = suggestion(self.errors, name, ty.fields.keys().map(|n| n.as_str()));
                    self.push(self.codes.invalid, format!("selects \"{}\", but \"{}\" has no such field in this subgraph.{near}", excerpt(name), ty.name), "correct the name; if another subgraph resolves the field, declare it here too and mark it @external");
                    return false;
                };
                self.field(ty, field, args, selection, below_external)
            }
        }
    }

    /// Directives are not allowed in a field set; an unknown one makes the whole set invalid.
    fn directive(&mut self, directive: &str) -> bool {
        let known = self.subgraph.schema.directives.contains_key(directive);
        let (code, message) = match known {
            true => (
                self.codes.directive,
                format!("contains the directive @{directive}, but a field set names fields only."),
            ),
            false => (self.codes.invalid, format!("contains @{directive}, which this schema does not define.")),
        };
        self.push(code, message, "remove the directive from the field set");
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
            self.push(code, format!("selects \"{coordinate}\", which takes arguments: its value depends on them, so it can neither identify an object nor be promised."), "select fields without arguments");
        }
        for (argument, value) in args {
            let Some(input) = field.args.get(argument) else {
                self.push(
                    self.codes.invalid,
                    format!("passes \"{argument}\" to \"{coordinate}\", which has no such argument in this subgraph."),
                    "correct the argument's name, or remove it",
                );
                return false;
            };
            if !super::values::fits(&self.subgraph.schema, &input.ty, value) {
                self.push(
                    self.codes.invalid,
                    format!(
                        "passes a value to \"{coordinate}({argument}:)\" that is not of its type \"{}\".",
                        input.ty
                    ),
                    "correct the value of the argument",
                );
                return false;
            }
        }
        if self.codes.has_args.is_none() {
            let missing = field.args.values().find(|a| a.is_required() && !args.iter().any(|(n, _)| *n == a.name));
            if let Some(missing) = missing {
                self.push(
                    self.codes.invalid,
                    format!("selects \"{coordinate}\" without its argument \"{}\", which is required.", missing.name),
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
                    "selects \"{coordinate}\", which returns {}: a key is passed from subgraph to subgraph, and such an object has no fixed fields to pass.",
                    if composite.is_some_and(|t| t.kind == Kind::Union) { "a union" } else { "an interface" }
                ),
                "select fields of object types and scalars only",
            );
        }
        let external = below_external || field.facts.external;
        match (composite, selection.is_empty()) {
            (None, true) => {
                if let Some(code) = self.codes.missing_external
                    && !external
                {
                    self.not_external(code, &coordinate, field);
                }
                true
            }
            (Some(target), false) => {
                let external = external || self.implemented_external(ty, field);
                self.selection(target, selection, external)
            }
            (Some(_), true) => {
                self.push(
                    self.codes.invalid,
                    format!("selects \"{coordinate}\" without saying which fields of that \"{}\" are meant.", field.ty),
                    "name at least one of them in braces after the field",
                );
                false
            }
            (None, false) => {
                self.push(
                    self.codes.invalid,
                    format!("selects fields of \"{coordinate}\", but \"{}\" has no fields.", field.ty),
                    "remove the braces after the field",
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
                "{} on \"{}\" selects \"{coordinate}\", which this subgraph resolves itself: {}.",
                shown(self.applied),
                self.element,
                match code == Code::REQUIRES_FIELDS_MISSING_EXTERNAL {
                    true => "the router has nothing to fetch first",
                    false => "it can be fetched from here without @provides",
                }
            ),
        );
        self.errors.push(
            error
                .on(self.element.as_str())
                .at(self.subgraph.locate(at))
                .at(self.subgraph.locate(field.span))
                .help(format!(
                    "mark \"{coordinate}\" @external if only another subgraph resolves it, or remove it from the field set"
                ))
                .fix(format!("remove @{}", self.applied.name), edits::remove_application(self.subgraph, self.applied)),
        );
    }

    /// What is selected below an interface's field counts as external if the field is in an implementation.
    fn implemented_external(&self, ty: &TypeDef, field: &Field) -> bool {
        ty.kind == Kind::Interface
            && self
                .subgraph
                .schema
                .runtime_types(ty)
                .iter()
                .any(|t| t.fields.get(&field.name).is_some_and(|f| f.facts.external))
    }
}
