// Why the newest schema can't be used, above all views, while it can't.
import { useEffect } from "react";

import { details, followProblems, headline } from "../fallback/problems.js";
import { inside } from "./inside.js";
import { editors } from "./query/tools.jsx";
import { useStore } from "./shared/use-store.js";

export function Problems() {
  const { problem } = useStore(inside);
  useEffect(
    () =>
      followProblems(({ problem, isNew }) => {
        inside.set({ problem, version: inside.get().version + (isNew ? 1 : 0) });
        if (isNew) editors.introspect();
      }),
    [],
  );
  return (
    <div role="status">
      {problem ? (
        <details className="problems" data-hook="problems">
          <summary>{headline(problem)}</summary>
          <pre tabIndex={0} role="region" aria-label="Problems">
            {details(problem)}
          </pre>
        </details>
      ) : null}
    </div>
  );
}
