// The events of a subscription, or the parts of an answer, as they came.
import { Json } from "../shared/code.jsx";
import { count, millis } from "../shared/format.js";

export function Parts({ run }) {
  return (
    <section className="parts" aria-label="Parts" data-hook="parts">
      <h3>
        {heading(run)} <small>{run.hasEnded ? "ended" : "streaming…"}</small>
      </h3>
      {run.parts.length < (run.count ?? 0) ? <p className="quiet">The last {run.parts.length} are shown.</p> : null}
      <ol reversed>
        {run.parts.toReversed().map((part) => (
          <li key={part.number}>
            <details open={part.number === run.count}>
              <summary>
                <span className="number">{part.number}</span> <b>{millis(part.ms)}</b> <span className="quiet">{about(part.value)}</span>
              </summary>
              <Json value={part.value} label={`Part ${part.number}`} />
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function heading({ isOfEvents, count: number }) {
  if (isOfEvents) return number ? count(number, "event") : "Events";
  return `${number ? count(number, "part") : "Parts"} of the answer`;
}

/** What a part brings, in a few words. */
function about(value) {
  const pieces = [];
  if (value?.data) pieces.push(Object.keys(value.data).join(", "));
  for (const part of value?.incremental ?? []) pieces.push(part.label ?? (part.items ? count(part.items.length, "item") : Object.keys(part.data ?? {}).join(", ")));
  if (value?.errors) pieces.push(count(value.errors.length, "error"));
  if (value?.hasNext === false) pieces.push("the last");
  return pieces.filter(Boolean).join("; ");
}
