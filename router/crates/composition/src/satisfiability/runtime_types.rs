//! Subgraphs that share a field of an abstract type: whether they can return the same object types. Knows no path.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ahash::AHashMap;

use super::labels::When;
use super::model::{Model, Returned, source_in};
use super::node::{AllAsked, Asked, Node};
use super::provided::ProvidedId;
use super::reach::Reach;
use super::witness;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, human_list};

/// A message names no more types of a subgraph: each field that returns them has a message.
const MOST_NAMES: usize = 50;

/// Subgraphs that share a field return different types.
pub(super) struct Mismatch {
    /// There is no type that all of them return.
    pub(super) is_error: bool,
    /// The combinations of labels in which that is so.
    pub(super) when: When,
    /// For one of them, what each subgraph returns.
    returned: Vec<(usize, Returned)>,
    /// The same as a text, once it is needed.
    said: OnceCell<String>,
}

/// What was found before: many fields return the same.
#[derive(Default)]
pub(super) struct Comparisons(AHashMap<(AllAsked, When), Option<Rc<Mismatch>>>);

impl Comparisons {
    /// Compares what some subgraphs return for a field of a node.
    pub(super) fn compare(
        &mut self,
        reach: &mut Reach<'_, '_>,
        node: &Node,
        at: usize,
        asked: &[Asked],
    ) -> Option<Rc<Mismatch>> {
        let asked = comparable(reach.model, node, at, asked)?;
        let key = (asked, node.when);
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let found = compare(reach, node.when, &key.0).map(Rc::new);
        self.0.insert(key, found.clone());
        found
    }
}

/// Those of which it matters what they return, without what is provided; `None` if all return the same.
fn comparable(model: &Model<'_>, node: &Node, at: usize, asked: &[Asked]) -> Option<AllAsked> {
    let [first, rest @ ..] = asked else { return None };
    if rest.iter().all(|other| other.returned == first.returned) {
        return None;
    }
    let sources = &model.types[node.ty].fields[at].sources;
    let declared = |asked: &Asked| Some(source_in(sources, asked.subgraph)?.field.ty.inner_named_type());
    // Where the declared types differ, merging has said so already.
    if asked.iter().any(|other| declared(other) != declared(first)) {
        return None;
    }
    // An interface object represents whatever the others return.
    let is_interface_object = |asked: &&Asked| {
        let types = &model.context.subgraphs[asked.subgraph].schema.types;
        declared(asked).and_then(|name| types.get(name)).is_some_and(|ty| ty.is_interface_object())
    };
    let asked = asked.iter().filter(|asked| !is_interface_object(asked));
    Some(asked.map(|asked| Asked { provided: ProvidedId::NOTHING, ..*asked }).collect())
}

fn compare(reach: &mut Reach<'_, '_>, when: When, asked: &[Asked]) -> Option<Mismatch> {
    let cases = cases(reach, asked, when);
    let mut worst = cases.into_iter().filter(|case| !case.agree);
    let worst = worst.by_ref().min_by_key(|case| (!case.common.is_empty(), case.when))?;
    let labels = reach.labels.example(worst.when);
    let mut returned: Vec<(usize, Returned)> = Vec::new();
    for asked in asked.iter().filter(|asked| reach.labels.holds(asked.when, &labels)) {
        if returned.last().is_none_or(|(subgraph, _)| *subgraph != asked.subgraph) {
            returned.push((asked.subgraph, asked.returned));
        }
    }
    Some(Mismatch { is_error: worst.common.is_empty(), when: worst.when, returned, said: OnceCell::new() })
}

/// Some combinations of labels, with the types that all subgraphs return that are asked then.
struct Case {
    when: When,
    common: Vec<usize>,
    /// All of them return these types and no others.
    agree: bool,
}

fn cases(reach: &mut Reach<'_, '_>, asked: &[Asked], when: When) -> Vec<Case> {
    let model = reach.model;
    // By the common types, of which there are none before the first subgraph, and whether all agree.
    let mut cases: BTreeMap<(Option<Vec<usize>>, bool), When> = BTreeMap::from([((None, true), when)]);
    for asked in asked {
        let types = model.types_of(&asked.returned);
        for ((common, agree), when) in std::mem::take(&mut cases) {
            let is_asked = reach.labels.and(when, asked.when);
            let is_not = reach.labels.without(when, asked.when);
            let narrowed = match &common {
                None => types.to_vec(),
                Some(common) => common.iter().copied().filter(|ty| types.binary_search(ty).is_ok()).collect(),
            };
            reach.budget.spend(narrowed.len());
            let still = agree && common.as_ref().is_none_or(|common| common == types);
            for (case, when) in [((Some(narrowed), still), is_asked), ((common, agree), is_not)] {
                if when.is_possible() {
                    let known = cases.entry(case).or_insert(When::NEVER);
                    *known = reach.labels.or(*known, when);
                }
            }
        }
    }
    let case = |((common, agree), when)| Case { when, common: Option::unwrap_or_default(common), agree };
    cases.into_iter().map(case).collect()
}

/// The diagnostic for a field of a node.
pub(super) fn report(
    reach: &Reach<'_, '_>,
    nodes: &[Node],
    index: usize,
    at: usize,
    mismatch: &Mismatch,
) -> Diagnostic {
    let model = reach.model;
    let ty = &model.types[nodes[index].ty];
    let field = ty.fields[at].merged;
    let coordinate = format!("{}.{}", ty.name, field.name);
    let said = mismatch.said.get_or_init(|| {
        let each = mismatch.returned.iter().map(|(subgraph, returned)| returns(model, *subgraph, returned));
        each.collect::<Vec<_>>().join(",\n")
    });
    let query = witness::query(reach, nodes, index, field);
    let behind = field.ty.inner_named_type();
    let (code, message) = match mismatch.is_error {
        true => (
            Code::SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
            format!(
                "Several subgraphs resolve \"{coordinate}\", but they have no possible type of \"{behind}\" in common:\n{said}.\nThe router may ask any of them, so all must be able to return the same object. Example query:\n{query}"
            ),
        ),
        false => (
            Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
            format!(
                "Several subgraphs resolve \"{coordinate}\", but they have different possible types of \"{behind}\":\n{said}.\nThe router may ask any of them: return only types that all of them have. Example query:\n{query}"
            ),
        ),
    };
    let locations = mismatch.returned.iter().filter_map(|(subgraph, _)| {
        let source = source_in(&ty.fields[at].sources, *subgraph)?;
        model.context.subgraphs[*subgraph].locate(source.field.span)
    });
    Diagnostic::new(code, message)
        .on(coordinate.as_str())
        .at(locations.collect::<Vec<_>>())
        .help("define the same implementations or union members in all of these subgraphs")
}

fn returns(model: &Model<'_>, subgraph: usize, returned: &Returned) -> String {
    let names: BTreeSet<&str> = model.types_of(returned).iter().map(|ty| model.types[*ty].name.as_str()).collect();
    let names = match names.len() {
        0 => "no object type".to_owned(),
        count if count <= MOST_NAMES => human_list(names),
        count => {
            let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("\"{name}\"")).collect();
            format!("{} and {} more", shown.join(", "), count - MOST_NAMES)
        }
    };
    format!("- subgraph \"{}\": {names}", model.subgraph_name(subgraph))
}
