//! What the way to an object provides (`@provides`): field sets that external fields are resolved by, each kept once. Knows no path.

use std::rc::Rc;

use ahash::AHashMap;
use braid_graphql::compiler::Name;

use super::model::{FieldSetId, Model};
use braid_graphql::field_set::{FieldSet, Item};

/// A set of provided fields, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ProvidedId(u32);

/// Where a field is selected: what is provided there, the object type, the field, and its own `@provides`.
type Step = (ProvidedId, usize, Name, Option<FieldSetId>);

/// All provided sets that have come up.
pub(super) struct Provided {
    sets: Vec<FieldSet>,
    ids: AHashMap<String, ProvidedId>,
    /// The fields that a set selects on an object type, with what it selects below them.
    fields: AHashMap<(ProvidedId, usize), Rc<AHashMap<Name, FieldSet>>>,
    steps: AHashMap<Step, ProvidedId>,
    /// For each set, the object types on which it selects anything, in order; `None` for all.
    touched: Vec<Option<Vec<usize>>>,
    /// What is left of a set on an object type.
    narrowed: AHashMap<(ProvidedId, usize), ProvidedId>,
}

impl ProvidedId {
    pub(super) const NOTHING: ProvidedId = ProvidedId(0);

    pub(super) fn number(self) -> usize {
        self.0 as usize
    }
}

impl Provided {
    pub(super) fn new() -> Self {
        Provided {
            sets: vec![FieldSet::default()],
            ids: AHashMap::new(),
            fields: AHashMap::new(),
            steps: AHashMap::new(),
            touched: vec![Some(Vec::new())],
            narrowed: AHashMap::new(),
        }
    }

    /// What a set provides on an object type, without what it provides on others: sets that differ only there become equal.
    pub(super) fn on(&mut self, model: &Model<'_>, id: ProvidedId, ty: usize) -> ProvidedId {
        if let Some(touched) = &self.touched[id.0 as usize]
            && touched.binary_search(&ty).is_err()
        {
            return ProvidedId::NOTHING;
        }
        if let Some(known) = self.narrowed.get(&(id, ty)) {
            return *known;
        }
        let mut narrow = FieldSet::default();
        narrow_to(model, ty, &self.sets[id.0 as usize], &mut narrow);
        let narrowed = self.intern(model, narrow);
        self.narrowed.insert((id, ty), narrowed);
        narrowed
    }

    /// Whether a field of an object type is provided.
    pub(super) fn has(&mut self, model: &Model<'_>, id: ProvidedId, ty: usize, field: &Name) -> bool {
        id != ProvidedId::NOTHING && self.fields(model, id, ty).contains_key(field)
    }

    /// What is provided below a field of an object type.
    pub(super) fn below(
        &mut self,
        model: &Model<'_>,
        id: ProvidedId,
        ty: usize,
        field: &Name,
        own: Option<FieldSetId>,
    ) -> ProvidedId {
        if id == ProvidedId::NOTHING && own.is_none() {
            return ProvidedId::NOTHING;
        }
        let step = (id, ty, field.clone(), own);
        if let Some(known) = self.steps.get(&step) {
            return *known;
        }
        let mut set = FieldSet::default();
        if let Some(inherited) = self.fields(model, id, ty).get(field) {
            set.items.extend(inherited.items.iter().cloned());
        }
        if let Some(own) = own {
            set.items.extend(model.field_set(own).items.iter().cloned());
        }
        let below = self.intern(model, set);
        self.steps.insert(step, below);
        below
    }

    fn intern(&mut self, model: &Model<'_>, set: FieldSet) -> ProvidedId {
        if set.is_empty() {
            return ProvidedId::NOTHING;
        }
        let next = ProvidedId(self.sets.len() as u32);
        let id = *self.ids.entry(set.to_string()).or_insert(next);
        if id == next {
            self.touched.push(touched(model, &set));
            self.sets.push(set);
        }
        id
    }

    fn fields(&mut self, model: &Model<'_>, id: ProvidedId, ty: usize) -> Rc<AHashMap<Name, FieldSet>> {
        if let Some(known) = self.fields.get(&(id, ty)) {
            return known.clone();
        }
        let mut fields = AHashMap::new();
        select(model, ty, &self.sets[id.0 as usize], &mut fields);
        let fields = Rc::new(fields);
        self.fields.insert((id, ty), fields.clone());
        fields
    }
}

fn select(model: &Model<'_>, ty: usize, set: &FieldSet, fields: &mut AHashMap<Name, FieldSet>) {
    for item in &set.items {
        match item {
            Item::Field { name, selection, .. } => {
                fields.entry(name.clone()).or_default().items.extend(selection.items.iter().cloned());
            }
            Item::Fragment { condition: Some(condition), .. } if !model.applies(ty, condition) => {}
            Item::Fragment { selection, .. } => select(model, ty, selection, fields),
        }
    }
}

fn narrow_to(model: &Model<'_>, ty: usize, set: &FieldSet, narrow: &mut FieldSet) {
    for item in &set.items {
        match item {
            Item::Field { .. } => narrow.items.push(item.clone()),
            Item::Fragment { condition: Some(condition), .. } if !model.applies(ty, condition) => {}
            Item::Fragment { selection, .. } => narrow_to(model, ty, selection, narrow),
        }
    }
}

/// The object types on which a set can select anything, in order; `None` for all.
fn touched(model: &Model<'_>, set: &FieldSet) -> Option<Vec<usize>> {
    let mut types = Vec::new();
    for item in &set.items {
        match item {
            Item::Field { .. } => return None,
            Item::Fragment { condition: None, selection, .. } => types.extend(touched(model, selection)?),
            Item::Fragment { condition: Some(condition), .. } => match model.object(condition) {
                Some(object) => types.push(object),
                None => types.extend((0..model.types.len()).filter(|ty| model.applies(*ty, condition))),
            },
        }
    }
    types.sort_unstable();
    types.dedup();
    Some(types)
}
