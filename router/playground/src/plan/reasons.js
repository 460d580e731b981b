// Why a fetch exists, in sentences. Knows no page.
import { listed, shortened } from "../shared/format.js";

/** Sentences about one fetch of a plan. */
export function reasons(fetch, fetches) {
  const sentences = fetch.places.flatMap((place) => [...found(fetch, place), ...owned(fetch, place)]);
  const inputs = fetch.places.flatMap((place) => place.gives).filter((given) => given.isInput);
  if (inputs.length > 0) {
    const fields = [...new Set(inputs.map(({ field }) => field))];
    const later = fetches.filter(({ after }) => after.includes(fetch.id));
    sentences.push(`Later fetches (${listed(later.map(named))}) are given ${shortened(fields, 4)}.`);
  }
  return [waits(fetch, fetches), ...sentences];
}

export function named({ id, subgraph }) {
  return `#${id} ${subgraph}`;
}

function waits(fetch, fetches) {
  if (fetch.after.length === 0) return "It waits for nothing.";
  return `It waits for ${listed(fetch.after.map((id) => named(fetches.find((other) => other.id === id) ?? { id, subgraph: "?" })))}.`;
}

function found(fetch, place) {
  if (!fetch.isLookup) return place.path === "" ? [] : [`It fills in ${place.path}.`];
  return place.inputs.map(({ types, by, required }) => {
    const needs = required.length > 0 ? `, and it needs ${shortened(required, 4)} of it first (@requires)` : "";
    return `At ${place.path}: each ${types.replaceAll("|", " or ")} is looked up by ${listed(by)}${needs}.`;
  });
}

/** The fields of a place, together where the same is true of them. */
function owned(fetch, place) {
  const groups = new Map();
  for (const { field, others } of place.gives) {
    const why = others.map(({ subgraph, drawback }) => `${subgraph} (${drawback})`).join(", ");
    groups.set(why, [...(groups.get(why) ?? []), field]);
  }
  return [...groups].map(([why, fields]) => {
    const names = shortened([...new Set(fields)], 6);
    if (why === "") return `Only ${fetch.subgraph} has ${names}.`;
    return `${fetch.subgraph} gives ${names}, rather than ${why}.`;
  });
}
