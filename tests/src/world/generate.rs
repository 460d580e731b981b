//! Makes a random model: types, fields, and a split of both over subgraphs that composes. Knows nothing of SDL.
//!
//! What makes it compose: every subgraph that has an entity can be entered by a key that is reachable from every other; value
//! types are whole wherever they are; where an interface or union is, so are all its members.

use super::model::{ArgumentModel, FieldModel, Kind, Model, Placement, Presence, TypeModel, inner};
use super::random::Random;
use super::write::is_leaf;

/// What a world may have. Each world has a random choice of these, so that small ones occur.
#[derive(Debug, Clone, Copy)]
struct Features {
    arguments: bool,
    interfaces: bool,
    unions: bool,
    values: bool,
    requires: bool,
    provides: bool,
    overrides: bool,
    inaccessible: bool,
    composite_keys: bool,
    nullability: bool,
    mutations: bool,
    interface_objects: bool,
    split_values: bool,
    reentry: bool,
    labels: bool,
    inputs: bool,
    shared_names: bool,
}

/// The model of a seed.
pub(super) fn model(seed: u64) -> Model {
    let mut models = (0u64..).map(|attempt| attempted(seed ^ (attempt << 48)));
    models.find(Model::keeps_interface_objects_apart).expect("most models do")
}

fn attempted(seed: u64) -> Model {
    let mut random = Random::new(seed);
    let features = features(&mut random);
    let mut generator = Generator { model: Model::default(), features, random };
    generator.model.subgraphs = generator.random.between(2, 5);
    generator.declare_types();
    generator.add_fields();
    generator.add_shared_names();
    generator.add_roots();
    generator.add_split_values();
    generator.add_reentry();
    generator.model.close();
    generator.add_interface_objects();
    generator.add_overrides();
    generator.add_requires();
    generator.add_provides();
    generator.model.close();
    generator.vary_nullability();
    generator.hide_fields();
    generator.model
}

fn features(random: &mut Random) -> Features {
    let mut on = || random.chance(55);
    Features {
        arguments: on(),
        interfaces: on(),
        unions: on(),
        values: on(),
        requires: on(),
        provides: on(),
        overrides: on(),
        inaccessible: on(),
        composite_keys: on(),
        nullability: on(),
        mutations: on(),
        interface_objects: on(),
        split_values: on(),
        reentry: on(),
        labels: on(),
        inputs: on(),
        shared_names: on(),
    }
}

struct Generator {
    model: Model,
    features: Features,
    random: Random,
}

impl Generator {
    fn declare_types(&mut self) {
        let entities = self.random.between(2, 5);
        for at in 0..entities {
            let name = format!("{}", char::from(b'A' + at as u8));
            self.declare_entity(&name);
        }
        self.add_type("Color", Kind::Enum, &["RED", "GREEN", "BLUE"]);
        self.add_type("Filter", Kind::Input, &["a: Int = 3", "b: [String!]", "c: Color"]);
        if self.features.values {
            for at in 0..self.random.between(1, 2) {
                self.add_type(&format!("V{at}"), Kind::Value, &[]);
            }
        }
        let plain: Vec<String> = self.entities().into_iter().filter(|name| self.has_id_everywhere(name)).collect();
        if self.features.interfaces && plain.len() >= 2 {
            for at in 0..self.random.between(1, 2) {
                let count = self.random.between(2, plain.len().min(3));
                let members = self.random.sample(&plain, count);
                self.add_interface(&format!("I{at}"), &members);
            }
        }
        let all = self.entities();
        if self.features.unions {
            let count = self.random.between(2, all.len().min(3));
            let members = self.random.sample(&all, count);
            self.add_type("U", Kind::Union, &members.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    fn add_type(&mut self, name: &str, kind: Kind, members: &[&str]) {
        let mut ty = TypeModel::new(kind);
        ty.members = members.iter().map(|member| (*member).to_owned()).collect();
        self.model.types.insert(name.to_owned(), ty);
    }

    fn entities(&self) -> Vec<String> {
        let entities = self.model.types.iter().filter(|(_, ty)| ty.kind == Kind::Entity);
        entities.map(|(name, _)| name.clone()).collect()
    }

    fn has_id_everywhere(&self, name: &str) -> bool {
        let ty = self.model.ty(name);
        ty.present.values().all(|presence| presence.keys.iter().any(|(key, resolvable)| key == "id" && *resolvable))
            && ty.present.values().next().is_some_and(|presence| presence.keys[0].0 == "id")
    }

    /// An entity with its keys in some subgraphs.
    fn declare_entity(&mut self, name: &str) {
        let all: Vec<usize> = (0..self.model.subgraphs).collect();
        let count = self.random.between(1, all.len().min(3));
        let subgraphs = self.random.sample(&all, count);
        let mut ty = TypeModel::new(Kind::Entity);
        let style = if self.features.composite_keys { self.random.below(6) } else { 0 };
        ty.fields.push(FieldModel::new("id", "ID!"));
        if matches!(style, 1 | 3 | 4) {
            ty.fields.push(FieldModel::new("sku", "String!"));
        }
        if matches!(style, 2 | 5) {
            ty.fields.push(FieldModel::new("org", "Org!"));
            self.model.types.entry("Org".to_owned()).or_insert_with(org);
        }
        for (order, at) in subgraphs.iter().enumerate() {
            let mut keys = match style {
                // A chain: the first knows the id, the last the sku, and the middle leads from one to the other.
                1 if subgraphs.len() >= 3 => match order {
                    0 => vec![("id", true)],
                    1 => vec![("id", true), ("sku", true)],
                    _ => vec![("sku", true)],
                },
                2 => vec![("org { code }", true)],
                3 => vec![("id sku", true)],
                4 => vec![("id", true), ("sku", self.random.chance(60))],
                5 => vec![("id", true), ("id org { code }", self.random.chance(60))],
                _ => vec![("id", true)],
            };
            if style == 4 && self.random.chance(30) {
                keys.truncate(1);
            }
            for (key, _) in &keys {
                ty.place_key(key, *at);
            }
            let keys = keys.into_iter().map(|(key, resolvable)| (key.to_owned(), resolvable)).collect();
            ty.present.insert(*at, Presence { keys, ..Presence::default() });
        }
        // A field that no subgraph declares does not exist.
        ty.fields.retain(|field| !field.at.is_empty());
        self.model.types.insert(name.to_owned(), ty);
    }

    fn add_interface(&mut self, name: &str, members: &[String]) {
        let mut ty = TypeModel::new(Kind::Interface);
        ty.members = members.to_vec();
        ty.fields.push(FieldModel::new("id", "ID!"));
        for at in 0..self.random.between(0, 2) {
            let of: &&str = self.random.pick(&["String", "Int", "[Color!]"]);
            let field = FieldModel::new(&format!("{}{at}", name.to_lowercase()), of);
            for member in members {
                let subgraphs: Vec<usize> = self.model.ty(member).present.keys().copied().collect();
                let owners = self.random.between(1, subgraphs.len());
                let mut own = field.clone();
                for owner in self.random.sample(&subgraphs, owners) {
                    own.at.insert(owner, Placement { shareable: owners > 1, ..Placement::default() });
                }
                self.model.ty_mut(member).fields.push(own);
            }
            ty.fields.push(field);
        }
        self.model.types.insert(name.to_owned(), ty);
    }

    fn add_fields(&mut self) {
        let names: Vec<String> = self.model.types.keys().cloned().collect();
        for name in &names {
            match self.model.ty(name).kind {
                Kind::Entity => self.add_entity_fields(name),
                Kind::Value if name != "Org" => {
                    for at in 0..self.random.between(1, 3) {
                        let field = self.field(&format!("{}f{at}", name.to_lowercase()), 40);
                        self.model.ty_mut(name).fields.push(field);
                    }
                }
                _ => {}
            }
        }
    }

    /// Fields of one name in several entities, each with a type of its own.
    fn add_shared_names(&mut self) {
        if !self.features.shared_names {
            return;
        }
        for (field, percent) in [("r", 100), ("s", 0)] {
            for name in self.entities() {
                if !self.random.chance(70) {
                    continue;
                }
                let subgraphs: Vec<usize> = self.model.ty(&name).present.keys().copied().collect();
                let mut field = self.field(field, percent);
                field.at.insert(*self.random.pick(&subgraphs), Placement::default());
                self.model.ty_mut(&name).fields.push(field);
            }
        }
    }

    fn add_entity_fields(&mut self, name: &str) {
        let subgraphs: Vec<usize> = self.model.ty(name).present.keys().copied().collect();
        for at in 0..self.random.between(2, 6) {
            let mut field = self.field(&format!("{}{at}", name.to_lowercase()), 50);
            let owners = if self.random.chance(25) { self.random.between(1, subgraphs.len()) } else { 1 };
            for owner in self.random.sample(&subgraphs, owners) {
                field.at.insert(owner, Placement { shareable: owners > 1, ..Placement::default() });
            }
            self.model.ty_mut(name).fields.push(field);
        }
    }

    /// A field with a random type, composite `percent` times of a hundred.
    fn field(&mut self, name: &str, percent: usize) -> FieldModel {
        let composites: Vec<String> = self
            .model
            .types
            .iter()
            .filter(|(name, ty)| ty.is_composite() && *name != "Org" && ty.kind != Kind::Root)
            .map(|(name, _)| name.clone())
            .collect();
        let named = if self.random.chance(percent) {
            self.random.pick(&composites).clone()
        } else {
            (*self.random.pick(&["Int", "String", "Float", "Boolean", "ID", "Color"])).to_owned()
        };
        let mut field = FieldModel::new(name, &self.wrap(named));
        if self.features.arguments && self.random.chance(30) {
            field.arguments.push(self.argument("x"));
            if self.random.chance(30) {
                field.arguments.push(self.argument("y"));
            }
        }
        field
    }

    fn wrap(&mut self, named: String) -> String {
        match self.random.below(10) {
            0..=3 => named,
            4..=5 => format!("{named}!"),
            6 => format!("[{named}]"),
            7 => format!("[{named}!]!"),
            8 => format!("[{named}!]"),
            _ => format!("[[{named}]!]"),
        }
    }

    fn argument(&mut self, name: &str) -> ArgumentModel {
        if self.features.inputs && self.random.chance(20) {
            return ArgumentModel { name: name.to_owned(), ty: "Filter".to_owned(), default: None };
        }
        let (ty, default) = *self.random.pick(&[
            ("Int", None),
            ("Int", Some("7")),
            ("String", None),
            ("Color", Some("RED")),
            ("[Int!]", None),
            ("Int!", None),
            ("Boolean", Some("true")),
        ]);
        ArgumentModel { name: name.to_owned(), ty: ty.to_owned(), default: default.map(str::to_owned) }
    }

    fn add_roots(&mut self) {
        let mut query = TypeModel::new(Kind::Root);
        for at in 0..self.model.subgraphs {
            query.present.insert(at, Presence::default());
            let count = if at == 0 { 2 } else { self.random.between(0, 2) };
            for number in 0..count {
                let mut field = self.field(&format!("q{at}{number}"), 90);
                field.at.insert(at, Placement::default());
                if self.random.chance(20) {
                    let other = self.random.below(self.model.subgraphs);
                    if other != at {
                        field.at.values_mut().for_each(|placement| placement.shareable = true);
                        field.at.insert(other, Placement { shareable: true, ..Placement::default() });
                    }
                }
                query.fields.push(field);
            }
        }
        self.model.types.insert("Query".to_owned(), query);
        if self.features.mutations {
            let mut mutation = TypeModel::new(Kind::Root);
            for number in 0..self.random.between(2, 4) {
                let at = self.random.below(self.model.subgraphs);
                let mut field = self.field(&format!("m{number}"), 70);
                field.at.insert(at, Placement::default());
                mutation.present.insert(at, Presence::default());
                mutation.fields.push(field);
            }
            self.model.types.insert("Mutation".to_owned(), mutation);
        }
    }

    /// A value type of which two subgraphs have different fields, behind fields that both resolve.
    fn add_split_values(&mut self) {
        if !self.features.split_values {
            return;
        }
        let all: Vec<usize> = (0..self.model.subgraphs).collect();
        let parts = self.random.sample(&all, 2);
        let shared = || Placement { shareable: true, ..Placement::default() };
        let mut ty = TypeModel::new(Kind::Value);
        for number in 0..self.random.between(2, 4) {
            let mut field = self.field(&format!("w{number}"), 30);
            let at = if self.random.chance(25) { parts.clone() } else { vec![*self.random.pick(&parts)] };
            field.at.extend(at.into_iter().map(|at| (at, shared())));
            ty.fields.push(field);
        }
        // Nothing may be where no field is.
        for at in parts.iter().filter(|at| ty.fields.iter().any(|field| field.at.contains_key(at))) {
            ty.present.insert(*at, Presence::default());
        }
        let mut root = FieldModel::new("qw", &self.wrap("W".to_owned()));
        let mut owners = vec!["Query".to_owned()];
        for name in self.entities() {
            if ty.present.keys().all(|at| entered(self.model.ty(&name)).contains(at)) {
                owners.push(name);
            }
        }
        root.at.extend(ty.present.keys().map(|at| (*at, shared())));
        self.model.types.insert("W".to_owned(), ty);
        for owner in owners {
            let mut field = root.clone();
            field.name = format!("{}w", owner.to_lowercase().chars().next().unwrap_or('q'));
            self.model.ty_mut(&owner).fields.push(field);
        }
    }

    /// A mutation whose payload leads back to the queries.
    fn add_reentry(&mut self) {
        if !self.features.reentry || !self.model.types.contains_key("Mutation") {
            return;
        }
        let at = self.random.below(self.model.subgraphs);
        let mut payload = TypeModel::new(Kind::Value);
        payload.fields.push(FieldModel::new("ok", "Boolean!"));
        payload.fields.push(FieldModel::new("query", "Query!"));
        self.model.types.insert("Payload".to_owned(), payload);
        let mut field = FieldModel::new("mp", "Payload");
        field.at.insert(at, Placement::default());
        let mutation = self.model.ty_mut("Mutation");
        mutation.present.insert(at, Presence::default());
        mutation.fields.push(field);
        // A type with no field in the subgraph would not be there.
        let mut field = FieldModel::new("qp", "Int");
        field.at.insert(at, Placement::default());
        self.model.ty_mut("Query").fields.push(field);
    }

    /// An interface that a subgraph without its implementations knows as an object, with fields of its own.
    fn add_interface_objects(&mut self) {
        let interfaces: Vec<String> = self
            .model
            .types
            .iter()
            .filter(|(_, ty)| ty.kind == Kind::Interface && !ty.present.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        if !self.features.interface_objects {
            return;
        }
        for name in interfaces {
            let members = self.model.ty(&name).members.clone();
            let is_free = |at: &usize| {
                !self.model.ty(&name).present.contains_key(at)
                    && members.iter().all(|member| !self.model.ty(member).present.contains_key(at))
            };
            let free: Vec<usize> = (0..self.model.subgraphs).filter(is_free).collect();
            // The key of an interface is a key of each implementation, wherever the interface is.
            let has_key = members.iter().all(|member| {
                let all = self.model.ty(member);
                self.model.ty(&name).present.keys().all(|at| {
                    all.present.get(at).is_some_and(|presence| {
                        presence.keys.iter().any(|(key, resolvable)| key == "id" && *resolvable)
                    })
                })
            });
            if free.is_empty() || !has_key {
                continue;
            }
            let at = *self.random.pick(&free);
            let mut given: Vec<FieldModel> = (0..self.random.between(1, 2))
                .map(|number| self.field(&format!("{}x{number}", name.to_lowercase()), 0))
                .collect();
            given.iter_mut().for_each(|field| {
                field.at.insert(at, Placement::default());
            });
            let mut root = FieldModel::new(&format!("q{}", name.to_lowercase()), &self.wrap(name.clone()));
            root.at.insert(at, Placement::default());
            self.model.ty_mut("Query").fields.push(root);
            let ty = self.model.ty_mut(&name);
            for presence in ty.present.values_mut() {
                presence.keys = vec![("id".to_owned(), true)];
            }
            let keys = vec![("id".to_owned(), true)];
            ty.present.insert(at, Presence { keys, interface_object: true, context: None });
            ty.fields[0].at.insert(at, Placement::default());
            ty.fields.extend(given);
            self.model.close();
        }
    }

    /// Moves fields from one subgraph to another that has the entity too.
    fn add_overrides(&mut self) {
        if !self.features.overrides {
            return;
        }
        for name in self.entities() {
            let ty = self.model.ty(&name).clone();
            for (order, field) in ty.fields.iter().enumerate() {
                let owners: Vec<usize> = field.at.keys().copied().collect();
                let others: Vec<usize> = entered(&ty).into_iter().filter(|at| !field.at.contains_key(at)).collect();
                if is_key(&field.name) || owners.len() != 1 || others.is_empty() || !self.random.chance(30) {
                    continue;
                }
                let from = *self.random.pick(&others);
                let field = &mut self.model.ty_mut(&name).fields[order];
                field.at.insert(from, Placement::default());
                let label = (self.features.labels && self.random.chance(50))
                    .then(|| if self.random.chance(50) { "on".to_owned() } else { "off".to_owned() });
                field.at.get_mut(&owners[0]).unwrap().overrides = Some((from, label));
            }
        }
        self.model.close();
    }

    /// Lets fields need fields of other subgraphs that come before them.
    fn add_requires(&mut self) {
        if !self.features.requires {
            return;
        }
        for name in self.entities() {
            let ty = self.model.ty(&name).clone();
            for (order, field) in ty.fields.iter().enumerate() {
                let owners: Vec<usize> = field.at.keys().copied().collect();
                if is_key(&field.name) || owners.len() != 1 || !self.random.chance(40) {
                    continue;
                }
                let at = owners[0];
                if !ty.present[&at].keys.iter().any(|(_, resolvable)| *resolvable) {
                    continue;
                }
                let known = self.model.ty(&name).clone();
                // What a field of the same type requires below itself must not require in turn.
                if known.fields[order].at.len() != 1 {
                    continue;
                }
                let before = known.fields[..order].iter().filter(|other| !is_key(&other.name));
                let before = before.filter(|other| other.at.get(&at).is_none_or(|placement| placement.external));
                let candidates: Vec<FieldModel> = before.cloned().collect();
                let mut parts = Vec::new();
                let count = candidates.len().min(self.random.between(1, 2));
                for other in self.random.sample(&candidates, count) {
                    let Some(selection) = self.required(&other, at) else { continue };
                    let declared =
                        self.model.ty_mut(&name).fields.iter_mut().find(|known| known.name == other.name).unwrap();
                    declared.at.insert(at, Placement { external: true, ..Placement::default() });
                    parts.push(selection);
                }
                if !parts.is_empty() {
                    let field = &mut self.model.ty_mut(&name).fields[order];
                    field.at.get_mut(&at).unwrap().requires = Some(parts.join(" "));
                }
            }
        }
        self.model.close();
    }

    /// A selection of a field for a requirement of a subgraph; of composites, what is sure to be had.
    fn required(&mut self, field: &FieldModel, at: usize) -> Option<String> {
        let mut arguments = Vec::new();
        for argument in &field.arguments {
            let literal = literal(&argument.ty, &mut self.random);
            arguments.push(format!("{}: {literal}", argument.name));
        }
        let call = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        if is_leaf(&self.model, &field.ty) {
            return Some(format!("{}{call}", field.name));
        }
        let name = inner(&field.ty).to_owned();
        let nested = if self.random.chance(50) { self.required_elsewhere(&name, at) } else { None };
        if let Some(below) = nested {
            return Some(format!("{}{call} {{ {below} }}", field.name));
        }
        let target = self.model.ty(&name);
        let below = match target.kind {
            Kind::Entity => target
                .fields
                .iter()
                .find(|field| field.name == "id" && field.at.len() == target.present.len())
                .map(|_| "id".to_owned())?,
            Kind::Value => {
                let leaf =
                    target.fields.iter().find(|field| is_leaf(&self.model, &field.ty) && field.arguments.is_empty())?;
                leaf.name.clone()
            }
            Kind::Interface | Kind::Union if !target.present.values().any(|presence| presence.interface_object) => {
                let mut parts = Vec::new();
                for member in &target.members {
                    let member_type = self.model.ty(member);
                    let is_everywhere = |field: &&FieldModel| {
                        is_key(&field.name) && field.name != "org" && field.at.len() == member_type.present.len()
                    };
                    if let Some(key) = member_type.fields.iter().find(is_everywhere) {
                        parts.push(format!("... on {member} {{ {} }}", key.name));
                    }
                }
                if target.kind == Kind::Interface && self.random.chance(50) { "id".to_owned() } else { parts.join(" ") }
            }
            _ => return None,
        };
        (!below.is_empty()).then(|| format!("{}{call} {{ {below} }}", field.name))
    }

    /// A field of an entity for a requirement of a subgraph that does not have it, here or below a value.
    fn required_elsewhere(&mut self, name: &str, at: usize) -> Option<String> {
        let target = self.model.ty(name).clone();
        if target.kind == Kind::Value && target.present.contains_key(&at) {
            let leads_on = |field: &&FieldModel| {
                field.arguments.is_empty()
                    && self.model.types.get(inner(&field.ty)).is_some_and(|ty| ty.kind == Kind::Entity)
            };
            let field = target.fields.iter().find(leads_on)?;
            let below = self.required_elsewhere(inner(&field.ty), at)?;
            return Some(format!("{} {{ {below} }}", field.name));
        }
        let presence = target.present.get(&at).filter(|_| target.kind == Kind::Entity)?;
        if !presence.keys.iter().any(|(_, resolvable)| *resolvable) {
            return None;
        }
        let is_plain = |placement: &Placement| {
            placement.requires.is_none() && placement.overrides.is_none() && placement.provides.is_none()
        };
        let fits = |field: &&FieldModel| {
            !is_key(&field.name)
                && field.arguments.is_empty()
                && is_leaf(&self.model, &field.ty)
                && field.at.get(&at).is_none_or(|placement| placement.external)
                && field.at.iter().all(|(at, placement)| is_plain(placement) && !field.is_taken_from(*at))
        };
        let field = target.fields.iter().find(fits)?.name.clone();
        let declared = self.model.ty_mut(name).fields.iter_mut().find(|known| known.name == field)?;
        declared.at.insert(at, Placement { external: true, ..Placement::default() });
        Some(field)
    }

    /// Lets fields give a field of the entity that they lead to.
    fn add_provides(&mut self) {
        if !self.features.provides {
            return;
        }
        let names: Vec<String> = self
            .model
            .types
            .iter()
            .filter(|(_, ty)| matches!(ty.kind, Kind::Entity | Kind::Root))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            for order in 0..self.model.ty(&name).fields.len() {
                let field = self.model.ty(&name).fields[order].clone();
                let Some(leads_to) = self.model.types.get(inner(&field.ty)) else { continue };
                let object = field.at.keys().next().and_then(|at| leads_to.present.get(at));
                if object.is_some_and(|presence| presence.interface_object) {
                    continue;
                }
                // Of an abstract type, what one member has.
                let target = match leads_to.kind {
                    Kind::Interface | Kind::Union => self.random.pick(&leads_to.members).clone(),
                    _ => inner(&field.ty).to_owned(),
                };
                let is_abstract = target != inner(&field.ty);
                let is_entity = self.model.types.get(&target).is_some_and(|ty| ty.kind == Kind::Entity);
                let Some((at, placement)) = field.at.iter().next().map(|(at, placement)| (*at, placement.clone()))
                else {
                    continue;
                };
                if !is_entity || placement.external || field.is_taken_from(at) || !self.random.chance(40) {
                    continue;
                }
                let given = self.model.ty(&target).fields.iter().filter(|given| {
                    let here = given.at.get(&at);
                    !is_key(&given.name)
                        && given.arguments.is_empty()
                        && is_leaf(&self.model, &given.ty)
                        && here.is_none_or(|placement| placement.external)
                        && given
                            .at
                            .values()
                            .all(|placement| placement.requires.is_none() && placement.overrides.is_none())
                });
                let given: Vec<String> = given.map(|given| given.name.clone()).collect();
                if given.is_empty() {
                    continue;
                }
                let given = self.random.pick(&given).clone();
                let provided = self.model.ty_mut(&target).fields.iter_mut().find(|known| known.name == given).unwrap();
                provided.at.values_mut().for_each(|placement| placement.shareable = true);
                provided.at.insert(at, Placement { external: true, ..Placement::default() });
                self.model.ty_mut(&name).fields[order].at.get_mut(&at).unwrap().provides =
                    Some(if is_abstract { format!("... on {target} {{ {given} }}") } else { given });
            }
        }
    }

    /// Lets one subgraph promise what another does not.
    fn vary_nullability(&mut self) {
        if !self.features.nullability {
            return;
        }
        let interface_fields: Vec<String> = self
            .model
            .types
            .values()
            .filter(|ty| ty.kind == Kind::Interface)
            .flat_map(|ty| &ty.fields)
            .map(|field| field.name.clone())
            .collect();
        for ty in self.model.types.values_mut().filter(|ty| ty.kind == Kind::Entity || ty.kind == Kind::Value) {
            for field in &mut ty.fields {
                let moves = field.at.values().any(|placement| placement.overrides.is_some());
                let owners: Vec<usize> = field.at.keys().copied().filter(|at| field.is_resolved_at(*at)).collect();
                // What is external must have the type that results, and that is the loosest.
                let varies =
                    !moves && owners.len() > 1 && !field.ty.ends_with('!') && !interface_fields.contains(&field.name);
                if varies && self.random.chance(40) {
                    let at = *self.random.pick(&owners);
                    field.at.get_mut(&at).unwrap().ty = Some(format!("{}!", field.ty));
                }
            }
        }
    }

    fn hide_fields(&mut self) {
        if !self.features.inaccessible {
            return;
        }
        let interface_fields: Vec<String> = self
            .model
            .types
            .values()
            .filter(|ty| ty.kind == Kind::Interface)
            .flat_map(|ty| &ty.fields)
            .map(|field| field.name.clone())
            .collect();
        for ty in self.model.types.values_mut().filter(|ty| ty.kind == Kind::Entity) {
            let shown = ty.fields.len();
            for field in ty.fields.iter_mut().take(shown - 1).filter(|field| !interface_fields.contains(&field.name)) {
                field.inaccessible = self.random.chance(12);
            }
        }
    }
}

fn org() -> TypeModel {
    let mut ty = TypeModel::new(Kind::Value);
    ty.fields.push(FieldModel::new("code", "ID!"));
    ty
}

fn is_key(name: &str) -> bool {
    ["id", "sku", "org"].contains(&name)
}

/// The subgraphs that an entity can be looked up in.
fn entered(ty: &TypeModel) -> Vec<usize> {
    let resolvable = |presence: &Presence| presence.keys.iter().any(|(_, resolvable)| *resolvable);
    ty.present.iter().filter(|(_, presence)| resolvable(presence)).map(|(at, _)| *at).collect()
}

/// A literal of an input type.
pub(super) fn literal(ty: &str, random: &mut Random) -> String {
    match ty.trim_end_matches('!') {
        "Int" => random.below(50).to_string(),
        "String" => format!("\"t{}\"", random.below(50)),
        "Boolean" => random.chance(50).to_string(),
        "Color" => (*random.pick(&["RED", "GREEN", "BLUE"])).to_owned(),
        "Filter" => {
            (*random.pick(&["{ a: 4, c: GREEN }", "{ b: [\"x\", \"y\"] }", "{ a: null, b: null }", "{}"])).to_owned()
        }
        "[Int!]" => format!("[{}, {}]", random.below(9), random.below(9)),
        other => unreachable!("no literal of {other}"),
    }
}
