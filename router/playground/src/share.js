// An operation in a link: its text, variables and name in the URL's fragment, which no server sees. Headers are never in it.

/** The longest link that is made: longer ones are cut off by programs on their way. */
const MAX_LENGTH = 16_000;

/** The fragment of a link to an operation; null if it would be too long. */
export function toFragment({ query, variables, operationName }) {
  const parameters = new URLSearchParams();
  parameters.set("query", query);
  if (variables?.trim()) parameters.set("variables", variables);
  if (operationName) parameters.set("operation", operationName);
  const fragment = `#${parameters}`;
  return fragment.length > MAX_LENGTH ? null : fragment;
}

/** The operation of a fragment, or null if it has none. */
export function fromFragment(fragment) {
  if (!fragment.startsWith("#query=")) return null;
  const parameters = new URLSearchParams(fragment.slice(1));
  const query = parameters.get("query");
  if (!query?.trim()) return null;
  return { query, variables: parameters.get("variables") ?? "", operationName: parameters.get("operation") ?? undefined };
}
