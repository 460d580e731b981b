//! What each role may ask the router for. The schemas name the same scopes in `@requiresScopes`. Knows no token.

use crate::entity::user_role::Role;

/// The scopes of a role.
const fn of_role(role: Role) -> &'static [&'static str] {
    match role {
        Role::Customer => &["orders:read", "orders:write"],
        Role::Staff => &["orders:read", "orders:write", "stock:write"],
        Role::Admin => {
            &["orders:read", "orders:write", "accounts:read", "accounts:write", "catalog:write", "stock:write"]
        }
    }
}

/// The scopes of a user with these roles, each once.
pub(crate) fn of(roles: &[Role]) -> Vec<&'static str> {
    let mut scopes = Vec::new();
    for scope in roles.iter().flat_map(|role| of_role(*role)) {
        if !scopes.contains(scope) {
            scopes.push(*scope);
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_roles_add_up() {
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&[Role::Customer]), ["orders:read", "orders:write"]);
        assert_eq!(of(&[Role::Customer, Role::Staff]), ["orders:read", "orders:write", "stock:write"]);
        assert_eq!(of(&[Role::Customer, Role::Admin]), of(&[Role::Admin]));
    }
}
