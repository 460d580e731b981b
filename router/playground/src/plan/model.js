// A run as the views of its plan show it: each fetch with what is known of it. Knows no page.
import { fetchOfError } from "../errors/lookup.js";

/**
 * The fetches of a run with their timings, exchanges and errors; empty where there is no plan. A fetch can be made several times, for later items of a
 * list: `timings` has all of them, `timing` and `exchange` are those of the last.
 */
export function fetchesOf(run) {
  const planned = run?.explain?.fetches ?? [];
  const timings = timingsOf(run);
  const exchanges = new Map((run?.exchanges ?? []).map((exchange) => [exchange.fetch, exchange]));
  const errors = (run?.answer?.errors ?? []).map((error, index) => ({
    error,
    index,
    fetch: fetchOfError(error, index, planned, run?.timings)?.fetch,
  }));
  return planned.map((fetch) => ({
    ...fetch,
    timings: timings.get(fetch.id) ?? [],
    timing: timings.get(fetch.id)?.at(-1),
    exchange: exchanges.get(fetch.id),
    errors: errors.filter((error) => error.fetch === fetch.id),
  }));
}

/** The timings by fetch. One that was told before it had ended is told again, with the same start. */
function timingsOf(run) {
  const all = new Map();
  for (const timing of run?.timings?.fetches ?? []) {
    const others = (all.get(timing.fetch) ?? []).filter(({ startMs }) => startMs !== timing.startMs);
    all.set(timing.fetch, [...others, timing]);
  }
  return all;
}

/** What a fetch asks for, in a few words: `me`, or `Product: name, stock`. */
export function asksFor(fetch) {
  const types = new Map();
  for (const { field } of fetch.places.flatMap((place) => place.gives)) {
    const [type, name] = field.split(".");
    const names = types.get(type) ?? new Set();
    types.set(type, names.add(name));
  }
  return [...types].map(([type, names]) => ({ type: fetch.isLookup ? type : null, fields: [...names] }));
}

/** The sums of a run: how many fetches, stages and bytes, and whom it asked. */
export function summary(run, fetches) {
  const sent = fetches.flatMap(({ timings }) => timings);
  const subgraphs = [...new Map(fetches.map((fetch) => [fetch.subgraph, fetch.subgraphNumber]))];
  return {
    fetches: fetches.length,
    stages: run?.explain?.stages ?? 0,
    subgraphs: subgraphs.map(([name, number]) => ({ name, number })),
    bytes: sent.reduce((sum, timing) => sum + timing.responseBytes, 0),
    cost: run?.explain?.cost ?? null,
    costMax: run?.explain?.costMax ?? null,
    actualCost: sent.some((timing) => timing.cost != null) ? sent.reduce((sum, timing) => sum + (timing.cost ?? 0), 0) : null,
    known: sent.reduce((sum, timing) => sum + (timing.cache ? timing.cache.fresh + timing.cache.stale : 0), 0),
    missing: sent.reduce((sum, timing) => sum + (timing.cache?.missing ?? 0), 0),
  };
}
