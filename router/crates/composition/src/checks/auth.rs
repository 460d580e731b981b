//! A field that reads protected data through `@requires` or a context must require the same authorization itself.

use std::cell::LazyCell;

use braid_supergraph::join_spec::draft::{DraftApplied, DraftField, DraftType};

use super::context::Context;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt};
use crate::merge::dnf::Dnf;
use crate::subgraph::spec::Known;
use braid_graphql::field_set::{FieldSet, Item};

/// What a client must have to see an element. All of it must hold.
#[derive(Clone, Debug, Default)]
struct Demand {
    authenticated: bool,
    scopes: Vec<Dnf>,
    policies: Vec<Dnf>,
}

impl Demand {
    fn of(context: &Context<'_>, applied: &[DraftApplied]) -> Demand {
        let dnf = |known, argument: &str| {
            let found = context.features.find(known, applied);
            let value = found.and_then(|a| a.args.iter().find(|(n, _)| n == argument));
            value.map(|(_, value)| Dnf::read(value)).into_iter().collect()
        };
        Demand {
            authenticated: context.features.find(Known::Authenticated, applied).is_some(),
            scopes: dnf(Known::RequiresScopes, "scopes"),
            policies: dnf(Known::Policy, "policies"),
        }
    }

    fn add(&mut self, other: Demand) {
        self.authenticated |= other.authenticated;
        for (own, others) in [(&mut self.scopes, other.scopes), (&mut self.policies, other.policies)] {
            for dnf in others {
                if !own.contains(&dnf) {
                    own.push(dnf);
                }
            }
        }
    }

    /// Every client that satisfies this satisfies the other too. What is too long to compare counts as less protected.
    fn implies(&self, other: &Demand) -> bool {
        (self.authenticated || !other.authenticated)
            && all_implied(&self.scopes, &other.scopes)
            && all_implied(&self.policies, &other.policies)
    }
}

fn all_implied(ours: &[Dnf], theirs: &[Dnf]) -> bool {
    let together = LazyCell::new(|| Dnf::all(ours.iter().cloned()));
    theirs.iter().all(|demand| {
        ours.iter().any(|own| own.implies(demand)) || together.as_ref().is_ok_and(|all| all.implies(demand))
    })
}

pub(super) fn check(context: &Context<'_>, errors: &mut Vec<Diagnostic>) {
    let protects = [Known::Authenticated, Known::RequiresScopes, Known::Policy];
    if !protects.iter().any(|k| context.features.name(*k).is_some()) {
        return;
    }
    for ty in context.draft.types.values() {
        for field in ty.fields.values() {
            for join in &field.joins {
                if let Some(set) = join.requires.as_deref().and_then(|r| FieldSet::parse(r).ok()) {
                    one(context, ty, field, ty, &set, "@requires", errors);
                }
                for argument in &join.context_arguments {
                    from_context(context, ty, field, argument, errors);
                }
            }
        }
    }
}

fn from_context(
    context: &Context<'_>,
    ty: &DraftType,
    field: &DraftField,
    argument: &braid_supergraph::join_spec::draft::DraftContextArgument,
    errors: &mut Vec<Diagnostic>,
) {
    let Ok(set) = FieldSet::parse(&argument.selection) else { return };
    for setter in context.draft.types.values() {
        let sets = setter.applied.iter().any(|a| {
            context.features.name(Known::Context).is_some_and(|n| *n == a.name)
                && a.args.iter().any(|(_, v)| v.as_str() == Some(&argument.context))
        });
        if sets {
            one(context, ty, field, setter, &set, "@fromContext", errors);
        }
    }
}

fn one(
    context: &Context<'_>,
    ty: &DraftType,
    field: &DraftField,
    target: &DraftType,
    set: &FieldSet,
    directive: &str,
    errors: &mut Vec<Diagnostic>,
) {
    let mut own = Demand::of(context, &ty.applied);
    own.add(Demand::of(context, &field.applied));
    let mut needed = match directive {
        "@fromContext" => Demand::of(context, &target.applied),
        _ => Demand::default(),
    };
    demanded(context, target, set, &mut needed);
    if own.implies(&needed) {
        return;
    }
    let coordinate = format!("{}.{}", ty.name, field.name);
    if errors
        .iter()
        .any(|e| e.coordinate.as_deref() == Some(&coordinate) && e.code == Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS)
    {
        return;
    }
    errors.push(
        Diagnostic::new(
            Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS,
            format!("\"{coordinate}\" is computed from protected fields (\"{}\", by {directive}), but is less protected itself: clients that may not read those fields could learn their values here.", excerpt(&set.to_string())),
        )
        .on(coordinate.as_str())
        .at(context.locations(&ty.name, Some(&field.name), None))
        .help(format!("put the @authenticated, @requiresScopes and @policy of \"{}\" on \"{coordinate}\" too", excerpt(&set.to_string()))),
    );
}

/// Adds what a client must have to see all that a field set selects.
fn demanded(context: &Context<'_>, ty: &DraftType, set: &FieldSet, demand: &mut Demand) {
    for item in &set.items {
        match item {
            Item::Field { name, selection, .. } => {
                let Some(field) = ty.fields.get(name) else { continue };
                demand.add(Demand::of(context, &field.applied));
                if let Some(inner) = context.draft.types.get(field.ty.inner_named_type()) {
                    demand.add(Demand::of(context, &inner.applied));
                    demanded(context, inner, selection, demand);
                }
            }
            Item::Fragment { condition, selection, .. } => {
                let inner = condition.as_ref().map_or(Some(ty), |c| context.draft.types.get(c));
                let Some(inner) = inner else { continue };
                if condition.is_some() {
                    demand.add(Demand::of(context, &inner.applied));
                }
                demanded(context, inner, selection, demand);
            }
        }
    }
}
