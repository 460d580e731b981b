//! Changes of applied directives: deprecation, authorization, tags, and any other. Knows nothing of the elements' own kinds.

use std::collections::BTreeMap;

use braid_graphql::compiler::schema::{Directive, DirectiveList};

use super::context::Context;
use super::values;
use crate::change::{Change, ChangeKind, Severity};

/// The kinds for an element's deprecation, where it can be deprecated.
pub(super) struct Deprecation {
    pub(super) added: ChangeKind,
    pub(super) removed: ChangeKind,
    pub(super) changed: ChangeKind,
}

/// Compares what is applied to an element.
pub(super) fn compare(
    context: &mut Context<'_>,
    coordinate: &str,
    deprecation: Option<&Deprecation>,
    old: &DirectiveList,
    new: &DirectiveList,
) {
    if old.is_empty() && new.is_empty() {
        return;
    }
    if let Some(kinds) = deprecation {
        compare_deprecation(context, coordinate, kinds, old, new);
    }
    let (old, new) = (grouped(old), grouped(new));
    let names: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        let empty = Vec::new();
        let (before, after) = (old.get(name).unwrap_or(&empty), new.get(name).unwrap_or(&empty));
        if before != after {
            compare_directive(context, coordinate, name, before, after);
        }
    }
}

/// The applications of each directive, printed, in an order that does not depend on how they were written. Directives with
/// a comparison of their own, and those that only say how subgraphs were joined, are left out.
fn grouped(list: &DirectiveList) -> BTreeMap<&str, Vec<String>> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for directive in list.iter() {
        let name = directive.name.as_str();
        if !matches!(name, "deprecated" | "specifiedBy" | "oneOf" | "link" | "core") && !name.starts_with("join__") {
            groups.entry(name).or_default().push(print(directive));
        }
    }
    groups.values_mut().for_each(|applications| applications.sort());
    groups
}

fn print(directive: &Directive) -> String {
    let mut arguments: Vec<_> =
        directive.arguments.iter().map(|a| format!("{}: {}", a.name, values::print(&a.value))).collect();
    arguments.sort();
    if arguments.is_empty() {
        return format!("@{}", directive.name);
    }
    format!("@{}({})", directive.name, arguments.join(", "))
}

fn compare_directive(context: &mut Context<'_>, coordinate: &str, name: &str, before: &[String], after: &[String]) {
    match family(name) {
        Family::Tag => {
            let only = |these: &[String], those: &[String]| -> Vec<String> {
                these.iter().filter(|tag| !those.contains(tag)).cloned().collect()
            };
            for tag in only(after, before) {
                context.push(tag_change(ChangeKind::TagAdded, coordinate, &tag, "got"));
            }
            for tag in only(before, after) {
                context.push(tag_change(ChangeKind::TagRemoved, coordinate, &tag, "no longer has"));
            }
        }
        family => {
            let change = whole_change(&family, coordinate, name, before, after);
            context.push(change);
        }
    }
}

enum Family {
    Tag,
    Inaccessible,
    Authorization,
    Cost,
    Federation,
    Other,
}

/// What a directive means, by its usual name, whether or not it was imported without its prefix.
fn family(name: &str) -> Family {
    match name.rsplit("__").next().unwrap_or(name) {
        "tag" => Family::Tag,
        "inaccessible" => Family::Inaccessible,
        "authenticated" | "requiresScopes" | "policy" => Family::Authorization,
        "cost" | "listSize" => Family::Cost,
        "key" | "external" | "requires" | "provides" | "shareable" | "override" | "extends" | "interfaceObject"
        | "context" | "fromContext" | "composeDirective" => Family::Federation,
        _ => Family::Other,
    }
}

fn tag_change(kind: ChangeKind, coordinate: &str, tag: &str, verb: &str) -> Change {
    let message = format!("\"{coordinate}\" {verb} {tag}.");
    let reason = "Contracts that include or exclude the tag change; each is judged by its own schema.";
    Change::new(kind, Severity::Safe, coordinate, message, reason).subject(tag)
}

fn whole_change(family: &Family, coordinate: &str, name: &str, before: &[String], after: &[String]) -> Change {
    use ChangeKind as Kind;
    use Severity::{Breaking, Dangerous, Safe};
    enum How {
        Added,
        Removed,
        Changed,
    }
    let how = match (before.is_empty(), after.is_empty()) {
        (true, _) => How::Added,
        (_, true) => How::Removed,
        _ => How::Changed,
    };
    let (from, to) = (before.join(" "), after.join(" "));
    let message = match how {
        How::Added => format!("{to} was added to \"{coordinate}\"."),
        How::Removed => format!("{from} was removed from \"{coordinate}\"."),
        How::Changed => format!("{from} on \"{coordinate}\" became {to}."),
    };
    let (kind, severity, reason) = match (family, how) {
        (Family::Inaccessible, How::Added) => (Kind::InaccessibleAdded, Breaking, "Clients no longer see it."),
        (Family::Inaccessible, _) => (Kind::InaccessibleRemoved, Safe, "Clients see more than before."),
        (Family::Authorization, How::Added) => {
            (Kind::AuthorizationAdded, Breaking, "Clients without the authorization no longer get it.")
        }
        (Family::Authorization, How::Removed) => {
            (Kind::AuthorizationRemoved, Dangerous, "Everybody can read it now: make sure that this is intended.")
        }
        (Family::Authorization, How::Changed) => {
            (Kind::AuthorizationChanged, Breaking, "Clients that had the old authorization may lack the new one.")
        }
        (Family::Cost, _) => (Kind::CostChanged, Dangerous, "Operations near the cost limit may pass or fail now."),
        (Family::Federation, how) => {
            let kind = match how {
                How::Added => Kind::DirectiveUsageAdded,
                How::Removed => Kind::DirectiveUsageRemoved,
                How::Changed => Kind::DirectiveUsageChanged,
            };
            let reason =
                "What a router may ask of this subgraph changes; compare the composed graphs to see the rollout.";
            (kind, Dangerous, reason)
        }
        (_, How::Added) => {
            (Kind::DirectiveUsageAdded, Dangerous, "What the directive does is not known here; servers may act on it.")
        }
        (_, How::Removed) => {
            (Kind::DirectiveUsageRemoved, Dangerous, "What the directive did is not known here; servers acted on it.")
        }
        (_, How::Changed) => (
            Kind::DirectiveUsageChanged,
            Dangerous,
            "What the directive does is not known here; servers may act on it.",
        ),
    };
    let mut change = Change::new(kind, severity, coordinate, message, reason).subject(format!("@{name}"));
    change.from = (!from.is_empty()).then_some(from);
    change.to = (!to.is_empty()).then_some(to);
    change
}

fn compare_deprecation(
    context: &mut Context<'_>,
    coordinate: &str,
    kinds: &Deprecation,
    old: &DirectiveList,
    new: &DirectiveList,
) {
    let (kind, message, from, to) = match (reason(old), reason(new)) {
        (None, Some(new)) => (kinds.added, format!("\"{coordinate}\" is deprecated now: {new}"), None, Some(new)),
        (Some(old), None) => (kinds.removed, format!("\"{coordinate}\" is no longer deprecated."), Some(old), None),
        (Some(old), Some(new)) if old != new => (
            kinds.changed,
            format!("\"{coordinate}\" gives another reason for its deprecation: {new}"),
            Some(old),
            Some(new),
        ),
        _ => return,
    };
    let reason = "What is deprecated works as before.";
    let mut change = Change::new(kind, Severity::Safe, coordinate, message, reason);
    (change.from, change.to) = (from, to);
    context.push(change);
}

/// The reason for a deprecation, when there is one at all.
pub(crate) fn reason(directives: &DirectiveList) -> Option<String> {
    let directive = directives.get("deprecated")?;
    let given = directive.specified_argument_by_name("reason").and_then(|value| value.as_str());
    Some(given.unwrap_or("No longer supported").to_owned())
}
