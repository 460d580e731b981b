// When each fetch began and how long it took, on one axis.
import { bytes, millis } from "../shared/format.js";
import { hue } from "../shared/owner.jsx";
import { bars } from "./scale.js";

export function Waterfall({ fetches, run, selected, select }) {
  const sent = fetches.filter(({ timing }) => timing);
  const axis = bars(fetches);
  return (
    <section className="waterfall" aria-label="Timings" data-hook="timings">
      <h3>Timings</h3>
      {sent.length === 0 ? (
        <p className="quiet">{run.kind === "plan" ? "The operation was only planned: nothing was sent." : why(run)}</p>
      ) : (
        <>
          <div className="axis" aria-hidden="true">
            {axis.ticks.map(({ ms, left }) => (
              <span key={ms} style={{ left: `${left}%` }}>
                {ms === 0 ? "0" : millis(ms)}
              </span>
            ))}
          </div>
          <ol>
            {fetches.map((fetch) => (
              <li key={fetch.id}>
                <Row fetch={fetch} bar={axis.bars.get(fetch.id)} ticks={axis.ticks} isSelected={fetch.id === selected} select={select} />
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function why(run) {
  if (run.isStream) return "Timings are shown for answers in one piece.";
  return run.timings?.made === "executed" ? "No subgraph was asked." : "No subgraph was asked: the answer was there already.";
}

function Row({ fetch, bar, ticks, isSelected, select }) {
  const { timing } = fetch;
  const failed = fetch.errors.length > 0 || timing?.failure;
  return (
    <button type="button" className={`row ${hue(fetch.subgraphNumber)} ${isSelected ? "selected" : ""}`} aria-pressed={isSelected} onClick={() => select(fetch.id)}>
      <span className="row-name">
        <span className="owner-dot" />
        {fetch.subgraph} <span className="number">#{fetch.id}</span>
      </span>
      <span className="track">
        {ticks.map(({ ms, left }) => (
          <i key={ms} style={{ left: `${left}%` }} />
        ))}
        {bar ? <b className={failed ? "bar failed" : "bar"} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} /> : null}
      </span>
      <span className="row-facts">{timing ? `${millis(timing.tookMs)} · ${bytes(timing.responseBytes)}` : "not sent"}</span>
    </button>
  );
}
