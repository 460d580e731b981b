// What the router says of how an answer was made, taken out of it: of a whole one, and of one that comes piece by piece. Knows no page.

/** The requests to subgraphs that are kept of a long answer in parts. */
const MAX_FETCHES = 500;
/** The errors that are kept of it. */
const MAX_ERRORS = 200;

/** An answer, a part or an event without what the router adds for this page. That events may be missing is for everybody. */
export function apart(answer) {
  const { braid, ...others } = answer?.extensions ?? {};
  const { gap, ...inside } = braid ?? {};
  if (gap) others.braid = { gap };
  const rest = { ...answer };
  delete rest.extensions;
  if (Object.keys(others).length > 0) rest.extensions = others;
  return { braid: inside, rest };
}

/**
 * What changes about a run with one more part of its answer. The parts of an answer are about one execution: what they say is added up. Each
 * event of a subscription is an execution of its own: what is shown is the latest.
 */
export function withPart(run, braid, rest) {
  const before = run.isOfEvents ? {} : run;
  const errors = [...(before.answer?.errors ?? []), ...errorsOf(rest)].slice(0, MAX_ERRORS);
  const changes = errors.length > 0 || run.answer ? { answer: { errors } } : {};
  if (braid.timings) {
    const fetches = [...(before.timings?.fetches ?? []), ...braid.timings.fetches].slice(-MAX_FETCHES);
    changes.timings = { ...run.timings, ...braid.timings, fetches };
  }
  if (braid.exchanges) changes.exchanges = [...(before.exchanges ?? []), ...braid.exchanges].slice(-MAX_FETCHES);
  return changes;
}

/** The errors of a response or of a part of one, in either format. */
function errorsOf({ errors, incremental, completed }) {
  return [errors, ...[...(incremental ?? []), ...(completed ?? [])].map((piece) => piece.errors)].flatMap((some) => some ?? []);
}
