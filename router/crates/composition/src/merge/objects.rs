//! Objects and interfaces: the fields of all subgraphs together, and which subgraphs may resolve each.

use ahash::AHashSet;
use braid_graphql::compiler::Name;
use braid_graphql::schema::NameMap;
use braid_supergraph::join_spec::draft::{DraftField, DraftKind};

use super::merger::{Merger, Sources, by_name, with_room};
use super::overrides::Overrides;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Edit, Location, excerpt};
use crate::subgraph::model::{Directives, Field, Kind, TypeDef, is_root};
use crate::subgraph::spec::Known;
use braid_graphql::suggest::did_you_mean;

impl<'a> Merger<'a> {
    pub(super) fn merge_object(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> NameMap<DraftField> {
        let keyed: Vec<usize> = sources.iter().filter(|(_, t)| t.has(Known::Key)).map(|(i, _)| *i).collect();
        if !keyed.is_empty() && keyed.len() < sources.len() {
            let hint = self.inconsistent(
                Code::INCONSISTENT_ENTITY,
                format!("\"{name}\" has a @key in some subgraphs only. The others can return it, but the router can't ask them for the fields of a particular \"{name}\""),
                name,
                &keyed,
                sources,
                |ty| ty.span,
            );
            self.hints.push(hint.help(format!(
                "add the @key in the other subgraphs if they should be able to add fields to \"{name}\""
            )));
        }
        let value_type = keyed.is_empty() && !is_root(name);
        let fields = by_name(sources.iter().map(|(i, t)| (*i, &t.fields)));
        let mut merged = with_room(fields.len());
        for (field, having) in fields {
            // A type with external fields only is just a reference and lacks nothing.
            let lacks = |(i, t): &(usize, &TypeDef)| {
                having.binary_search_by_key(i, |(h, _)| *h).is_err() && !t.fields.values().all(|f| f.facts.external)
            };
            if value_type && having.len() < sources.len() && sources.iter().any(lacks) {
                let graphs: Vec<usize> = having.iter().map(|(i, _)| *i).collect();
                let hint = self.inconsistent(
                    Code::INCONSISTENT_OBJECT_VALUE_TYPE_FIELD,
                    format!("Clients can select \"{name}.{field}\" only where the object comes from a subgraph that has the field: without a @key the router can't fetch it from elsewhere"),
                    &format!("{name}.{field}"),
                    &graphs,
                    sources,
                    |ty| ty.fields.get(field).and_then(|f| f.span),
                );
                self.hints.push(hint);
            }
            let overrides = self.merge_override(name, field, &having);
            if name == "Subscription" {
                self.check_subscription(field, &having);
            }
            if let Some(made) = self.merge_field(name, field, sources, &having, &overrides) {
                merged.insert(field.clone(), made);
            }
            self.check_sharing(name, field, &having, &overrides);
        }
        merged
    }

    pub(super) fn merge_interface(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> NameMap<DraftField> {
        let has_key = self.check_interface_keys(name, sources);
        self.check_interface_objects(name, sources);
        let mut merged = NameMap::default();
        for (field, having) in by_name(sources.iter().map(|(i, t)| (*i, &t.fields))) {
            if !has_key && having.len() < sources.len() {
                let graphs: Vec<usize> = having.iter().map(|(i, _)| *i).collect();
                let hint = self.inconsistent(
                    Code::INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD,
                    format!("Interface \"{name}\" has the field \"{field}\" in some subgraphs only. The supergraph's interface has it, so every implementation must"),
                    &format!("{name}.{field}"),
                    &graphs,
                    sources,
                    |ty| ty.fields.get(field).and_then(|f| f.span),
                );
                self.hints.push(hint);
            }
            let overrides = self.merge_override(name, field, &having);
            if let Some(made) = self.merge_field(name, field, sources, &having, &overrides) {
                merged.insert(field.clone(), made);
            }
        }
        merged
    }

    /// A subgraph that is asked for objects by an interface's key must define all implementations.
    fn check_interface_keys(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) -> bool {
        let implementations: Vec<Name> = self.objects_below(name).map(|ty| ty.name.clone()).collect();
        for (index, ty) in sources.iter().filter(|(_, t)| t.kind == Kind::Interface) {
            let resolvable = ty.all(Known::Key).find(|k| k.bool_arg("resolvable") != Some(false));
            let Some(key) = resolvable else { continue };
            let here: AHashSet<Name> =
                self.subgraphs[*index].schema.runtime_types(ty).iter().map(|t| t.name.clone()).collect();
            let missing: Vec<&Name> = implementations.iter().filter(|t| !here.contains(*t)).collect();
            if missing.is_empty() {
                continue;
            }
            let list: Vec<String> = missing.iter().map(|n| format!("\"{n}\"")).collect();
            let subgraph = &self.subgraphs[*index];
            let edit = crate::validate::edits::set_resolvable_false(subgraph, key);
            self.errors.push(
                Diagnostic::new(
                    Code::INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE,
                    format!("[{}] With @key(fields: \"{}\") this subgraph promises to find any \"{name}\", but it does not define {}, which other subgraphs list as implementations.", subgraph.name, excerpt(key.str_arg("fields").unwrap_or_default()), list.join(" and ")),
                )
                .on(name.as_str())
                .at(self.locate(*index, key.span))
                .help(format!("define {} in \"{}\" as implementing \"{name}\", or write `resolvable: false` in the key if the router never needs to find objects here", list.join(" and "), subgraph.name))
                .fix("make the key not resolvable", edit),
            );
        }
        sources.iter().any(|(_, t)| t.has(Known::Key))
    }

    fn check_interface_objects(&mut self, name: &Name, sources: &Sources<'a, TypeDef>) {
        for (index, ty) in sources.iter().filter(|(_, t)| t.is_interface_object()) {
            let implementations = self.implementations.get(name).into_iter().flatten();
            let here: Vec<&Name> = implementations.filter(|n| self.type_in(*index, n).is_some()).collect();
            if here.is_empty() {
                continue;
            }
            let list: Vec<String> = here.iter().map(|n| format!("\"{n}\"")).collect();
            let subgraph = &self.subgraphs[*index];
            self.errors.push(
                Diagnostic::new(
                    Code::INTERFACE_OBJECT_USAGE_ERROR,
                    format!("[{}] An @interfaceObject represents all implementations of \"{name}\" in a subgraph that does not know them, but this subgraph also defines {}.", subgraph.name, list.join(" and ")),
                )
                .on(name.as_str())
                .at(self.locate(*index, ty.span))
                .help(format!("remove {} from \"{}\", or make \"{name}\" a real interface there", list.join(" and "), subgraph.name)),
            );
        }
    }

    fn check_subscription(&mut self, field: &Name, having: &[(usize, &'a Field)]) {
        for (index, f) in having {
            let type_level = self.type_in(*index, "Subscription").is_some_and(|t| t.has(Known::Shareable));
            if f.has(Known::Shareable) || type_level {
                let edit = f
                    .get(Known::Shareable)
                    .and_then(|a| crate::validate::edits::remove_application(&self.subgraphs[*index], a));
                self.errors.push(
                    Diagnostic::new(
                        Code::INVALID_FIELD_SHARING,
                        format!("\"Subscription.{field}\" is @shareable in {}, but the events of a subscription must come from a single subgraph.", self.names([*index])),
                    )
                    .on(format!("Subscription.{field}"))
                    .at(self.locate(*index, f.span))
                    .help("remove @shareable, and keep the field in one subgraph")
                    .fix("remove @shareable", edit),
                );
            }
        }
    }

    pub(super) fn check_sharing(
        &mut self,
        name: &Name,
        field: &Name,
        having: &[(usize, &'a Field)],
        overrides: &Overrides,
    ) {
        // A field of one subgraph is not shared.
        if having.len() < 2 && self.interface_objects.is_empty() {
            return;
        }
        let own = having.iter().filter(|(index, f)| !overrides.is_overridden(*index) && !f.facts.fully_external());
        let mut resolving: Vec<(usize, &Field)> = own.copied().collect();
        resolving.extend(self.abstracted(name, field).into_iter().filter(|(_, f)| !f.facts.fully_external()));
        resolving.sort_by_key(|(index, _)| *index);
        let bad: Vec<&(usize, &Field)> = resolving.iter().filter(|(_, f)| !f.facts.shareable).collect();
        if bad.is_empty() || resolving.len() < 2 {
            return;
        }
        let coordinate = format!("{name}.{field}");
        let mut message = format!(
            "\"{coordinate}\" is resolved in {}. The router may ask any of them only if all promise the same value with @shareable, but @shareable is missing in {}.",
            self.names(resolving.iter().map(|r| r.0)),
            match bad.len() == resolving.len() {
                true => "all of them".to_string(),
                false => self.names(bad.iter().map(|r| r.0)),
            }
        );
        if let Some((index, from)) = overrides.unknown.first() {
            message.push_str(&format!(
                " The @override in {} has no effect, since there is no subgraph \"{from}\".{}",
                self.names([*index]),
                did_you_mean(from, self.subgraphs.iter().map(|s| &*s.name))
            ));
        }
        let at: Vec<Location> = resolving.iter().filter_map(|r| self.locate(r.0, r.1.span)).collect();
        let diagnostic = Diagnostic::new(Code::INVALID_FIELD_SHARING, message).on(coordinate.as_str()).at(at);
        match &self.advised {
            Some((ty, Some(help))) if ty == name => return self.errors.push(diagnostic.help(help.clone())),
            Some((ty, None)) if ty == name => {}
            _ => {
                let advice = self.entity_advice(name);
                self.advised = Some((name.clone(), advice.as_ref().map(|(help, _)| help.clone())));
                if let Some((help, edits)) = advice {
                    let title = format!("make \"{name}\" an entity");
                    return self.errors.push(diagnostic.help(help).fix(title, edits));
                }
            }
        }
        let edits: Vec<Edit> = bad
            .iter()
            .filter_map(|r| crate::validate::edits::append_to_field(&self.subgraphs[r.0], r.1, Known::Shareable))
            .collect();
        let diagnostic = diagnostic.help(format!(
            "if all of them return the same value, mark \"{coordinate}\" @shareable in {}; if one has taken it over, use @override there; if one only refers to it, use @external there",
            self.names(bad.iter().map(|r| r.0))
        ));
        self.errors.push(match name == "Subscription" {
            true => diagnostic,
            false => diagnostic.fix(format!("mark \"{coordinate}\" @shareable"), edits),
        });
    }

    /// The fields that an object gets from interface objects, each with its subgraph.
    pub(super) fn abstracted(&self, name: &Name, field: &Name) -> Vec<(usize, &'a Field)> {
        if self.interface_objects.is_empty() {
            return Vec::new();
        }
        let ty = self.draft.types.get(name).filter(|ty| ty.kind == DraftKind::Object);
        ty.into_iter()
            .flat_map(|ty| ty.implements.keys())
            .filter_map(|interface| Some((interface, self.interface_objects.get(interface)?)))
            .flat_map(|(interface, graphs)| graphs.iter().map(move |index| (interface, *index)))
            .filter(|(_, index)| self.type_in(*index, name).is_none())
            .filter_map(|(interface, index)| Some((index, self.type_in(index, interface)?.fields.get(field)?)))
            .collect()
    }
}
