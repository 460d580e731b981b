// The plan as a picture: a card for each fetch in its owner's colour, and lines from what it waits for.
import { useLayoutEffect, useRef, useState } from "react";

import { count, millis } from "../shared/format.js";
import { hue } from "../shared/owner.jsx";
import { layout } from "./layout.js";
import { asksFor } from "./model.js";

export function Drawing({ fetches, selected, select }) {
  const [frame, width] = useWidth();
  const drawn = layout(fetches, width);
  const by = new Map(fetches.map((fetch) => [fetch.id, fetch]));
  const near = new Set(drawn.edges.filter(({ from, to }) => from === selected || to === selected).flatMap(({ from, to }) => [from, to]));
  return (
    <div className="drawing" ref={frame} data-hook="drawing">
      <div style={{ width: drawn.width, height: drawn.height }} role="group" aria-label="The fetches, and what each waits for">
        <svg width={drawn.width} height={drawn.height} aria-hidden="true">
          {drawn.edges.map(({ from, to, line }) => (
            <path
              key={`${from}-${to}`}
              d={line}
              className={`${hue(by.get(from).subgraphNumber)} ${from === selected || to === selected ? "near" : ""}`}
            />
          ))}
        </svg>
        {drawn.nodes.map(({ id, x, y, width, height }) => (
          <Card
            key={id}
            fetch={by.get(id)}
            place={{ left: x, top: y, width, height }}
            isSelected={id === selected}
            isNear={near.has(id)}
            select={select}
          />
        ))}
      </div>
    </div>
  );
}

function Card({ fetch, place, isSelected, isNear, select }) {
  const classes = ["fetch", hue(fetch.subgraphNumber)];
  if (isSelected) classes.push("selected");
  if (isNear) classes.push("near");
  if (fetch.errors.length > 0 || fetch.timing?.failure) classes.push("failed");
  return (
    <button
      type="button"
      className={classes.join(" ")}
      style={place}
      aria-pressed={isSelected}
      data-hook="fetch"
      data-subgraph={fetch.subgraph}
      onClick={() => select(fetch.id)}
    >
      <span className="fetch-head">
        <strong>{fetch.subgraph}</strong>
        <span className="number">
          {fetch.isDeferred ? "deferred " : ""}#{fetch.id}
        </span>
      </span>
      <span className="asks">
        {asksFor(fetch).map(({ type, fields }) => (
          <span key={type ?? ""}>
            {type ? <b>{type} </b> : null}
            {fields.join(", ")}
          </span>
        ))}
      </span>
      <span className="facts">{facts(fetch)}</span>
    </button>
  );
}

function facts(fetch) {
  const { timing, exchange } = fetch;
  const facts = [];
  const error = fetch.errors.length || timing?.failure;
  if (error) facts.push(<em className="bad" key="errors">{fetch.errors.length > 0 ? count(fetch.errors.length, "error") : "failed"}</em>);
  if (timing) facts.push(millis(timing.tookMs));
  const known = timing?.cache ? timing.cache.fresh + timing.cache.stale : 0;
  if (known > 0) facts.push(<em className="known" key="known">{`${known} of ${known + timing.cache.missing} cached`}</em>);
  else if (exchange?.entities) facts.push(count(exchange.entities, "entity"));
  if (fetch.cost != null) facts.push(timing?.cost != null ? `cost ${timing.cost}/${fetch.cost}` : `cost ${fetch.cost}`);
  if (!timing && facts.length === 0) facts.push(fetch.isLookup ? "looks up entities" : fetch.operation);
  return facts.map((fact, index) => <span key={index}>{fact}</span>);
}

/** The width that there is for the picture. */
function useWidth() {
  const frame = useRef(null);
  const [width, setWidth] = useState(960);
  useLayoutEffect(() => {
    const { paddingLeft, paddingRight } = getComputedStyle(frame.current);
    setWidth(frame.current.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(contentRect.width));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return [frame, Math.max(width, 240)];
}
