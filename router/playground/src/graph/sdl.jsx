// The schema of a subgraph, with a link from each type and field back to its place in the graph.
import { useEffect, useMemo, useRef } from "react";

import { Owner } from "../shared/owner.jsx";
import { lineOf, linesOf } from "./sdl.js";

/** Longer schemas are shown around what is looked for: a page can't show hundreds of thousands of lines. */
const MOST = 3000;

export function Sdl({ subgraph, coordinate, go, hue, graph }) {
  const lines = useMemo(() => linesOf(subgraph.sdl), [subgraph]);
  const known = useMemo(() => new Set(graph.types.flatMap((type) => [type.name, ...type.fields.map(({ name }) => `${type.name}.${name}`)])), [graph]);
  const chosen = coordinate ? lineOf(lines, coordinate) : undefined;
  const first = Math.max(0, Math.min((chosen ?? 0) - MOST / 2, lines.length - MOST));
  const line = useRef(null);
  useEffect(() => {
    line.current?.scrollIntoView({ block: "center" });
  }, [chosen]);
  return (
    <>
      <h3>
        <button type="button" className="link" onClick={() => go.toSubgraph(subgraph.name)}>
          <Owner name={subgraph.name} hueClass={hue} />
        </button>{" "}
        schema <span className="quiet">{subgraph.file}</span>
      </h3>
      {lines.length > MOST ? (
        <p className="quiet">
          Lines {first + 1} to {first + MOST} of {lines.length}.
        </p>
      ) : null}
      <div className="sdl code" tabIndex={0} role="region" aria-label={`The schema of ${subgraph.name}`} data-hook="sdl">
        {lines.slice(first, first + MOST).map(({ number, tokens, coordinate: own }) => (
          <div key={number} className={number === chosen ? "line chosen" : "line"} ref={number === chosen ? line : null}>
            <span className="line-number" aria-hidden="true">
              {number}
            </span>
            <Line tokens={tokens} coordinate={known.has(own) ? own : null} go={go} known={known} />
          </div>
        ))}
      </div>
    </>
  );
}

/** The name that a line defines leads to the graph, and so do the types on it. */
function Line({ tokens, coordinate, go, known }) {
  const defined = coordinate?.split(".").at(-1);
  let isFound = false;
  return tokens.map(({ text, kind }, index) => {
    const isDefined = !isFound && text === defined && kind !== "comment" && kind !== "string";
    isFound ||= isDefined;
    const [type, field] = isDefined ? coordinate.split(".") : kind === "type" && known.has(text) ? [text] : [];
    return (
      <span key={index} className={kind ? `token-${kind}` : undefined}>
        {type ? (
          <button type="button" className="link" onClick={() => go.toType(type, field)}>
            {text}
          </button>
        ) : (
          text
        )}
      </span>
    );
  });
}
