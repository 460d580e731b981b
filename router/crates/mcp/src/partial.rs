//! A part of a schema that is a schema: some fields, and as much of all types they mention that the part can be read alone. Knows no search.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use braid_graphql::Name;
use braid_graphql::compiler::ast::Type;
use braid_graphql::compiler::schema::ExtendedType;

use crate::view::{View, fields};

/// How many plain fields a type has that nobody asked for, and that is only mentioned.
const MENTIONED_FIELDS: usize = 6;
/// How many members of a union are shown.
const MEMBERS: usize = 12;
/// How many optional fields of an input type, and values of an enum, are shown.
const OPTIONAL_INPUTS: usize = 40;
const VALUES: usize = 60;

/// A part of a schema. Types and fields are in the order of their names, so that equal parts are equal texts.
pub(crate) struct Partial<'a> {
    pub(crate) view: View<'a>,
    /// By type: the fields, input fields, values or members that are shown.
    pub(crate) types: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// The types whose mentions are to be followed.
    open: VecDeque<&'a str>,
}

impl<'a> Partial<'a> {
    /// Nothing yet.
    pub(crate) fn new(view: View<'a>) -> Self {
        Self { view, types: BTreeMap::new(), open: VecDeque::new() }
    }

    /// Adds a field of an object or interface type.
    pub(crate) fn add_field(&mut self, parent: &str, field: &str) {
        let Some(ty) = self.view.ty(parent) else { return };
        if let Some((name, _)) = fields(ty).find(|(name, _)| *name == field) {
            self.show(ty.name(), name);
        }
    }

    /// Adds a type with at most so many of its fields, values or members. Says how many it has.
    pub(crate) fn add_type(&mut self, name: &str, most: usize) -> usize {
        let Some(ty) = self.view.ty(name) else { return 0 };
        self.types.entry(ty.name()).or_default();
        let parts: Vec<&'a Name> = match ty {
            ExtendedType::Object(_) | ExtendedType::Interface(_) => fields(ty).map(|(name, _)| name).collect(),
            ExtendedType::InputObject(input) => input.fields.keys().collect(),
            ExtendedType::Enum(values) => values.values.keys().collect(),
            ExtendedType::Union(union) => union.members.iter().map(|member| &**member).collect(),
            ExtendedType::Scalar(_) => Vec::new(),
        };
        parts.iter().take(most).for_each(|part| self.show(ty.name(), part));
        parts.len()
    }

    /// The types that the fields shown so far mention, but which are not shown.
    pub(crate) fn mentioned(&self) -> BTreeSet<&'a str> {
        let shown = self.types.iter().flat_map(|(ty, parts)| parts.iter().map(move |part| (*ty, *part)));
        let mentioned = shown.flat_map(|(ty, part)| self.mentions(ty, part));
        mentioned.filter(|name| !self.types.contains_key(name) && self.is_own(name)).collect()
    }

    /// Adds what is missing for the part to be a schema: each type that is mentioned, with something in it, and a query type.
    pub(crate) fn close(&mut self) {
        if let Some(query) = self.view.schema().root_operation(braid_graphql::OperationType::Query) {
            self.mention(query);
        }
        self.open.extend(self.types.keys());
        while let Some(name) = self.open.pop_front() {
            self.complete(name);
            let parts: Vec<&'a str> = self.types.get(name).into_iter().flatten().copied().collect();
            for part in parts {
                for mentioned in self.mentions(name, part) {
                    self.mention(mentioned);
                }
            }
        }
    }

    fn show(&mut self, ty: &'a str, part: &'a Name) {
        self.types.entry(ty).or_default().insert(part);
    }

    /// Whether a type is defined by the schema, and not by GraphQL.
    fn is_own(&self, name: &str) -> bool {
        self.view.ty(name).is_some_and(|ty| !ty.is_built_in())
    }

    /// Shows something of a type that is mentioned.
    fn mention(&mut self, name: &str) {
        let Some(ty) = self.view.ty(name).filter(|ty| !ty.is_built_in()) else { return };
        if self.types.contains_key(ty.name().as_str()) {
            return;
        }
        self.types.insert(ty.name(), BTreeSet::new());
        self.open.push_back(ty.name());
    }

    /// Shows as much of a type as it needs to be one.
    fn complete(&mut self, name: &str) {
        let Some(ty) = self.view.ty(name) else { return };
        match ty {
            ExtendedType::Object(object) => {
                self.show_leaves(ty);
                // An object has the fields that its interfaces have.
                for interface in &object.implements_interfaces {
                    self.share_fields(ty, interface);
                }
            }
            ExtendedType::Interface(interface) => {
                self.show_leaves(ty);
                for parent in &interface.implements_interfaces {
                    self.share_fields(ty, parent);
                }
                // Those that are shown already have them too.
                let below: Vec<&'a str> = self.types.keys().copied().collect();
                for other in below {
                    if let Some(other) = self.view.ty(other).filter(|other| implements(other, name)) {
                        self.share_fields(other, name);
                    }
                }
            }
            ExtendedType::Union(union) => {
                let is_shown = self.types.get(name).is_some_and(|members| !members.is_empty());
                for member in union.members.iter().take(if is_shown { 0 } else { MEMBERS }) {
                    self.show(ty.name(), member);
                }
            }
            ExtendedType::Enum(values) => {
                let is_shown = self.types.get(name).is_some_and(|values| !values.is_empty());
                for value in values.values.keys().take(if is_shown { 0 } else { VALUES }) {
                    self.show(ty.name(), value);
                }
            }
            ExtendedType::InputObject(input) => {
                let required = input.fields.iter().filter(|(_, field)| field.is_required());
                required.for_each(|(name, _)| self.show(ty.name(), name));
                let optional = input.fields.iter().filter(|(_, field)| !field.is_required());
                optional.take(OPTIONAL_INPUTS).for_each(|(name, _)| self.show(ty.name(), name));
            }
            ExtendedType::Scalar(_) => {}
        }
    }

    /// The fields of an interface that are shown, in a type that implements it.
    fn share_fields(&mut self, ty: &'a ExtendedType, interface: &str) {
        let shared: Vec<&'a str> = self.types.get(interface).into_iter().flatten().copied().collect();
        let before = self.types.get(ty.name().as_str()).map_or(0, BTreeSet::len);
        for (name, _) in fields(ty).filter(|(name, _)| shared.contains(&name.as_str())) {
            self.show(ty.name(), name);
        }
        if self.types.get(ty.name().as_str()).map_or(0, BTreeSet::len) > before {
            self.open.push_back(ty.name());
        }
    }

    /// Some plain fields of a type of which nothing is shown. Without plain fields, one that needs nothing.
    fn show_leaves(&mut self, ty: &'a ExtendedType) {
        if self.types.get(ty.name().as_str()).is_some_and(|shown| !shown.is_empty()) {
            return;
        }
        let is_leaf =
            |ty: &Type| self.view.schema().types.get(ty.inner_named_type()).is_some_and(ExtendedType::is_leaf);
        let plain = fields(ty)
            .filter(|(_, field)| is_leaf(&field.ty) && !field.arguments.iter().any(|argument| argument.is_required()));
        let plain: Vec<&'a Name> = plain.map(|(name, _)| name).take(MENTIONED_FIELDS).collect();
        let first = || fields(ty).min_by_key(|(_, field)| field.arguments.len()).map(|(name, _)| name);
        let shown = if plain.is_empty() { first().into_iter().collect() } else { plain };
        shown.into_iter().for_each(|name| self.show(ty.name(), name));
    }

    /// The types that a part of a type mentions: of a field and its arguments, or a member of a union.
    fn mentions(&self, ty: &str, part: &str) -> Vec<&'a str> {
        let Some(ty) = self.view.ty(ty) else { return Vec::new() };
        match ty {
            ExtendedType::Object(_) | ExtendedType::Interface(_) => {
                let Some((_, field)) = fields(ty).find(|(name, _)| *name == part) else { return Vec::new() };
                let arguments = field.arguments.iter().map(|argument| argument.ty.inner_named_type().as_str());
                arguments.chain([field.ty.inner_named_type().as_str()]).collect()
            }
            ExtendedType::InputObject(input) => {
                input.fields.get(part).map(|field| field.ty.inner_named_type().as_str()).into_iter().collect()
            }
            ExtendedType::Union(union) => {
                union.members.iter().filter(|member| ***member == *part).map(|member| member.as_str()).collect()
            }
            ExtendedType::Enum(_) | ExtendedType::Scalar(_) => Vec::new(),
        }
    }
}

/// Whether an object or interface type implements an interface.
pub(crate) fn implements(ty: &ExtendedType, interface: &str) -> bool {
    match ty {
        ExtendedType::Object(object) => object.implements_interfaces.iter().any(|name| ***name == *interface),
        ExtendedType::Interface(other) => other.implements_interfaces.iter().any(|name| ***name == *interface),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use braid_authorization::Requirements;
    use braid_graphql::compiler::Schema;
    use braid_supergraph::Supergraph;

    use super::*;
    use crate::introspect::{DEEPEST, introspect};
    use crate::sdl::{self, Detail};
    use crate::search::Searchable;

    /// The shop's.
    const SHOP: &str = include_str!("../../../../schema/supergraph.graphql");

    fn with_views(sdl: &str, check: impl Fn(View<'_>)) {
        let supergraph = Supergraph::read(sdl).unwrap();
        let requirements = Requirements::read(&supergraph).unwrap();
        for mutations in [false, true] {
            check(View {
                supergraph: &supergraph,
                api: &supergraph.api_schema,
                requirements: &requirements,
                mutations,
            });
        }
    }

    fn check_valid(sdl: &str, of: &str) {
        let valid = Schema::parse_and_validate(sdl, "part.graphql");
        assert!(valid.is_ok(), "{of}: {}\n{sdl}", valid.unwrap_err().errors);
    }

    #[test]
    fn each_field_and_what_it_mentions_are_a_schema() {
        with_views(SHOP, |view| {
            for (name, ty) in view.types() {
                for (field, _) in fields(ty) {
                    let mut partial = Partial::new(view);
                    partial.add_field(name, field);
                    partial.close();
                    let sdl = sdl::write(&partial, Detail::Brief);
                    assert!(sdl.contains(&format!("  {field}")), "{sdl}");
                    check_valid(&sdl, &format!("{name}.{field}"));
                }
            }
        });
    }

    #[test]
    fn each_type_is_described_by_a_schema_of_bounded_size() {
        with_views(SHOP, |view| {
            for (name, _) in view.types() {
                for depth in 0..=DEEPEST {
                    let sdl = introspect(view, Some(name), depth).unwrap();
                    assert!(sdl.len() < 25_000, "{name}: {}", sdl.len());
                    check_valid(&sdl, name);
                }
            }
        });
    }

    #[test]
    fn what_a_search_finds_is_a_schema_of_bounded_size() {
        with_views(SHOP, |view| {
            let searchable = Searchable::new(view);
            let questions = view.types().flat_map(|(name, ty)| {
                let fields = fields(ty).map(|(field, _)| format!("{field} of a {name}")).collect::<Vec<_>>();
                fields.into_iter().chain([name.to_string()])
            });
            // Each third: the others are much like them.
            for question in questions.step_by(3) {
                let found = searchable.search(view, &question, 8);
                assert!(found.len() < 14_000, "{question}: {}", found.len());
                if !found.starts_with("Nothing") {
                    check_valid(&found, &question);
                }
            }
        });
    }

    #[test]
    fn what_clients_do_not_see_is_nowhere() {
        with_views(SHOP, |view| {
            let hidden: Vec<&str> = { view.supergraph.schema.types() }
                .map(|(_, ty)| ty.name.as_str())
                .filter(|name| *name != "Float" && !view.schema().types.contains_key(*name))
                .collect();
            assert!(hidden.contains(&"StockReservation"), "{hidden:?}");
            let searchable = Searchable::new(view);
            for name in hidden {
                assert!(introspect(view, Some(name), 1).unwrap_err().starts_with("There is no type"));
                let found = searchable.search(view, name, 20);
                assert!(
                    !found.contains(&format!("{name} ")) && !found.contains(&format!(": {name}\n")),
                    "{name}: {found}"
                );
            }
            for root in ["Mutation", "Subscription"] {
                let is_open = introspect(view, Some(root), 1).is_ok();
                assert_eq!(is_open, view.mutations && root == "Mutation", "{root}");
            }
        });
    }

    #[test]
    fn interfaces_unions_and_large_types_stay_schemas() {
        let fields: String = (0..400).map(|at| format!("f{at}(a: In): A ")).collect();
        let values: String = (0..90).map(|at| format!("V{at} ")).collect();
        let members: String = (0..30).map(|at| format!("type M{at} {{ x: M{at} }} ")).collect();
        let union = (0..30).map(|at| format!("M{at}")).collect::<Vec<_>>().join(" | ");
        let sdl = format!(
            "type Query {{ {fields} u: U n: N }} {members} union U = {union} enum E {{ {values} }}
             input In {{ e: E! in: [In!] one: One }} input One @oneOf {{ a: Int b: In }}
             interface N {{ id: ID! up: N }} interface B implements N {{ id: ID! up: B b: Int }}
             type A implements B & N {{ id: ID! up: A b: Int u: U }}"
        );
        let subgraph = braid_composition::SubgraphSdl { name: "a".to_owned(), sdl, ..Default::default() };
        let supergraph = braid_composition::compose(&[subgraph]).result.unwrap().supergraph_sdl;
        with_views(&supergraph, |view| {
            for (name, ty) in view.types() {
                for depth in 0..=DEEPEST {
                    check_valid(&introspect(view, Some(name), depth).unwrap(), name);
                }
                for (field, _) in super::fields(ty) {
                    check_valid(&introspect(view, Some(&format!("{name}.{field}")), 2).unwrap(), name);
                }
            }
        });
    }
}
