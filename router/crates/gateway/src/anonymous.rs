//! What anonymous clients may ask for where all others must say who they are. Knows no credentials.

use braid_graphql::operation::{FieldRef, Operation};
use braid_graphql::schema::FieldId;
use braid_request_context::Identity;
use braid_supergraph::Supergraph;
use http::{HeaderValue, StatusCode};

use crate::config::AnonymousConfig;
use crate::refusal::Refusal;

/// A field that the supergraph does not have at its root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "authentication.exceptions.fields: \"{0}\" is not a field of a root type; write Query.health or Mutation.login"
)]
pub struct AnonymousError(String);

/// What anonymous clients may ask for.
#[derive(Debug)]
pub(crate) struct AnonymousRules {
    introspection: bool,
    fields: Vec<FieldId>,
}

impl AnonymousRules {
    /// The rules for a supergraph.
    pub(crate) fn new(config: &AnonymousConfig, supergraph: &Supergraph) -> Result<Self, AnonymousError> {
        let schema = &supergraph.schema;
        let roots = [schema.query, schema.mutation, schema.subscription];
        let field = |coordinate: &String| {
            let found = coordinate.split_once('.').and_then(|(ty, name)| {
                let ty = schema.type_named(ty).filter(|ty| roots.contains(&Some(*ty)))?;
                schema.field_named(ty, name)
            });
            found.ok_or_else(|| AnonymousError(coordinate.clone()))
        };
        let fields = config.fields.iter().map(field).collect::<Result<_, _>>()?;
        Ok(Self { introspection: config.introspection, fields })
    }

    /// Whether anonymous clients may run an operation: all its root fields must be exceptions.
    pub(crate) fn allow(&self, operation: &Operation) -> bool {
        operation.selection_set.fields.iter().all(|field| match field.definition {
            FieldRef::Typename => true,
            FieldRef::IntrospectSchema | FieldRef::IntrospectType => self.introspection,
            FieldRef::Field(id) | FieldRef::Refused(id) => self.fields.contains(&id),
        })
    }
}

/// Refuses a client that has not said who it is, unless that does not matter.
pub(crate) fn check(identity: &Identity, is_open: bool) -> Result<(), Refusal> {
    if is_open || matches!(identity, Identity::Known(_)) { Ok(()) } else { Err(refusal()) }
}

/// What is due to a client that has to say who it is.
pub(crate) fn refusal() -> Refusal {
    let message = "The operation needs credentials, and the request has none.";
    let refusal = Refusal::fixed(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    Refusal { challenge: Some(HeaderValue::from_static("Bearer")), ..refusal }
}
