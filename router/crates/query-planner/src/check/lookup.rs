//! Whether entities are looked up with what their subgraph wants, once it is there. Knows nothing of what is asked of them.

use braid_graphql::schema::TypeId;
use braid_query_plan::{EntityFetch, Fetch, Path, Representation, RepresentationField, TypenameSource};
use braid_supergraph::SubgraphId;

use super::paper::{Check, Objects, Scope, Write, Written, collect, keys};

impl<'a> Check<'a> {
    pub(super) fn look_up(&mut self, fetch: &'a Fetch, entity: &'a EntityFetch, root: &mut Objects) {
        let Some(condition) = fetch.condition.and_all(&entity.condition) else {
            return self.report(fetch, "its conditions contradict each other".to_owned());
        };
        self.check_path(fetch, &entity.path, 0, root);
        let mut targets = Vec::new();
        collect(root, &entity.path, 0, &mut targets);
        let mut any = false;
        for objects in targets {
            let is_for_all =
                |representation: &Representation| objects.types.keys().all(|ty| representation.guard.contains(*ty));
            if !entity.representations.iter().any(is_for_all) {
                self.check_told(fetch, &entity.path, objects);
            }
            let (from, asked) = (objects.from.clone(), objects.asked.clone());
            for (ty, written) in &mut objects.types {
                let fits = |representation: &&Representation| representation.guard.contains(*ty);
                let Some(representation) = entity.representations.iter().find(fits) else { continue };
                any = true;
                self.check_representation(fetch, representation, *ty, written, &from);
                let scope = Scope {
                    fetch,
                    on: None,
                    condition: condition.clone(),
                    provided: Vec::new(),
                    representation: Some((representation, entity)),
                    asked: asked.clone(),
                };
                self.apply(&entity.selections, *ty, written, &scope);
            }
        }
        if !any && entity.representations.iter().any(|representation| !representation.guard.is_empty()) {
            self.report(fetch, format!("no object fits at {:?}", keys(&entity.path)));
        }
    }

    /// Which objects a guard lets through must be known where it is applied.
    fn check_path(&mut self, fetch: &Fetch, path: &Path, at: usize, objects: &Objects) {
        let Some(segment) = path.0.get(at) else { return };
        for below in objects.types.values().filter_map(|written| written.below.get(&segment.key)) {
            if segment.guard.as_ref().is_some_and(|guard| below.types.keys().any(|ty| !guard.contains(*ty))) {
                self.check_told(fetch, path, below);
            }
            self.check_path(fetch, path, at + 1, below);
        }
    }

    /// Whether a fetch that depends on the runtime types of objects comes after they are known.
    fn check_told(&mut self, fetch: &Fetch, path: &Path, objects: &Objects) {
        if !objects.untold {
            return;
        }
        for (ty, written) in &objects.types {
            let writes = written.fields.get("__typename").map(Vec::as_slice).unwrap_or_default();
            let tells = |write: &Write| {
                let from = self.plan.fetches.get(write.fetch.0 as usize).map(|fetch| fetch.subgraph);
                self.is_before(write.fetch, fetch.id)
                    && from.is_some_and(|from| self.supergraph.type_in(*ty, from).is_some())
            };
            if !writes.iter().any(tells) {
                let name = &self.supergraph.schema.ty(*ty).name;
                return self
                    .report(fetch, format!("depends on the type at {:?} before it is known: {name}", keys(path)));
            }
        }
    }

    fn entered_as(&self, representation: &Representation, ty: TypeId) -> TypeId {
        match &representation.typename {
            TypenameSource::Fixed(name) => self.supergraph.schema.type_named(name).unwrap_or(ty),
            TypenameSource::Runtime => ty,
        }
    }

    fn check_representation(
        &mut self,
        fetch: &Fetch,
        representation: &Representation,
        ty: TypeId,
        written: &Written,
        from: &[SubgraphId],
    ) {
        let as_type = self.entered_as(representation, ty);
        let Some(joined) = self.supergraph.type_in(as_type, fetch.subgraph) else {
            let name = &self.supergraph.schema.ty(as_type).name;
            return self.report(fetch, format!("enters by {name}, which the subgraph does not have"));
        };
        let key_fits = joined.keys.iter().filter(|key| key.resolvable).any(|key| {
            let keys: Vec<&RepresentationField> = representation.fields.iter().filter(|field| field.is_key).collect();
            self.covers(&keys, &key.fields, ty)
        });
        if !key_fits {
            let name = &self.supergraph.schema.ty(as_type).name;
            self.report(fetch, format!("its representation of {name} has no resolvable key"));
        }
        if matches!(representation.typename, TypenameSource::Runtime) {
            let known = written.fields.contains_key("__typename");
            if !known && !from.is_empty() {
                let name = &self.supergraph.schema.ty(ty).name;
                self.report(fetch, format!("does not know the runtime type of {name}"));
            }
        }
        for field in &representation.fields {
            self.check_input(fetch, field, ty, written);
        }
    }

    fn check_input(&mut self, fetch: &Fetch, field: &RepresentationField, ty: TypeId, written: &Written) {
        if field.guard.as_ref().is_some_and(|guard| !guard.contains(ty)) {
            return;
        }
        let coordinate = format!("{}.{}", self.supergraph.schema.ty(ty).name, field.name);
        let writes: Vec<Write> = written.fields.get(&field.key).cloned().unwrap_or_default();
        let before: Vec<Write> = writes.into_iter().filter(|write| self.is_before(write.fetch, fetch.id)).collect();
        if before.is_empty() {
            return self.report(fetch, format!("needs {coordinate} under \"{}\" before it is there", field.key));
        }
        if before.iter().any(|write| write.name != field.name) {
            self.report(fetch, format!("takes something else for {coordinate}"));
        }
        if let (Some(fields), Some(below)) = (&field.fields, written.below.get(&field.key)) {
            for (ty, written) in &below.types {
                for field in fields {
                    let is_typename = field.name == "__typename";
                    if !is_typename || self.supergraph.schema.ty(*ty).is_abstract() {
                        self.check_input(fetch, field, *ty, written);
                    }
                }
            }
        }
    }
}
