//! Which elements a contract hides: those that its tags say, and those that cannot stay without them.

use ahash::AHashSet;
use braid_graphql::compiler::ast::InputValueDefinition;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType};
use braid_graphql::view::Hidden;

use crate::error::ContractError;
use crate::filter::ContractFilter;
use crate::members::{Member, members};
use crate::source::{NONE, Source};

/// Hides elements of a supergraph, one after another.
pub(crate) struct Hiding<'s> {
    source: &'s Source<'s>,
    hidden: Hidden,
}

impl<'s> Hiding<'s> {
    /// What a filter hides of a supergraph, and the tags of it that no element has.
    pub(crate) fn under(
        source: &'s Source<'s>,
        filter: &ContractFilter,
    ) -> Result<(Hidden, Vec<String>), ContractError> {
        let mut hiding = Self { source, hidden: Hidden::nothing(source.elements.clone()) };
        let unknown_tags = hiding.apply_filter(filter);
        hiding.settle(filter)?;
        Ok((hiding.hidden, unknown_tags))
    }

    /// The types of the graph, with their numbers.
    fn types(&self) -> impl Iterator<Item = (usize, &'s ExtendedType)> + use<'s> {
        let source = self.source;
        source.schema.types.values().enumerate().filter(move |(ty, _)| source.types[*ty].is_own)
    }

    fn is_visible(&self, ty: u32) -> bool {
        ty == NONE || !self.hidden.has_type(ty as usize)
    }

    /// Hides what the supergraph hides by itself, and what the filter excludes. Returns the tags that no element has.
    fn apply_filter(&mut self, filter: &ContractFilter) -> Vec<String> {
        let source = self.source;
        let mut tags = Tags { source, filter, seen: AHashSet::new() };
        let elements = &source.elements;
        for (ty, definition) in self.types() {
            let of_type = tags.say(definition.directives());
            if of_type.excludes {
                self.hidden.hide_type(ty);
            }
            for (at, member) in members(definition).into_iter().enumerate() {
                let said = tags.say(member.directives()).within(of_type.includes);
                let is_required = matches!(member, Member::Input(input) if input.is_required());
                let number = elements.member(ty, at);
                if said.excludes || tags.leave_out(said.includes, is_required) {
                    self.hidden.hide_member(number);
                }
                for (at, argument) in member.arguments().iter().enumerate() {
                    let said = tags.say(&argument.directives).within(said.includes);
                    if said.excludes || tags.leave_out(said.includes, argument.is_required()) {
                        self.hidden.hide_argument(elements.argument(number, at));
                    }
                }
            }
        }
        let wanted = filter.include.iter().chain(&filter.exclude);
        wanted.filter(|tag| !tags.seen.contains(tag.as_str())).cloned().collect()
    }

    /// Hides all that cannot stay: what uses something hidden, what is empty, what cannot be reached.
    fn settle(&mut self, filter: &ContractFilter) -> Result<(), ContractError> {
        loop {
            self.spread();
            if filter.keep_unreachable || !self.hide_unreachable() {
                break;
            }
        }
        let schema = self.source.schema;
        let root = schema.schema_definition.query.as_ref().map(|root| root.to_string()).unwrap_or_default();
        let number = schema.types.get_index_of(root.as_str());
        match number.is_some_and(|number| !self.hidden.has_type(number)) {
            true => Ok(()),
            false => Err(ContractError::NothingLeft { root }),
        }
    }

    /// One element after another until nothing changes; each round hides at least one, so it ends.
    fn spread(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for (ty, definition) in self.types() {
                if !self.hidden.has_type(ty) {
                    changed |= self.spread_in(ty, definition);
                }
            }
        }
    }

    fn spread_in(&mut self, ty: usize, definition: &'s ExtendedType) -> bool {
        let source = self.source;
        let mut changed = false;
        let is_empty = match definition {
            ExtendedType::Scalar(_) => return false,
            ExtendedType::Union(_) => !source.types[ty].union.iter().any(|member| self.is_visible(*member)),
            _ => {
                let is_interface = matches!(definition, ExtendedType::Interface(_));
                let all = members(definition);
                for (at, member) in all.iter().enumerate() {
                    let number = source.elements.member(ty, at);
                    match member {
                        Member::Field(field) if !self.hidden.has_member(number) => {
                            changed |= self.spread_field(number, &field.arguments);
                            if is_interface && self.is_missing_below(ty, &field.name) {
                                changed |= self.hidden.hide_member(number);
                            }
                        }
                        Member::Input(input) => changed |= self.spread_input_field(ty, number, input),
                        Member::Field(_) | Member::Value(_) => {}
                    }
                }
                (0..all.len()).all(|at| self.hidden.has_member(source.elements.member(ty, at)))
            }
        };
        is_empty && self.hidden.hide_type(ty) || changed
    }

    /// A field of a hidden type goes, and so does an argument of one; a required argument takes the field along.
    fn spread_field(&mut self, field: usize, arguments: &[braid_graphql::Node<InputValueDefinition>]) -> bool {
        let source = self.source;
        let mut changed = false;
        for (at, argument) in arguments.iter().enumerate() {
            let number = source.elements.argument(field, at);
            if self.hidden.has_argument(number) || !self.is_visible(source.argument_types[number]) {
                changed |= self.hidden.hide_argument(number);
                changed |= argument.is_required() && self.hidden.hide_member(field);
            }
        }
        if !self.is_visible(source.member_types[field]) {
            changed |= self.hidden.hide_member(field);
        }
        changed
    }

    /// An input field of a hidden type goes; a required one takes its type along.
    fn spread_input_field(&mut self, ty: usize, field: usize, input: &InputValueDefinition) -> bool {
        if !self.hidden.has_member(field) && self.is_visible(self.source.member_types[field]) {
            return false;
        }
        let changed = self.hidden.hide_member(field);
        input.is_required() && self.hidden.hide_type(ty) || changed
    }

    /// Whether some visible implementation of the interface hides the field.
    fn is_missing_below(&self, interface: usize, field: &str) -> bool {
        let source = self.source;
        source.types[interface].implementers.iter().any(|ty| {
            let ty = *ty as usize;
            let definition = source.schema.types.get_index(ty).map(|(_, definition)| definition);
            let fields = definition.and_then(braid_graphql::schema::fields_of);
            let at = fields.and_then(|fields| fields.get_index_of(field));
            !self.hidden.has_type(ty) && at.is_some_and(|at| self.hidden.has_member(source.elements.member(ty, at)))
        })
    }

    /// Hides types that no visible field leads to. Tells whether there were any.
    fn hide_unreachable(&mut self) -> bool {
        let reached = self.reachable();
        let mut any = false;
        for (ty, _) in self.types().filter(|(ty, _)| !reached[*ty]) {
            any |= self.hidden.hide_type(ty);
        }
        any
    }

    fn reachable(&self) -> Vec<bool> {
        let Source { schema, elements, types, member_types, argument_types, .. } = self.source;
        let number = |name: &str| schema.types.get_index_of(name).map_or(NONE, |at| at as u32);
        let roots = schema.schema_definition.iter_root_operations();
        let mut todo: Vec<u32> = roots.map(|(_, root)| number(root)).collect();
        let executable = schema.directive_definitions.values().flat_map(|directive| &directive.arguments);
        todo.extend(executable.map(|argument| number(argument.ty.inner_named_type())));
        let mut reached = vec![false; types.len()];
        while let Some(ty) = todo.pop() {
            if ty == NONE || !self.is_visible(ty) || std::mem::replace(&mut reached[ty as usize], true) {
                continue;
            }
            let ty = ty as usize;
            let facts = &types[ty];
            todo.extend(facts.interfaces.iter().chain(&facts.union).chain(&facts.implementers));
            let first = elements.member(ty, 0);
            for (at, inner) in member_types[first..elements.member(ty + 1, 0)].iter().enumerate() {
                let member = first + at;
                if self.hidden.has_member(member) {
                    continue;
                }
                todo.push(*inner);
                let arguments = elements.argument(member, 0)..elements.argument(member + 1, 0);
                let shown = arguments.filter(|argument| !self.hidden.has_argument(*argument));
                todo.extend(shown.map(|argument| argument_types[argument]));
            }
        }
        reached
    }
}

/// What the tags of elements say under a filter.
struct Tags<'s> {
    source: &'s Source<'s>,
    filter: &'s ContractFilter,
    /// The tags that some element has.
    seen: AHashSet<&'s str>,
}

/// What is said of an element.
#[derive(Clone, Copy)]
struct Said {
    includes: bool,
    excludes: bool,
}

impl Said {
    /// An argument is included by its field, a field by its type.
    fn within(self, includes: bool) -> Self {
        Self { includes: self.includes || includes, ..self }
    }
}

impl<'s> Tags<'s> {
    fn say(&mut self, directives: &'s DirectiveList) -> Said {
        let names = &self.source.names;
        let mut said =
            Said { includes: false, excludes: names.inaccessible.as_deref().is_some_and(|name| directives.has(name)) };
        // Most elements have none.
        if directives.is_empty() {
            return said;
        }
        for directive in directives.get_all(&names.tag) {
            let Some(tag) = directive.specified_argument_by_name("name").and_then(|name| name.as_str()) else {
                continue;
            };
            self.seen.insert(tag);
            said.includes |= self.filter.include.iter().any(|wanted| wanted == tag);
            said.excludes |= self.filter.exclude.iter().any(|wanted| wanted == tag);
        }
        said
    }

    /// Whether an element with such tags belongs to the contract only if it is included. What must be given stays as long as its owner does.
    fn leave_out(&self, includes: bool, is_required: bool) -> bool {
        !self.filter.include.is_empty() && !includes && !is_required
    }
}
