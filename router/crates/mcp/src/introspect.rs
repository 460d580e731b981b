//! The tool `introspect`: a type or a field, and what it mentions, up to a depth. Knows no client.

use braid_graphql::OperationType;
use braid_graphql::compiler::schema::ExtendedType;
use braid_graphql::suggest::did_you_mean;

use crate::partial::{Partial, implements};
use crate::sdl::{self, Detail};
use crate::view::{View, fields};
use crate::words::shortened;

/// A larger answer is made with less depth, or with fewer parts of the type.
const MAX_BYTES: usize = 24_000;
/// How deep one can look, and how deep one does if nothing is said.
pub(crate) const DEEPEST: usize = 3;
pub(crate) const USUAL: usize = 1;
/// How many types that implement an interface are named.
const IMPLEMENTATIONS: usize = 50;
/// The most parts of one type.
const MOST: usize = 250;

/// A type (`Product`) or a field (`Product.price`) as text, or why there is none.
pub(crate) fn introspect(view: View<'_>, name: Option<&str>, depth: usize) -> Result<String, String> {
    let query = view.schema().root_operation(OperationType::Query).map_or("Query", |name| name.as_str());
    let name = name.map_or(query, str::trim);
    let (type_name, field) = match name.split_once('.') {
        Some((ty, field)) => (ty, Some(field)),
        None => (name, None),
    };
    let Some(ty) = view.ty(type_name) else {
        let known = view.types().map(|(name, _)| name.as_str());
        let meant = did_you_mean(type_name, known);
        return Err(format!(
            "There is no type \"{}\".{meant} Use search to find types by words.",
            shortened(type_name, 80)
        ));
    };
    if let Some(field) = field
        && !fields(ty).any(|(name, _)| name == field)
    {
        let meant = did_you_mean(field, fields(ty).map(|(name, _)| name.as_str()));
        return Err(format!("{type_name} has no field \"{}\".{meant}", shortened(field, 80)));
    }
    let depth = depth.min(DEEPEST);
    for (depth, most) in (0..=depth).rev().map(|depth| (depth, MOST)).chain([(0, 100), (0, 40), (0, 15), (0, 5)]) {
        let text = write(view, ty, field, depth, most);
        if text.len() <= MAX_BYTES {
            return Ok(text);
        }
    }
    Err(format!("{name} is too large to be described; ask for one of its fields, such as {type_name}.name."))
}

fn write(view: View<'_>, ty: &ExtendedType, field: Option<&str>, depth: usize, most: usize) -> String {
    let mut partial = Partial::new(view);
    match field {
        Some(field) => partial.add_field(ty.name(), field),
        None => _ = partial.add_type(ty.name(), most),
    }
    for _ in 0..depth {
        for mentioned in partial.mentioned() {
            partial.add_type(mentioned, most);
        }
    }
    partial.close();
    let mut out = String::new();
    if let ExtendedType::Interface(interface) = ty {
        let below = view.types().filter(|(_, other)| implements(other, &interface.name)).map(|(name, _)| name.as_str());
        let names: Vec<&str> = below.take(IMPLEMENTATIONS).collect();
        out.push_str(&format!("# {} is implemented by {}\n", interface.name, names.join(", ")));
    }
    out.push_str(sdl::write(&partial, Detail::Full).trim_end());
    out
}
