//! Ids that say what they are of: `Product_2b8040d651c95c83b40596922d517d94`. Knows no type of any subgraph.
//!
//! Databases, tokens and headers have the bare UUID; the graph has these. So any id can be given to `node`, and the id of an order is not taken
//! for that of a product.

use async_graphql::ID;
use uuid::Uuid;

/// The id of something of this type, as the graph shows it.
///
/// ```
/// use service::graphql::id;
///
/// let product = id::global("Product", uuid::Uuid::nil());
/// assert_eq!(product.as_str(), "Product_00000000000000000000000000000000");
/// assert_eq!(id::parse("Product", &product), Some(uuid::Uuid::nil()));
/// assert_eq!(id::parse("Order", &product), None);
/// ```
pub fn global(type_name: &str, id: Uuid) -> ID {
    ID(format!("{type_name}_{}", id.simple()))
}

/// The UUID of an id of this type. The bare UUID is accepted too: that is how tokens name a user. None if the text is neither, so nothing has this id.
pub fn parse(type_name: &str, text: &str) -> Option<Uuid> {
    match text.split_once('_') {
        Some((found, id)) if found == type_name => simple(id),
        Some(_) => None,
        None => Uuid::parse_str(text).ok(),
    }
}

/// The type and the UUID of any id, for `node`.
pub fn split(text: &str) -> Option<(&str, Uuid)> {
    let (type_name, id) = text.split_once('_')?;
    Some((type_name, simple(id)?))
}

/// One spelling for each UUID: caches and clients compare ids as text.
fn simple(text: &str) -> Option<Uuid> {
    let canonical = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    canonical.then(|| Uuid::try_parse(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_type_or_spelling_is_none() {
        let id = Uuid::from_u128(0x2b80_40d6_51c9_5c83_b405_9692_2d51_7d94);
        let text = global("Product", id);
        assert_eq!(split(&text), Some(("Product", id)));
        assert_eq!(parse("Product", &id.to_string()), Some(id));
        for wrong in [
            "",
            "_",
            "Product_",
            "Product",
            "product_2b8040d651c95c83b40596922d517d94",
            "Product_2B8040D651C95C83B40596922D517D94",
            "Product_2b8040d6-51c9-5c83-b405-96922d517d94",
            "Product_2b8040d651c95c83b40596922d517d9",
            "Product_Product_2b8040d651c95c83b40596922d517d94",
            "Product_\u{0}b8040d651c95c83b40596922d517d94",
        ] {
            assert_eq!(parse("Product", wrong), None, "{wrong:?}");
        }
    }
}
