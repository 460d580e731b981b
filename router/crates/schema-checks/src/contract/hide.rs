//! Which elements a contract hides: those that its tags say, and those that cannot stay without them.

use ahash::AHashSet;
use braid_graphql::Name;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType, FieldDefinition, InputValueDefinition};
use braid_graphql::schema::fields_of;

use super::error::ContractError;
use super::filter::ContractFilter;
use super::names::Names;

/// The coordinates that clients do not see.
pub(super) struct Hidden {
    coordinates: AHashSet<String>,
}

impl Hidden {
    /// What the supergraph hides by itself.
    pub(super) fn already(schema: &Schema, names: &Names) -> Self {
        let mut hidden = Self { coordinates: AHashSet::new() };
        let is = |directives: &DirectiveList| names.inaccessible.as_deref().is_some_and(|name| directives.has(name));
        for_each(schema, |coordinate, _, directives| {
            if is(directives) {
                hidden.coordinates.insert(coordinate.to_owned());
            }
        });
        hidden
    }

    pub(super) fn has(&self, coordinate: &str) -> bool {
        self.coordinates.contains(coordinate)
    }

    fn hide(&mut self, coordinate: impl Into<String>) -> bool {
        self.coordinates.insert(coordinate.into())
    }

    /// Hides what the filter excludes. Returns the tags that no element has.
    pub(super) fn apply_filter(&mut self, schema: &Schema, filter: &ContractFilter, names: &Names) -> Vec<String> {
        let tag = names.tag.as_str();
        let mut seen: AHashSet<String> = AHashSet::new();
        let mut hide = Vec::new();
        let mut included: AHashSet<String> = AHashSet::new();
        for_each(schema, |coordinate, parent, directives| {
            let tags: Vec<&str> = directives
                .get_all(tag)
                .filter_map(|directive| directive.specified_argument_by_name("name")?.as_str())
                .collect();
            seen.extend(tags.iter().map(|tag| (*tag).to_owned()));
            let has_tag = |wanted: &[String]| tags.iter().any(|tag| wanted.iter().any(|name| name == tag));
            // An argument is included by its field, a field by its type.
            if has_tag(&filter.include) || parent.is_some_and(|parent| included.contains(parent)) {
                included.insert(coordinate.to_owned());
            }
            let excluded = has_tag(&filter.exclude);
            let left_out = !filter.include.is_empty()
                && parent.is_some()
                && !included.contains(coordinate)
                && !is_required(schema, coordinate);
            if excluded || left_out {
                hide.push(coordinate.to_owned());
            }
        });
        self.coordinates.extend(hide);
        let wanted = filter.include.iter().chain(&filter.exclude);
        wanted.filter(|tag| !seen.contains(*tag)).cloned().collect()
    }

    /// Hides all that cannot stay: what uses something hidden, what is empty, what cannot be reached.
    pub(super) fn settle(&mut self, schema: &Schema, filter: &ContractFilter) -> Result<(), ContractError> {
        loop {
            self.spread(schema);
            if filter.keep_unreachable || !self.hide_unreachable(schema) {
                break;
            }
        }
        let root = schema.schema_definition.query.as_ref().map(|root| root.to_string()).unwrap_or_default();
        if root.is_empty() || self.has(&root) { Err(ContractError::NothingLeft { root }) } else { Ok(()) }
    }

    /// One element after another until nothing changes; each round hides at least one, so it ends.
    fn spread(&mut self, schema: &Schema) {
        let mut changed = true;
        while changed {
            changed = false;
            for (name, ty) in types(schema) {
                if !self.has(name) {
                    changed |= self.spread_in(schema, name, ty);
                }
            }
        }
    }

    fn spread_in(&mut self, schema: &Schema, name: &Name, ty: &ExtendedType) -> bool {
        match ty {
            ExtendedType::Object(object) => {
                let changed = self.spread_fields(name, object.fields.values().map(|field| field.as_ref()));
                self.hide_if(name, object.fields.keys().all(|field| self.has(&format!("{name}.{field}")))) || changed
            }
            ExtendedType::Interface(interface) => {
                let mut changed = self.spread_fields(name, interface.fields.values().map(|field| field.as_ref()));
                for field in interface.fields.keys() {
                    let coordinate = format!("{name}.{field}");
                    if !self.has(&coordinate) && self.is_missing_below(schema, name, field) {
                        changed |= self.hide(coordinate);
                    }
                }
                let empty = interface.fields.keys().all(|field| self.has(&format!("{name}.{field}")));
                self.hide_if(name, empty) || changed
            }
            ExtendedType::Union(union) => {
                let empty = union.members.iter().all(|member| self.has(member.as_str()));
                self.hide_if(name, empty)
            }
            ExtendedType::Enum(definition) => {
                let empty = definition.values.keys().all(|value| self.has(&format!("{name}.{value}")));
                self.hide_if(name, empty)
            }
            ExtendedType::InputObject(input) => {
                let mut changed = false;
                for field in input.fields.values() {
                    changed |= self.spread_input(&format!("{name}.{}", field.name), name, field);
                }
                let empty = input.fields.keys().all(|field| self.has(&format!("{name}.{field}")));
                self.hide_if(name, empty) || changed
            }
            ExtendedType::Scalar(_) => false,
        }
    }

    fn hide_if(&mut self, name: &Name, empty: bool) -> bool {
        empty && self.hide(name.as_str())
    }

    fn spread_fields<'a>(&mut self, ty: &Name, fields: impl Iterator<Item = &'a FieldDefinition>) -> bool {
        let mut changed = false;
        for field in fields {
            let coordinate = format!("{ty}.{}", field.name);
            if self.has(&coordinate) {
                continue;
            }
            for argument in &field.arguments {
                changed |= self.spread_input(&format!("{coordinate}({}:)", argument.name), &coordinate, argument);
            }
            if self.has(field.ty.inner_named_type()) {
                changed |= self.hide(coordinate);
            }
        }
        changed
    }

    /// An argument or input field of a hidden type goes; a required one takes along what demands it.
    fn spread_input(&mut self, coordinate: &str, owner: &str, input: &InputValueDefinition) -> bool {
        let hidden = self.has(coordinate);
        if !hidden && !self.has(input.ty.inner_named_type()) {
            return false;
        }
        let itself = !hidden && self.hide(coordinate);
        let owner = input.is_required() && !self.has(owner) && self.hide(owner);
        itself || owner
    }

    /// Whether some visible implementation of the interface hides the field.
    fn is_missing_below(&self, schema: &Schema, interface: &Name, field: &Name) -> bool {
        types(schema).any(|(name, ty)| {
            let implements = match ty {
                ExtendedType::Object(object) => object.implements_interfaces.iter().any(|it| it.as_ref() == interface),
                ExtendedType::Interface(it) => it.implements_interfaces.iter().any(|it| it.as_ref() == interface),
                _ => false,
            };
            implements && !self.has(name) && self.has(&format!("{name}.{field}"))
        })
    }

    /// Hides types that no visible field leads to. Tells whether there were any.
    fn hide_unreachable(&mut self, schema: &Schema) -> bool {
        let reached = self.reachable(schema);
        let unreachable: Vec<String> = types(schema)
            .filter(|(name, _)| !self.has(name) && !reached.contains(*name))
            .map(|(name, _)| name.to_string())
            .collect();
        let any = !unreachable.is_empty();
        self.coordinates.extend(unreachable);
        any
    }

    fn reachable<'a>(&self, schema: &'a Schema) -> AHashSet<&'a Name> {
        let roots = schema.schema_definition.iter_root_operations();
        let mut todo: Vec<&'a Name> = roots.map(|(_, root)| root.as_ref()).collect();
        let executable = schema.directive_definitions.values().flat_map(|directive| &directive.arguments);
        todo.extend(executable.map(|argument| argument.ty.inner_named_type()));
        let mut reached: AHashSet<&'a Name> = AHashSet::new();
        while let Some(name) = todo.pop() {
            if self.has(name) || !reached.insert(name) {
                continue;
            }
            match schema.types.get(name) {
                Some(ExtendedType::Object(object)) => {
                    self.follow(name, object.fields.values().map(|field| field.as_ref()), &mut todo);
                    todo.extend(object.implements_interfaces.iter().map(|it| it.as_ref()));
                }
                Some(ExtendedType::Interface(interface)) => {
                    self.follow(name, interface.fields.values().map(|field| field.as_ref()), &mut todo);
                    todo.extend(interface.implements_interfaces.iter().map(|it| it.as_ref()));
                    todo.extend(implementers(schema, name));
                }
                Some(ExtendedType::Union(union)) => todo.extend(union.members.iter().map(|member| member.as_ref())),
                Some(ExtendedType::InputObject(input)) => {
                    let shown = input.fields.values().filter(|field| !self.has(&format!("{name}.{}", field.name)));
                    todo.extend(shown.map(|field| field.ty.inner_named_type()));
                }
                _ => {}
            }
        }
        reached
    }

    fn follow<'a>(&self, ty: &Name, fields: impl Iterator<Item = &'a FieldDefinition>, todo: &mut Vec<&'a Name>) {
        for field in fields {
            let coordinate = format!("{ty}.{}", field.name);
            if self.has(&coordinate) {
                continue;
            }
            todo.push(field.ty.inner_named_type());
            let shown =
                field.arguments.iter().filter(|argument| !self.has(&format!("{coordinate}({}:)", argument.name)));
            todo.extend(shown.map(|argument| argument.ty.inner_named_type()));
        }
    }
}

fn implementers<'a>(schema: &'a Schema, interface: &Name) -> impl Iterator<Item = &'a Name> {
    types(schema)
        .filter(move |(_, ty)| match ty {
            ExtendedType::Object(object) => object.implements_interfaces.iter().any(|it| it.as_ref() == interface),
            ExtendedType::Interface(it) => it.implements_interfaces.iter().any(|it| it.as_ref() == interface),
            _ => false,
        })
        .map(|(name, _)| name)
}

/// The types of the graph, without those that specifications bring along.
pub(super) fn types(schema: &Schema) -> impl Iterator<Item = (&Name, &ExtendedType)> {
    schema.types.iter().filter(|(name, ty)| !ty.is_built_in() && !name.contains("__"))
}

/// Visits every element with its coordinate, its parent's and its directives; parents first.
fn for_each(schema: &Schema, mut visit: impl FnMut(&str, Option<&str>, &DirectiveList)) {
    for (name, ty) in types(schema) {
        visit(name, None, ty.directives());
        for field in fields_of(ty).into_iter().flat_map(|fields| fields.values()) {
            let coordinate = format!("{name}.{}", field.name);
            visit(&coordinate, Some(name), &field.directives);
            for argument in &field.arguments {
                visit(&format!("{coordinate}({}:)", argument.name), Some(&coordinate), &argument.directives);
            }
        }
        match ty {
            ExtendedType::Enum(definition) => {
                for value in definition.values.values() {
                    visit(&format!("{name}.{}", value.value), Some(name), &value.directives);
                }
            }
            ExtendedType::InputObject(input) => {
                for field in input.fields.values() {
                    visit(&format!("{name}.{}", field.name), Some(name), &field.directives);
                }
            }
            _ => {}
        }
    }
}

/// Whether the coordinate is an argument or input field that must be given: it stays as long as its owner does.
fn is_required(schema: &Schema, coordinate: &str) -> bool {
    let Some((ty, rest)) = coordinate.split_once('.') else { return false };
    if let Some((field, argument)) = rest.split_once('(') {
        let argument = argument.trim_end_matches(":)");
        let definition = schema.type_field(ty, field).ok();
        return definition.and_then(|field| field.argument_by_name(argument)).is_some_and(|it| it.is_required());
    }
    schema.get_input_object(ty).and_then(|input| input.fields.get(rest)).is_some_and(|field| field.is_required())
}
