//! GraphQL's rules for types: names exist, types are used where they are allowed, implementations have what their interfaces promise.

use std::fmt::Display;

use ahash::AHashSet;
use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;

use super::edits;
use super::values::fits;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt, suggestion};
use crate::subgraph::model::{
    BUILT_IN_SCALARS, Directives as _, Field, InputValue, Kind, Map, Span, Subgraph, TypeDef, is_root,
};
use crate::subgraph::spec::Known;

pub(super) fn check(subgraph: &Subgraph) -> Vec<Diagnostic> {
    let mut rules = Rules { subgraph, errors: Vec::new() };
    for ty in subgraph.schema.types.values() {
        // Federation's own definitions have no span and need no check.
        if ty.span.is_some() || !ty.fields.is_empty() {
            rules.ty(ty);
        }
    }
    for directive in subgraph.schema.directives.values().filter(|d| d.span.is_some()) {
        if directive.known.is_none() {
            rules.name(&directive.name, directive.span);
        }
        rules.arguments(&format!("@{}", directive.name), &directive.args);
    }
    rules.errors
}

struct Rules<'a> {
    subgraph: &'a Subgraph,
    errors: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn error(&mut self, coordinate: &str, message: impl Display, span: Span, help: &str) {
        let error = super::problem(self.subgraph, Code::INVALID_GRAPHQL, message)
            .on(coordinate)
            .at(self.subgraph.locate(span))
            .help(help);
        self.errors.push(error);
    }

    fn name(&mut self, name: &Name, span: Span) {
        let internal = self.subgraph.links.list.iter().filter_map(|l| l.namespace.as_deref());
        let of_feature = name.split_once("__").is_some_and(|(prefix, _)| internal.into_iter().any(|n| n == prefix));
        if name.starts_with("__") && !of_feature {
            self.error(
                name,
                format_args!("\"{}\" starts with two underscores; GraphQL reserves such names.", excerpt(name)),
                span,
                "choose another name",
            );
        }
    }

    fn ty(&mut self, ty: &TypeDef) {
        self.name(&ty.name, ty.span);
        if is_root(&ty.name) && ty.kind != Kind::Object && ty.name == "Query" {
            self.error(
                &ty.name,
                format_args!(
                    "Queries start at the fields of the query root, but \"{}\" is {}.",
                    ty.name,
                    ty.kind.noun()
                ),
                ty.span,
                "make it an object type",
            );
        }
        match ty.kind {
            Kind::Object | Kind::Interface => {
                if ty.fields.is_empty() && !is_root(&ty.name) && !ty.name.starts_with('_') {
                    self.empty(ty, "fields");
                }
                for field in ty.fields.values() {
                    self.field(ty, field);
                }
                self.implements(ty);
            }
            Kind::Input => {
                if ty.fields.is_empty() {
                    self.empty(ty, "fields");
                }
                for field in ty.fields.values() {
                    self.input_field(ty, field);
                    if ty.has(Known::OneOf) {
                        self.choice(ty, field);
                    }
                }
                self.input_cycle(ty);
            }
            Kind::Union => self.union(ty),
            Kind::Enum => {
                if ty.values.is_empty() {
                    self.empty(ty, "values");
                }
                for value in ty.values.values() {
                    self.name(&value.name, value.span);
                    if matches!(value.name.as_str(), "true" | "false" | "null") {
                        self.error(
                            &ty.name,
                            format_args!("Enum \"{}\" has a value called {}, which would be confused with the literal of that name.", ty.name, value.name),
                            value.span,
                            "rename the value",
                        );
                    }
                }
            }
            Kind::Scalar => {}
        }
    }

    fn empty(&mut self, ty: &TypeDef, what: &str) {
        self.error(
            &ty.name,
            format_args!("\"{}\" has no {what}, and GraphQL does not allow empty types.", ty.name),
            ty.span,
            "add one, or remove the type",
        );
    }

    fn union(&mut self, ty: &TypeDef) {
        if ty.members.is_empty() && !ty.name.starts_with('_') {
            self.empty(ty, "member types");
        }
        for (member, span) in &ty.members {
            match self.subgraph.schema.types.get(member) {
                Some(t) if t.kind == Kind::Object => {}
                Some(_) => self.error(
                    &ty.name,
                    format_args!("\"{member}\" can't be a member of the union \"{}\": only object types can.", ty.name),
                    *span,
                    "name object types as members",
                ),
                None => self.unknown(&ty.name, member, *span),
            }
        }
    }

    fn known(&self, name: &str) -> bool {
        BUILT_IN_SCALARS.contains(&name) || self.subgraph.schema.types.contains_key(name)
    }

    fn unknown(&mut self, coordinate: &str, name: &Name, span: Span) {
        let near = suggestion(
            &self.errors,
            name,
            self.subgraph.schema.types.values().filter(|t| t.span.is_some()).map(|t| t.name.as_str()),
        );
        let error = super::problem(
            self.subgraph,
            Code::INVALID_GRAPHQL,
            format_args!("There is no type \"{}\" in this subgraph.{near}", excerpt(name)),
        )
        .on(coordinate)
        .at(self.subgraph.locate(span.or(name.location())))
        .help(format!(
            "define \"{}\" in this subgraph, even if another one defines it too, or correct the name",
            excerpt(name)
        ));
        let end = self.subgraph.sdl().len();
        let edit = self.subgraph.edit(end, end, format!("\nscalar {name}\n"));
        self.errors.push(error.fix(format!("define \"{name}\" as a scalar"), [edit]));
    }

    fn field(&mut self, ty: &TypeDef, field: &Field) {
        let coordinate = format!("{}.{}", ty.name, field.name);
        self.name(&field.name, field.span);
        let named = field.ty.inner_named_type();
        if !self.known(named) {
            self.unknown(&coordinate, named, None);
        } else if self.subgraph.schema.types.get(named).is_some_and(|t| t.kind == Kind::Input) {
            self.error(
                &coordinate,
                format_args!("\"{coordinate}\" returns \"{named}\", but an input object can only be used as input."),
                field.span,
                "return an object type with the same fields",
            );
        }
        self.arguments(&coordinate, &field.args);
    }

    fn arguments(&mut self, owner: &str, args: &Map<InputValue>) {
        for argument in args.values() {
            let coordinate = format!("{owner}({}:)", argument.name);
            self.name(&argument.name, argument.span);
            self.input_type(&coordinate, &argument.ty, argument.span);
            if let Some(default) = &argument.default
                && !fits(&self.subgraph.schema, &argument.ty, default)
            {
                self.bad_default("argument", &coordinate, &argument.ty, default);
            }
        }
    }

    fn bad_default(
        &mut self,
        what: &str,
        coordinate: &str,
        ty: &Type,
        default: &braid_graphql::compiler::Node<braid_graphql::compiler::ast::Value>,
    ) {
        let text = default.serialize().no_indent();
        let error = super::problem(
            self.subgraph,
            Code::INVALID_GRAPHQL,
            format_args!(
                "The default {} of the {what} \"{coordinate}\" is not a value of its type \"{ty}\".",
                excerpt(&text.to_string())
            ),
        )
        .on(coordinate)
        .at(self.subgraph.locate(default.location()))
        .help(format!("write a value of type {ty}, or remove the default"));
        let edit = edits::remove_default(self.subgraph, default.location());
        self.errors.push(error.fix("remove the default", edit));
    }

    fn input_type(&mut self, coordinate: &str, ty: &Type, span: Span) {
        let named = ty.inner_named_type();
        if !self.known(named) {
            self.unknown(coordinate, named, None);
        } else if self.subgraph.schema.types.get(named).is_some_and(|t| t.is_composite()) {
            self.error(
                coordinate,
                format_args!("\"{coordinate}\" is of type \"{named}\", which is an output type, but arguments and input fields need input types."),
                span,
                "use a scalar, an enum or an input object",
            );
        }
    }

    fn input_field(&mut self, ty: &TypeDef, field: &Field) {
        let coordinate = format!("{}.{}", ty.name, field.name);
        self.name(&field.name, field.span);
        self.input_type(&coordinate, &field.ty, field.span);
        if let Some(default) = &field.default
            && !fits(&self.subgraph.schema, &field.ty, default)
        {
            self.bad_default("input field", &coordinate, &field.ty, default);
        }
    }

    /// A field of a `@oneOf` input: one that must be given, or always is, would leave no choice
    /// (<https://spec.graphql.org/September2025/#sec-Input-Objects.Type-Validation>).
    fn choice(&mut self, ty: &TypeDef, field: &Field) {
        let coordinate = format!("{}.{}", ty.name, field.name);
        let problem = |what: std::fmt::Arguments<'_>| {
            super::problem(
                self.subgraph,
                Code::INVALID_GRAPHQL,
                format_args!(
                    "Clients give exactly one field of \"{}\" (@oneOf), but \"{coordinate}\" {what}.",
                    ty.name
                ),
            )
            .on(coordinate.as_str())
        };
        if field.ty.is_non_null() {
            let nullable = field.ty.clone().nullable();
            let error = problem(format_args!("is non-null and so must always be given"))
                .at(self.subgraph.locate(field.span))
                .help(format!("make it nullable: {nullable}"));
            let edit = edits::replace_type(self.subgraph, field.span, &field.ty, &nullable);
            self.errors.push(error.fix(format!("use type {nullable}"), edit));
        }
        if let Some(default) = &field.default {
            let error = problem(format_args!("has a default and so always counts as given"))
                .at(self.subgraph.locate(default.location()))
                .help("remove the default");
            let edit = edits::remove_default(self.subgraph, default.location());
            self.errors.push(error.fix("remove the default", edit));
        }
    }

    /// An input object that must contain itself has no finite value.
    fn input_cycle(&mut self, start: &TypeDef) {
        let mut seen: AHashSet<&Name> = AHashSet::new();
        let mut stack: Vec<&TypeDef> = vec![start];
        let mut cyclic = false;
        while let Some(ty) = stack.pop() {
            for field in ty.fields.values() {
                if let Type::NonNullNamed(name) = &field.ty
                    && let Some(next) = self.subgraph.schema.types.get(name)
                    && next.kind == Kind::Input
                {
                    cyclic |= next.name == start.name;
                    if seen.insert(&next.name) {
                        stack.push(next);
                    }
                }
            }
        }
        if cyclic {
            self.error(
                &start.name,
                format_args!(
                    "The input \"{}\" has no finite value: through its non-null fields it contains itself.",
                    start.name
                ),
                start.span,
                "make one of the fields nullable",
            );
        }
    }

    fn implements(&mut self, ty: &TypeDef) {
        for (interface, span) in &ty.implements {
            if interface == &ty.name {
                self.error(
                    &ty.name,
                    format_args!("\"{}\" names itself among the interfaces that it implements.", ty.name),
                    *span,
                    "remove it from `implements`",
                );
                continue;
            }
            match self.subgraph.schema.types.get(interface) {
                Some(i) if i.kind == Kind::Interface => self.implementation(ty, i, *span),
                Some(i) => self.error(
                    &ty.name,
                    format_args!(
                        "\"{}\" implements \"{interface}\", which is {}, not an interface.",
                        ty.name,
                        i.kind.noun()
                    ),
                    *span,
                    "make it an interface, or remove it from `implements`",
                ),
                None => self.unknown(&ty.name, interface, *span),
            }
        }
    }

    fn implementation(&mut self, ty: &TypeDef, interface: &TypeDef, span: Span) {
        for wider in interface.implements.keys() {
            if wider == &ty.name {
                self.error(
                    &ty.name,
                    format_args!(
                        "\"{}\" and \"{}\" implement each other, which GraphQL forbids.",
                        ty.name, interface.name
                    ),
                    span,
                    "remove one of the two from the other's `implements`",
                );
            } else if !ty.implements.contains_key(wider) {
                self.error(
                    &ty.name,
                    format_args!(
                        "\"{}\" implements \"{}\" and with it \"{wider}\", but does not list it: GraphQL requires every interface to be listed.",
                        ty.name, interface.name
                    ),
                    span,
                    &format!("add \"{wider}\" to `implements`"),
                );
            }
        }
        for expected in interface.fields.values() {
            let coordinate = format!("{}.{}", ty.name, expected.name);
            let Some(field) = ty.fields.get(&expected.name) else {
                let error = super::problem(
                    self.subgraph,
                    Code::INVALID_GRAPHQL,
                    format_args!(
                        "\"{}\" implements \"{}\" but lacks its field \"{}\".",
                        ty.name, interface.name, expected.name
                    ),
                )
                .on(coordinate.as_str())
                .at(self.subgraph.locate(ty.span))
                .help(format!("add `{}: {}` to {}", expected.name, expected.ty, ty.name));
                let edit = edits::add_field(self.subgraph, ty, &format!("{}: {}", expected.name, expected.ty));
                self.errors.push(error.fix("add the field", edit));
                continue;
            };
            if !self.is_subtype(&expected.ty, &field.ty) {
                let error = super::problem(
                    self.subgraph,
                    Code::INVALID_GRAPHQL,
                    format_args!(
                        "\"{coordinate}\" returns \"{}\", but by the interface clients expect \"{}\" (\"{}.{}\").",
                        field.ty, expected.ty, interface.name, expected.name
                    ),
                )
                .on(coordinate.as_str())
                .at(self.subgraph.locate(field.span))
                .help(format!("return {}, or a type that is always one", expected.ty));
                let edit = edits::replace_type(self.subgraph, field.span, &field.ty, &expected.ty);
                self.errors.push(error.fix(format!("use type {}", expected.ty), edit));
            }
            self.implemented_arguments(&coordinate, interface, expected, field);
        }
    }

    fn implemented_arguments(&mut self, coordinate: &str, interface: &TypeDef, expected: &Field, field: &Field) {
        for argument in expected.args.values() {
            match field.args.get(&argument.name) {
                None => self.error(
                    coordinate,
                    format_args!(
                        "By the interface clients may give \"{}.{}({}:)\", but \"{coordinate}\" does not take that argument.",
                        interface.name, expected.name, argument.name
                    ),
                    field.span,
                    &format!("add the argument \"{}: {}\"", argument.name, argument.ty),
                ),
                Some(own) if own.ty != argument.ty => self.error(
                    coordinate,
                    format_args!(
                        "\"{coordinate}({}:)\" is of type \"{}\", but the interface has \"{}\" (\"{}.{}\"): the types of arguments must be equal.",
                        argument.name, own.ty, argument.ty, interface.name, expected.name
                    ),
                    own.span,
                    &format!("use the interface's type, {}", argument.ty),
                ),
                Some(_) => {}
            }
        }
        for own in field.args.values() {
            if !expected.args.contains_key(&own.name) && own.is_required() {
                self.error(
                    coordinate,
                    format_args!("\"{coordinate}\" requires the argument \"{}\", which clients that ask through the interface can't give: \"{}.{}\" does not have it.", own.name, interface.name, expected.name),
                    own.span,
                    "make the argument optional, or add it to the interface",
                );
            }
        }
    }

    fn is_subtype(&self, sup: &Type, sub: &Type) -> bool {
        match (sup, sub) {
            (Type::Named(a), Type::Named(b) | Type::NonNullNamed(b))
            | (Type::NonNullNamed(a), Type::NonNullNamed(b)) => a == b || self.is_possible(a, b),
            (Type::List(a), Type::List(b) | Type::NonNullList(b)) | (Type::NonNullList(a), Type::NonNullList(b)) => {
                self.is_subtype(a, b)
            }
            _ => false,
        }
    }

    fn is_possible(&self, sup: &Name, sub: &Name) -> bool {
        let types = &self.subgraph.schema.types;
        types.get(sup).is_some_and(|t| match t.kind {
            Kind::Union => t.members.contains_key(sub),
            Kind::Interface => types.get(sub).is_some_and(|s| s.implements.contains_key(sup)),
            _ => false,
        })
    }
}
