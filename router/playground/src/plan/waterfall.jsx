// When each fetch began and how long it took, on one axis.
import { bytes, count, millis } from "../shared/format.js";
import { hue } from "../shared/owner.jsx";
import { bars } from "./scale.js";

export function Waterfall({ fetches, run, selected, select }) {
  const sent = fetches.filter(({ timing }) => timing);
  const axis = bars(fetches);
  return (
    <section className="waterfall" aria-label="Timings" data-hook="timings">
      <h3>{run.isOfEvents && run.count ? `Timings of event ${run.count}` : "Timings"}</h3>
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
                <Row fetch={fetch} bars={axis.bars.get(fetch.id) ?? []} ticks={axis.ticks} isSelected={fetch.id === selected} select={select} />
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function why(run) {
  if (run.isStream && !run.hasEnded && !run.failure) return run.isOfEvents ? "No event has come yet." : "No fetch has ended yet.";
  return run.timings?.made === "executed" ? "No subgraph was asked." : "No subgraph was asked: the answer was there already.";
}

function Row({ fetch, bars, ticks, isSelected, select }) {
  const { timings } = fetch;
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
        {bars.map(({ left, width, hasFailed }, index) => (
          <b key={index} className={fetch.errors.length > 0 || hasFailed ? "bar failed" : "bar"} style={{ left: `${left}%`, width: `${width}%` }} />
        ))}
      </span>
      <span className="row-facts">{facts(timings)}</span>
    </button>
  );
}

function facts(timings) {
  if (timings.length === 0) return "not sent";
  const received = bytes(timings.reduce((sum, { responseBytes }) => sum + responseBytes, 0));
  return timings.length === 1 ? `${millis(timings[0].tookMs)} · ${received}` : `${count(timings.length, "time")} · ${received}`;
}
