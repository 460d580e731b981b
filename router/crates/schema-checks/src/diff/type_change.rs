//! Whether a type can replace another. Output and input have opposite rules. Does not know where the types are used.

use braid_graphql::Type;

/// Whether what a field of type `new` returns is always what one of type `old` could have returned: the same, or stricter
/// about null, at any depth of lists.
pub(crate) fn output_is_compatible(old: &Type, new: &Type) -> bool {
    match (old, new) {
        (Type::Named(old), Type::Named(new) | Type::NonNullNamed(new))
        | (Type::NonNullNamed(old), Type::NonNullNamed(new)) => old == new,
        (Type::List(old), Type::List(new) | Type::NonNullList(new))
        | (Type::NonNullList(old), Type::NonNullList(new)) => output_is_compatible(old, new),
        _ => false,
    }
}

/// Whether an argument or input field of type `new` takes all that one of type `old` took: the same, or laxer about null.
pub(crate) fn input_is_compatible(old: &Type, new: &Type) -> bool {
    output_is_compatible(new, old)
}

/// What differs, for the message's reason.
pub(crate) fn difference(old: &Type, new: &Type) -> &'static str {
    if old.inner_named_type() != new.inner_named_type() {
        return "another named type";
    }
    if depth(old) != depth(new) { "another depth of lists" } else { "other nullability" }
}

fn depth(ty: &Type) -> usize {
    match ty {
        Type::Named(_) | Type::NonNullNamed(_) => 0,
        Type::List(item) | Type::NonNullList(item) => 1 + depth(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_may_get_stricter_and_input_laxer() {
        let ty = |text: &str| Type::parse(text, "type").unwrap();
        let cases = [
            ("Int", "Int!", true),
            ("Int!", "Int", false),
            ("[Int]", "[Int!]!", true),
            ("[Int!]", "[Int]", false),
            ("Int", "[Int]", false),
            ("Int", "Float", false),
            ("[[Int]!]", "[[Int!]!]", true),
        ];
        for (old, new, expected) in cases {
            assert_eq!(output_is_compatible(&ty(old), &ty(new)), expected, "output {old} to {new}");
            assert_eq!(input_is_compatible(&ty(new), &ty(old)), expected, "input {new} to {old}");
        }
    }
}
