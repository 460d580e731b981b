// The panel that shows the plan of the last operation and how long each fetch took.
import { useSyncExternalStore } from "react";

import { snapshot, subscribe } from "./inside.js";

const HIDDEN = "The router does not show plans. Start it with --dev, or set exposure.plan in router.yaml.";
const REFUSED = "There is no plan: the operation was refused before it was planned.";
const NOTHING = "Run an operation to see its plan.";

function Timings({ timings }) {
  return (
    <table className="plan-timings" data-hook="timings">
      <thead>
        <tr>
          <th>fetch</th>
          <th>from</th>
          <th>took</th>
          <th>bytes</th>
        </tr>
      </thead>
      <tbody>
        {timings.fetches.map((fetch, index) => (
          <tr key={index}>
            <td>{fetch.subgraph}</td>
            <td>{fetch.startMs.toFixed(1)} ms</td>
            <td>{fetch.tookMs.toFixed(1)} ms</td>
            <td>{fetch.responseBytes}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Plan() {
  const { plan, timings, answered, exposed } = useSyncExternalStore(subscribe, snapshot);
  return (
    <section className="plan" aria-label="Query plan">
      <div className="graphiql-doc-explorer-title">Query plan</div>
      {timings ? <Timings timings={timings} /> : null}
      <pre data-hook="plan">{plan ?? missing(answered, exposed)}</pre>
    </section>
  );
}

function missing(answered, exposed) {
  if (!answered) return NOTHING;
  return exposed ? REFUSED : HIDDEN;
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      <path d="M5 3c0 7 14 6 14 12v6M19 3c0 7-14 6-14 12v6M12 3v18" />
    </svg>
  );
}

export const PLAN_PLUGIN = { title: "Query plan", icon: Icon, content: Plan };
