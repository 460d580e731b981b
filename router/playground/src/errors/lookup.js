// From an error of an answer to the fetch that it is about, and to what can be done. Knows no page.

/**
 * The fetch that an error is about: `{ fetch, isCertain }`. The router says it where it knows; otherwise it is the fetch that would have
 * filled in the deepest place on the error's path. Undefined if no fetch has to do with it.
 */
export function fetchOfError(error, index, fetches, timings) {
  const told = timings?.fetches?.find(({ errors }) => errors?.includes(index));
  if (told) return { fetch: told.fetch, isCertain: true };
  if (isRouters(error)) return undefined;
  const keys = (error.path ?? []).filter((segment) => typeof segment === "string");
  if (keys.length === 0) return undefined;
  let best;
  for (const fetch of fetches) {
    for (const place of fetch.places) {
      const depth = place.keys.length;
      const isOnPath = depth < keys.length && place.keys.every((key, at) => key === keys[at]);
      if (!isOnPath || !place.gives.some(({ key }) => key === keys[depth])) continue;
      if (!best || depth > best.depth) best = { fetch: fetch.id, isCertain: false, depth };
    }
  }
  return best && { fetch: best.fetch, isCertain: best.isCertain };
}

/** Whether the router gave the error before it asked anybody about the field. */
export function isRouters(error) {
  return /^UNAUTHORIZED_|^GATEWAY_TIMEOUT$|^RESPONSE_TOO_LARGE$|^TOO_MANY_ERRORS$/.test(codeOf(error) ?? "");
}

export function codeOf(error) {
  return error.extensions?.code;
}

/** What is to be done about an error: the router's advice for its code, or for errors that subgraphs make with codes of their own. */
export function advice(error, codes, fetch) {
  const known = codes[codeOf(error)];
  if (known) return known;
  const whose = fetch ? `the subgraph ${fetch.subgraph}` : "a subgraph";
  return {
    cause: `${whose} gave this error itself: the code is its own`,
    advice: "look at what was sent to it and what it answered",
    isSubgraphs: true,
  };
}
