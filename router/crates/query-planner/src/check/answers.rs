//! Whether everything that the operation asks was written. Knows nothing of fetches.

use braid_graphql::operation::{Condition, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};

use super::paper::{Check, Objects};

impl Check<'_> {
    /// Whether everything that is asked was written.
    pub(super) fn answers(
        &mut self,
        set: &SelectionSet,
        position: TypeId,
        objects: &Objects,
        under: &Condition,
        path: &str,
    ) {
        let is_abstract = self.supergraph.schema.ty(position).is_abstract();
        for (ty, written) in &objects.types {
            for field in set.fields.iter().filter(|field| field.guard.contains(*ty)) {
                let Some(condition) = under.and_all(&field.condition) else { continue };
                let at = format!("{path}.{}", field.response_key);
                let writes = written.fields.get(&field.response_key).map(Vec::as_slice).unwrap_or_default();
                let Some(id) = field.definition.id() else {
                    let typename = written.fields.get("__typename").map(Vec::as_slice).unwrap_or_default();
                    let needed = is_abstract && field.definition == braid_graphql::operation::FieldRef::Typename;
                    if needed && !self.is_covered(&condition, typename.iter().map(|write| &write.condition)) {
                        self.found.push(format!("{at}: the runtime type is not known"));
                    }
                    continue;
                };
                let name = &self.supergraph.schema.field(id).name;
                if writes.iter().any(|write| write.name != *name || write.arguments != field.arguments) {
                    self.found.push(format!("{at}: holds another field than {name}"));
                }
                if !self.is_covered(&condition, writes.iter().map(|write| &write.condition)) {
                    let ty = &self.supergraph.schema.ty(*ty).name;
                    self.found.push(format!("{at}: nobody was asked for {ty}.{name}"));
                    continue;
                }
                if let (Some(set), Some(below)) = (&field.selection_set, written.below.get(&field.response_key)) {
                    let common = self.common(id, *ty, below);
                    self.answers(set, self.supergraph.schema.field(id).inner, &common, &condition, &at);
                }
            }
        }
    }

    /// Only the runtime types that every subgraph which resolves the field knows are owed an answer.
    fn common(&self, id: FieldId, ty: TypeId, below: &Objects) -> Objects {
        let own = self.supergraph.schema.field_named(ty, &self.supergraph.schema.field(id).name).unwrap_or(id);
        let mut kept = Objects::default();
        for (ty, written) in &below.types {
            let known_everywhere =
                self.supergraph.field(own).subgraphs.iter().filter(|join| !join.external).all(|join| {
                    let inner = self.supergraph.schema.type_named(join.ty.inner_named_type());
                    let joined = inner.and_then(|inner| self.supergraph.type_in(inner, join.subgraph));
                    joined.is_none_or(|joined| joined.interface_object || joined.possible.contains(*ty))
                });
            if known_everywhere {
                kept.types.insert(*ty, written.clone());
            }
        }
        kept
    }
}
