// One fetch: why it exists, what was sent, and what came.
import { Code, Json } from "../shared/code.jsx";
import { bytes, count, millis } from "../shared/format.js";
import { Owner, hue } from "../shared/owner.jsx";
import { pretty } from "./pretty.js";
import { reasons } from "./reasons.js";

const HIDDEN = "What was sent and what came is shown with --dev, or with exposure.exchanges in router.yaml.";

export function Detail({ fetch, fetches, run }) {
  if (!fetch) {
    return (
      <section className="detail empty" aria-label="Fetch">
        <p className="quiet">Choose a fetch to see why it exists, what is asked and what came.</p>
      </section>
    );
  }
  const { exchange } = fetch;
  return (
    <section className="detail" aria-label={`Fetch ${fetch.id}`} data-hook="detail">
      <h3>
        <Owner name={fetch.subgraph} hueClass={hue(fetch.subgraphNumber)} /> fetch #{fetch.id}, stage {fetch.stage}
      </h3>
      <ul className="reasons" data-hook="reasons">
        {reasons(fetch, fetches).map((reason, index) => (
          <li key={index}>{reason}</li>
        ))}
        {facts(fetch).map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
      <h4>Request</h4>
      <Code text={pretty(exchange?.request?.query ?? fetch.request)} language="graphql" label="The request to the subgraph" />
      {exchange?.request?.variables ? (
        <>
          <h4>Variables</h4>
          <Json value={exchange.request.variables} label="The variables of the request" />
        </>
      ) : fetch.variables.length > 0 ? (
        <p className="quiet">It uses the variables {fetch.variables.map((name) => `$${name}`).join(", ")}.</p>
      ) : null}
      {run.kind === "plan" ? null : <Answer exchange={exchange} timing={fetch.timing} run={run} />}
    </section>
  );
}

function Answer({ exchange, timing, run }) {
  if (!timing) return <p className="quiet">{run.isStream && !run.hasEnded ? "No answer has come yet." : "It was not sent: there was nothing to ask."}</p>;
  return (
    <>
      <h4>Answer{timing.status ? `, status ${timing.status}` : ""}</h4>
      {exchange ? null : <p className="quiet">{HIDDEN}</p>}
      {exchange?.failure ? <p className="bad">{exchange.failure}</p> : null}
      {exchange?.known ? (
        <>
          <p className="quiet">From the cache: {exchange.knownEntities ? count(exchange.knownEntities, "entity") : "a part"}</p>
          <Json value={exchange.known} label="What the cache had" />
        </>
      ) : null}
      {exchange?.response != null ? <Json value={exchange.response} label="The subgraph's answer" /> : null}
    </>
  );
}

function facts({ timings, timing, exchange, cost, isDeferred }) {
  const facts = [];
  if (timings.length > 1) facts.push(`It was made ${count(timings.length, "time")}, for items of a list as they came. What is said here is about the last time.`);
  if (isDeferred) facts.push("What it gives is delivered later (@defer).");
  if (cost != null) facts.push(`It is expected to cost ${cost}${timing?.cost != null ? `, and it cost ${timing.cost}` : ""}.`);
  if (timing) {
    const entities = exchange?.entities ? `, for ${count(exchange.entities, "entity")}` : "";
    facts.push(
      `It began at ${millis(timing.startMs)} and took ${millis(timing.tookMs)}: ${bytes(timing.requestBytes)} out, ${bytes(timing.responseBytes)} back${entities}.`,
    );
  }
  const cache = timing?.cache;
  if (cache && cache.fresh + cache.stale > 0) {
    const redis = cache.fromRedis > 0 ? `, ${cache.fromRedis} of them in Redis` : "";
    facts.push(`The cache knew ${cache.fresh + cache.stale} of ${cache.fresh + cache.stale + cache.missing} values${redis}.`);
  } else if (cache) {
    facts.push(`The cache knew none of ${count(cache.missing, "value")}.`);
  }
  return facts;
}
