// The errors of an answer: whose each is, what it means, and what to do.
import { inside } from "../inside.js";
import { Json } from "../shared/code.jsx";
import { path } from "../shared/format.js";
import { Owner, hue } from "../shared/owner.jsx";
import { named } from "../plan/reasons.js";
import { advice, codeOf, fetchOfError } from "./lookup.js";

export function Explained({ errors, fetches, codes, run }) {
  const { error: chosen } = inside.get();
  const open = chosen ?? (errors.length === 1 ? 0 : null);
  return (
    <section className="errors" aria-label="Errors" data-hook="errors">
      <h3>{errors.length === 1 ? "One error" : `${errors.length} errors`}</h3>
      <ol>
        {errors.slice(0, 100).map((error, index) => (
          <li key={index} className={index === open ? "open" : ""}>
            <Line error={error} index={index} fetches={fetches} isOpen={index === open} />
            {index === open ? <Explanation error={error} index={index} fetches={fetches} codes={codes} run={run} /> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Line({ error, index, fetches, isOpen }) {
  const fetch = fetches.find(({ errors }) => errors.some((one) => one.index === index));
  return (
    <button type="button" className="error-line" aria-expanded={isOpen} onClick={() => inside.set({ error: isOpen ? null : index, selected: null })}>
      {fetch ? <Owner name={fetch.subgraph} hueClass={hue(fetch.subgraphNumber)} /> : <span className="owner router">router</span>}
      <code>{codeOf(error) ?? "no code"}</code>
      <span className="where">{error.path ? `at ${path(error.path)}` : ""}</span>
    </button>
  );
}

function Explanation({ error, index, fetches, codes, run }) {
  const found = fetchOfError(error, index, fetches, run.timings);
  const fetch = fetches.find(({ id }) => id === found?.fetch);
  const { cause, advice: todo } = advice(error, codes, fetch);
  return (
    <div className="explanation" data-hook="explanation">
      <p className="message">{error.message}</p>
      <dl>
        <dt>Whose</dt>
        <dd data-hook="whose">
          {fetch ? (
            <>
              <button type="button" className="link" onClick={() => inside.set({ selected: fetch.id })}>
                Fetch {named(fetch)}
              </button>
              {found.isCertain ? "" : ", which gives what is at this path: the subgraph gave null, or something else than what was asked"}
            </>
          ) : (
            "The router gave it; no subgraph has to do with it."
          )}
        </dd>
        <dt>Cause</dt>
        <dd>
          <Marked text={cause} />
        </dd>
        <dt>What to do</dt>
        <dd data-hook="advice">{todo ? <Marked text={todo} /> : "nothing"}</dd>
      </dl>
      {fetch ? <SubgraphSays fetch={fetch} /> : null}
    </div>
  );
}

/** The errors in the subgraph's answer, or why there is none. */
function SubgraphSays({ fetch }) {
  const { exchange } = fetch;
  if (exchange?.failure) {
    return (
      <p>
        <b>{fetch.subgraph} did not answer:</b> {exchange.failure}
      </p>
    );
  }
  const response = exchange?.response;
  if (response == null) return null;
  const errors = response?.errors;
  return (
    <>
      <h4>
        {errors ? `${fetch.subgraph} says` : `${fetch.subgraph} answered`}
        {fetch.timing?.status ? ` (status ${fetch.timing.status})` : ""}
      </h4>
      <Json value={errors ?? response} label="What the subgraph says" />
    </>
  );
}

/** A text with `code` in it, and links of the documentation as their words. */
function Marked({ text }) {
  const parts = text.replace(/\[([^\]]+)\]\([^)]*\)/g, "$1").split("`");
  return parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
