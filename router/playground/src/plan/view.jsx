// The plan of the last run: what is fetched from whom, why, when, and what came of it.
import { Explained } from "../errors/explained.jsx";
import { inside } from "../inside.js";
import { planNow, editors } from "../query/tools.jsx";
import { bytes, count, millis } from "../shared/format.js";
import { Owner, hue } from "../shared/owner.jsx";
import { useStore } from "../shared/use-store.js";
import { Detail } from "./detail.jsx";
import { Drawing } from "./drawing.jsx";
import { fetchesOf, summary } from "./model.js";
import { Parts } from "./parts.jsx";
import { Waterfall } from "./waterfall.jsx";

const HIDDEN = "The router does not show plans. Start it with --dev, or set exposure.plan in router.yaml.";
const REFUSED = "There is no plan: the operation was refused before it was planned.";
const NOTHING = "Run an operation to see its plan, or plan what is in the editor without running it.";
const NO_FETCHES = "The router answers this by itself: no subgraph is asked.";

export function PlanView() {
  const { run, settings, selected, error, codes } = useStore(inside);
  const fetches = fetchesOf(run);
  const errors = run?.answer?.errors ?? [];
  const chosen = fetches.find(({ id }) => id === selected) ?? fetches.find(({ errors }) => errors.some(({ index }) => index === error));
  const select = (id) => inside.set({ selected: id, error: null });
  return (
    <section className="view plan" aria-label="Plan">
      <div className="view-head">
        <h2>Plan</h2>
        <Summary run={run} fetches={fetches} />
        <span className="buttons">
          <button type="button" onClick={planNow} disabled={!settings.plan} data-hook="plan-now">
            Plan without running
          </button>
          <button type="button" className="primary" onClick={() => editors.run()}>
            {run?.isStream && !run.hasEnded && !run.failure ? "Stop" : "Run"}
          </button>
        </span>
      </div>
      {run?.failure ? <p className="notice bad">{run.failure}</p> : null}
      {errors.length > 0 ? <Explained errors={errors} fetches={fetches} codes={codes} run={run} /> : null}
      {fetches.length === 0 ? (
        <p className="notice" data-hook="plan">
          {missing(run, settings)}
        </p>
      ) : (
        <>
          <Drawing fetches={fetches} selected={chosen?.id} select={select} />
          <div className="plan-below">
            <Waterfall fetches={fetches} run={run} selected={chosen?.id} select={select} />
            <Detail key={chosen?.id} fetch={chosen} fetches={fetches} run={run} />
          </div>
        </>
      )}
      {run?.isStream ? <Parts run={run} /> : null}
      {run?.text && fetches.length > 0 ? (
        <details className="plan-text">
          <summary>The plan as text</summary>
          <pre tabIndex={0} role="region" aria-label="The plan as text">
            {run.text}
          </pre>
        </details>
      ) : null}
    </section>
  );
}

function missing(run, settings) {
  if (!settings.plan) return HIDDEN;
  if (!run) return NOTHING;
  if (run.explain) return NO_FETCHES;
  if (run.status == null && !run.failure && !run.hasEnded) return "…";
  return REFUSED;
}

function Summary({ run, fetches }) {
  if (fetches.length === 0) return null;
  const sums = summary(run, fetches);
  const { timings } = run;
  return (
    <ul className="summary" data-hook="summary">
      <li className={run.kind === "plan" ? "tag planned" : "tag"}>{run.kind === "plan" ? "not run" : made(run)}</li>
      <li>
        {count(sums.fetches, "fetch")} in {count(sums.stages, "stage")}
      </li>
      <li className="owners">
        {sums.subgraphs.map(({ name, number }) => (
          <Owner key={name} name={name} hueClass={hue(number)} />
        ))}
      </li>
      {timings ? (
        <>
          <li>
            {millis(timings.executeMs)}
            {timings.compileMs == null ? null : `, ${millis(timings.compileMs)} to ${timings.cache === "hit" ? "find the plan" : "plan"}`}
          </li>
          <li>{bytes(sums.bytes)} from subgraphs</li>
        </>
      ) : null}
      {run.isOfEvents && run.count ? <li data-hook="events">{count(run.count, "event")}, the latest is shown</li> : null}
      {sums.known + sums.missing > 0 ? (
        <li>
          cache: {sums.known} known, {sums.missing} asked
        </li>
      ) : null}
      {sums.cost != null ? (
        <li>
          cost {sums.actualCost ?? ""} {sums.actualCost != null ? `of ${sums.cost}` : sums.cost} estimated
          {sums.costMax != null ? `, at most ${sums.costMax}` : ""}
        </li>
      ) : null}
    </ul>
  );
}

function made(run) {
  switch (run.timings?.made) {
    case "kept":
      return "kept answer";
    case "shared":
      return "shared answer";
    default:
      return run.isStream ? "stream" : "ran";
  }
}
