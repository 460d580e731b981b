//! A supergraph whose contracts are wanted: what each of them has to know, looked up once. Knows no filter.

use std::sync::Arc;

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::view::{ApiView, Elements, Hidden};

use crate::check::check;
use crate::hide::Hiding;
use crate::members::{Member, is_own, members};
use crate::names::Names;
use crate::{ContractError, ContractFilter, ContractView};

/// A supergraph whose contracts are wanted. Types, members and arguments are meant by their numbers ([`Elements`]).
#[derive(Debug)]
pub struct Source<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) names: Names,
    pub(crate) elements: Arc<Elements>,
    pub(crate) types: Vec<TypeFacts>,
    /// The type of each field and input field; [`NONE`] of enum values.
    pub(crate) member_types: Vec<u32>,
    pub(crate) argument_types: Vec<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct TypeFacts {
    /// Whether it is a type of the graph.
    pub(crate) is_own: bool,
    /// The interfaces that it implements.
    pub(crate) interfaces: Vec<u32>,
    /// The object types and interfaces that implement it.
    pub(crate) implementers: Vec<u32>,
    /// The members of a union.
    pub(crate) union: Vec<u32>,
}

/// No type.
pub(crate) const NONE: u32 = u32::MAX;

impl<'a> Source<'a> {
    /// Looks at a supergraph (its SDL as parsed, with all directives).
    pub fn new(schema: &'a Schema) -> Self {
        let number = |name: &str| schema.types.get_index_of(name).map_or(NONE, |at| at as u32);
        let mut types: Vec<TypeFacts> = Vec::with_capacity(schema.types.len());
        let (mut member_types, mut argument_types) = (Vec::new(), Vec::new());
        for (name, ty) in &schema.types {
            let known = |names: &mut dyn Iterator<Item = &str>| names.map(number).filter(|ty| *ty != NONE).collect();
            let (interfaces, union) = match ty {
                ExtendedType::Object(it) => {
                    (known(&mut it.implements_interfaces.iter().map(|it| it.as_str())), Vec::new())
                }
                ExtendedType::Interface(it) => {
                    (known(&mut it.implements_interfaces.iter().map(|it| it.as_str())), Vec::new())
                }
                ExtendedType::Union(it) => (Vec::new(), known(&mut it.members.iter().map(|it| it.as_str()))),
                _ => (Vec::new(), Vec::new()),
            };
            types.push(TypeFacts { is_own: is_own(name, ty), interfaces, union, implementers: Vec::new() });
            for member in members(ty) {
                member_types.push(match member {
                    Member::Field(field) => number(field.ty.inner_named_type()),
                    Member::Input(input) => number(input.ty.inner_named_type()),
                    Member::Value(_) => NONE,
                });
                argument_types.extend(member.arguments().iter().map(|argument| number(argument.ty.inner_named_type())));
            }
        }
        for ty in 0..types.len() {
            if types[ty].is_own {
                for interface in types[ty].interfaces.clone() {
                    types[interface as usize].implementers.push(ty as u32);
                }
            }
        }
        let (names, elements) = (Names::of(schema), Arc::new(Elements::of(schema)));
        Self { schema, names, elements, types, member_types, argument_types }
    }

    /// A contract as a view of the supergraph's API schema, whose elements have the numbers in `elements`.
    pub fn view(
        &self,
        filter: &ContractFilter,
        api: &Valid<Schema>,
        elements: &Arc<Elements>,
    ) -> Result<ContractView, ContractError> {
        filter.check()?;
        let (hidden, unknown_tags) = Hiding::under(self, filter)?;
        let hidden = self.in_api(&hidden, api, elements);
        check(ApiView::new(api, Some(&hidden)))?;
        Ok(ContractView { hidden, unknown_tags })
    }

    /// What is hidden of the supergraph, as it is hidden of the API schema. Both have their elements in the same order, and the API schema lacks some.
    fn in_api(&self, of_source: &Hidden, api: &Schema, elements: &Arc<Elements>) -> Hidden {
        let mut hidden = Hidden::nothing(elements.clone());
        let own = &self.elements;
        for (to, (name, shown)) in api.types.iter().enumerate() {
            let Some((from, _, all)) = self.schema.types.get_full(name) else { continue };
            if of_source.has_type(from) {
                hidden.hide_type(to);
            }
            let (all, mut at) = (members(all), 0);
            for (place, member) in members(shown).into_iter().enumerate() {
                while all.get(at).is_some_and(|other| other.name() != member.name()) {
                    at += 1;
                }
                let Some(other) = all.get(at) else { break };
                let (from, to) = (own.member(from, at), elements.member(to, place));
                if of_source.has_member(from) {
                    hidden.hide_member(to);
                }
                let mut number = 0;
                for (place, argument) in member.arguments().iter().enumerate() {
                    let all = other.arguments();
                    while all.get(number).is_some_and(|other| other.name != argument.name) {
                        number += 1;
                    }
                    if number < all.len() && of_source.has_argument(own.argument(from, number)) {
                        hidden.hide_argument(elements.argument(to, place));
                    }
                }
                at += 1;
            }
        }
        hidden
    }
}
