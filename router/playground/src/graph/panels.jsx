// A type with the owners of its fields, and a subgraph with what it has.
import { useEffect, useRef } from "react";

import { Owner } from "../shared/owner.jsx";

export function TypePanel({ type, field, go, hues, graph, hasSdl }) {
  const known = new Set(graph.types.map(({ name }) => name));
  const chosen = useRef(null);
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: "center" });
  }, [type, field]);
  return (
    <>
      <h3>
        <span className="quiet">{type.kind}</span> {type.name} {type.hidden ? <Hidden /> : null}
      </h3>
      <p className="owners">
        {type.subgraphs.map((name) => (
          <button key={name} type="button" className="link" title={`${type.name} in ${name}`} onClick={() => (hasSdl ? go.toSdl(name, type.name) : go.toSubgraph(name))}>
            <Owner name={name} hueClass={hues.get(name)} />
          </button>
        ))}
      </p>
      {type.keys.length > 0 ? (
        <ul className="plain keys" aria-label="Keys">
          {type.keys.map(({ subgraph, fields, resolvable }) => (
            <li key={`${subgraph} ${fields}`}>
              <code>@key({fields})</code> in <Owner name={subgraph} hueClass={hues.get(subgraph)} /> {resolvable ? "" : <span className="quiet">only to refer to it</span>}
            </li>
          ))}
        </ul>
      ) : null}
      {type.fields.length > 0 ? (
        <table data-hook="fields">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Type</th>
              <th scope="col">Owners</th>
            </tr>
          </thead>
          <tbody>
            {type.fields.map((one) => (
              <tr key={one.name} className={one.name === field ? "chosen" : ""} ref={one.name === field ? chosen : null}>
                <th scope="row">
                  {one.name} {one.hidden ? <Hidden /> : null} {one.deprecated ? <span className="tag">deprecated</span> : null}
                </th>
                <td>
                  <TypeName text={one.type} known={known} go={go} />
                </td>
                <td className="of-owners">
                  {one.owners.map((owner) => (
                    <button
                      key={owner}
                      type="button"
                      className="link"
                      title={`${type.name}.${one.name} in the schema of ${owner}`}
                      onClick={() => go.toSdl(owner, `${type.name}.${one.name}`)}
                    >
                      <Owner name={owner} hueClass={hues.get(owner)} />
                    </button>
                  ))}
                  {one.facts.map((fact) => (
                    <div key={fact} className="quiet">
                      {fact}
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </>
  );
}

/** `[Product!]!` with a link to the type in it. */
function TypeName({ text, known, go }) {
  const [before, name, after] = text.match(/^(\W*)(\w+)(\W*)$/)?.slice(1) ?? [text, "", ""];
  return (
    <code>
      {before}
      {known.has(name) ? (
        <button type="button" className="link" onClick={() => go.toType(name)}>
          {name}
        </button>
      ) : (
        name
      )}
      {after}
    </code>
  );
}

function Hidden() {
  return (
    <span className="tag" title="Clients don't see it (@inaccessible)">
      hidden
    </span>
  );
}

export function SubgraphPanel({ subgraph, go, hasSdl }) {
  const names = (title, list) =>
    list.length > 0 ? (
      <>
        <h4>{title}</h4>
        <p className="names">
          {list.map((name) => (
            <button key={name} type="button" className="link" onClick={() => go.toType(name)}>
              {name}
            </button>
          ))}
        </p>
      </>
    ) : null;
  return (
    <>
      <h3>
        <Owner name={subgraph.name} hueClass={subgraph.hue} />
      </h3>
      <p>
        {subgraph.url ? (
          <>
            The router reaches it at <code>{subgraph.url}</code>.
          </>
        ) : null}{" "}
        {hasSdl ? (
          <button type="button" className="link" onClick={() => go.toSdl(subgraph.name)} data-hook="show-sdl">
            Show its schema
          </button>
        ) : null}
      </p>
      {names("Entities", subgraph.entities)}
      {names("Other types", subgraph.others)}
    </>
  );
}
