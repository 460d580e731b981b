//! A schema and which subgraph has what of it, before it is written as SDL. Knows nothing of chance.

use std::collections::BTreeMap;

/// All types of a world, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) types: BTreeMap<String, TypeModel>,
    pub(super) subgraphs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Entity,
    Value,
    Interface,
    Union,
    Enum,
    Input,
}

#[derive(Debug, Clone)]
pub(super) struct TypeModel {
    pub(super) kind: Kind,
    pub(super) fields: Vec<FieldModel>,
    /// Implementations, members, enum values, or input fields as written.
    pub(super) members: Vec<String>,
    pub(super) present: BTreeMap<usize, Presence>,
}

/// How a type is in a subgraph.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Presence {
    /// Each with whether it is resolvable.
    pub(super) keys: Vec<(String, bool)>,
    pub(super) interface_object: bool,
    /// The context that the type sets.
    pub(super) context: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct FieldModel {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) arguments: Vec<ArgumentModel>,
    pub(super) inaccessible: bool,
    pub(super) at: BTreeMap<usize, Placement>,
}

#[derive(Debug, Clone)]
pub(super) struct ArgumentModel {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) default: Option<String>,
}

/// How a field is in a subgraph.
#[derive(Debug, Clone, Default)]
pub(super) struct Placement {
    /// The type there, when it differs.
    pub(super) ty: Option<String>,
    pub(super) external: bool,
    pub(super) shareable: bool,
    pub(super) requires: Option<String>,
    pub(super) provides: Option<String>,
    /// The subgraph that it was taken from, and the label.
    pub(super) overrides: Option<(usize, Option<String>)>,
}

/// The name of a subgraph.
pub(super) fn subgraph_name(at: usize) -> String {
    format!("s{at}")
}

/// The named type in a type reference.
pub(super) fn inner(ty: &str) -> &str {
    ty.trim_matches(['[', ']', '!'])
}

impl TypeModel {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, fields: Vec::new(), members: Vec::new(), present: BTreeMap::new() }
    }

    pub(super) fn field(&self, name: &str) -> Option<&FieldModel> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn is_composite(&self) -> bool {
        !matches!(self.kind, Kind::Enum | Kind::Input)
    }
}

impl FieldModel {
    pub(super) fn new(name: &str, ty: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty: ty.to_owned(),
            arguments: Vec::new(),
            inaccessible: false,
            at: BTreeMap::new(),
        }
    }

    /// Whether `subgraph` resolves the field wherever it has the object.
    pub(super) fn is_resolved_at(&self, subgraph: usize) -> bool {
        self.at.get(&subgraph).is_some_and(|placement| !placement.external) && !self.is_taken_from(subgraph)
    }

    pub(super) fn is_taken_from(&self, subgraph: usize) -> bool {
        self.at.values().any(|placement| placement.overrides.as_ref().is_some_and(|(from, _)| *from == subgraph))
    }
}

impl Model {
    pub(super) fn ty(&self, name: &str) -> &TypeModel {
        &self.types[name]
    }

    pub(super) fn ty_mut(&mut self, name: &str) -> &mut TypeModel {
        self.types.get_mut(name).unwrap()
    }

    /// Whether no subgraph that knows an interface as an object has one of its implementations: a field that was added later can
    /// bring one there.
    pub(super) fn keeps_interface_objects_apart(&self) -> bool {
        self.types.values().all(|ty| {
            let mut objects = ty.present.iter().filter(|(_, presence)| presence.interface_object);
            objects.all(|(at, _)| ty.members.iter().all(|member| !self.types[member].present.contains_key(at)))
        })
    }

    /// Adds to each subgraph what its fields refer to: references to entities, whole value types, members.
    pub(super) fn close(&mut self) {
        loop {
            let mut missing = Vec::new();
            for ty in self.types.values() {
                for field in &ty.fields {
                    let arguments = field.arguments.iter().map(|argument| inner(&argument.ty));
                    for target in arguments.chain([inner(&field.ty)]) {
                        let Some(known) = self.types.get(target) else { continue };
                        let absent = field.at.keys().filter(|at| !known.present.contains_key(at));
                        missing.extend(absent.map(|at| (target.to_owned(), *at)));
                    }
                }
                if matches!(ty.kind, Kind::Interface | Kind::Union) {
                    for (at, presence) in &ty.present {
                        let absent = |member: &&String| !self.types[*member].present.contains_key(at);
                        if !presence.interface_object {
                            missing.extend(ty.members.iter().filter(absent).map(|member| (member.clone(), *at)));
                        }
                    }
                }
            }
            let (filter, color) = (&self.types["Filter"], &self.types["Color"]);
            let used = filter.present.keys().filter(|at| !color.present.contains_key(at));
            missing.extend(used.map(|at| ("Color".to_owned(), *at)));
            if missing.is_empty() {
                return;
            }
            for (name, at) in missing {
                self.add_reference(&name, at);
            }
        }
    }

    /// Makes a type known in a subgraph that does not contribute to it.
    fn add_reference(&mut self, name: &str, at: usize) {
        let ty = self.types.get_mut(name).unwrap();
        let mut presence = Presence::default();
        match ty.kind {
            Kind::Entity => {
                // A key that some subgraph can be entered by.
                let mut keys = ty.present.values().flat_map(|presence| &presence.keys);
                let key = keys.find(|(_, resolvable)| *resolvable).expect("an entity has a key").0.clone();
                ty.place_key(&key, at);
                presence.keys.push((key, false));
            }
            Kind::Value => {
                for field in &mut ty.fields {
                    field.at.entry(at).or_insert(Placement { shareable: true, ..Placement::default() });
                }
            }
            Kind::Interface => {
                let known = ty.present.values().find(|known| !known.interface_object);
                let keys = known.map(|known| known.keys.clone()).unwrap_or_default();
                presence.keys = keys.into_iter().map(|(key, _)| (key, false)).collect();
            }
            Kind::Root | Kind::Union | Kind::Enum | Kind::Input => {}
        }
        self.ty_mut(name).present.entry(at).or_insert(presence);
    }
}

impl TypeModel {
    /// Declares the fields of a key in a subgraph.
    pub(super) fn place_key(&mut self, key: &str, at: usize) {
        for name in key.split(['{', '}', ' ']).filter(|name| ["id", "sku", "org"].contains(name)) {
            let field = self.fields.iter_mut().find(|field| field.name == name).expect("keys are made of fields");
            field.at.entry(at).or_insert(Placement { shareable: true, ..Placement::default() });
        }
    }
}
