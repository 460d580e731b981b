// Asks the router, while the page is seen, whether its newest schema can be used. Knows no page.

const PAUSE = 1000;

/**
 * Calls `tell({ problem, isNew })` when something has changed: `problem` stands in the way of the newest schema, or is null; `isNew` says
 * that another schema is served than before. Returns how to stop.
 */
export function followProblems(tell, ask = () => fetch("/playground/problems.json")) {
  let [timer, version, last] = [null, null, "null"];
  const look = async () => {
    try {
      const response = document.hidden ? null : await ask();
      if (response?.ok) {
        const standing = await response.json();
        const isNew = version !== null && standing.version !== version;
        const text = JSON.stringify(standing.problem);
        version = standing.version;
        if (isNew || text !== last) tell({ problem: standing.problem, isNew });
        last = text;
      }
    } catch {
      // The router is being started again.
    }
    if (timer !== undefined) timer = setTimeout(look, PAUSE);
  };
  look();
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
}

/** What to say of a problem in a line. */
export function headline({ errors, more }) {
  const count = errors.length + more;
  if (count === 0) return "The newest version can't be used. The last good one is served.";
  return `The subgraphs do not compose: ${count} ${count === 1 ? "problem" : "problems"}. The last good schema is served.`;
}

/** The text of a problem: each error with the line that it is about. */
export function details({ message, errors, more }) {
  if (errors.length === 0) return message;
  const rest = more > 0 ? `\n\nand ${more} more` : "";
  return errors.map(({ excerpt }) => excerpt).join("\n\n") + rest;
}
