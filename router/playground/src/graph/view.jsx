// The supergraph: a picture, and for what is chosen in it the fields with their owners, or a subgraph's schema.
import { useEffect, useMemo, useState } from "react";

import { count } from "../shared/format.js";
import { Owner } from "../shared/owner.jsx";
import { loadGraph } from "./load.js";
import { Sdl } from "./sdl.jsx";
import { SubgraphPanel, TypePanel } from "./panels.jsx";

export function GraphView() {
  const [loaded, setLoaded] = useState(null);
  const [failure, setFailure] = useState(null);
  const [at, setAt] = useState({ kind: "none" });
  const [search, setSearch] = useState("");
  useEffect(() => {
    loadGraph().then(setLoaded, (error) => setFailure(error.message));
  }, []);
  const hues = useMemo(() => new Map((loaded?.graph.subgraphs ?? []).map(({ name, hue }) => [name, hue])), [loaded]);
  if (failure) return <Frame>{<p className="notice bad">{failure}</p>}</Frame>;
  if (!loaded) return <Frame>{<p className="notice">Loading the graph…</p>}</Frame>;
  const { graph, subgraphs } = loaded;
  const go = {
    toType: (name, field) => setAt({ kind: "type", name, field }),
    toSubgraph: (name) => setAt({ kind: "subgraph", name }),
    toSdl: (name, coordinate) => setAt({ kind: "sdl", name, coordinate }),
  };
  const follow = (event) => {
    const link = event.target.closest?.("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    const [kind, name] = link.getAttribute("href").slice(1).split("/");
    if (kind === "type") go.toType(name);
    else go.toSubgraph(name);
  };
  return (
    <Frame
      head={
        <input
          type="search"
          placeholder="Find a type or field"
          aria-label="Find a type or field"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          data-hook="graph-search"
        />
      }
    >
      <div className="graph-columns">
        <div className="graph-left">
          {search.trim() ? (
            <Found graph={graph} search={search.trim()} go={go} hues={hues} />
          ) : (
            <>
              {/* The router made it and escaped what is in it. */}
              <div className="graph-picture" onClick={follow} dangerouslySetInnerHTML={{ __html: graph.picture }} data-hook="picture" />
              <p className="quiet">A line: the subgraph knows the entity. Dashed: it only refers to it. {graph.leftOut}</p>
            </>
          )}
        </div>
        <div className="graph-right" data-hook="graph-panel">
          <Panel at={at} graph={graph} subgraphs={subgraphs} go={go} hues={hues} />
        </div>
      </div>
    </Frame>
  );
}

function Frame({ head, children }) {
  return (
    <section className="view graph" aria-label="Graph">
      <div className="view-head">
        <h2>Graph</h2>
        {head}
      </div>
      {children}
    </section>
  );
}

function Panel({ at, graph, subgraphs, go, hues }) {
  const subgraph = graph.subgraphs.find(({ name }) => name === at.name);
  const sdl = subgraphs.find(({ name }) => name === at.name);
  const type = graph.types.find(({ name }) => name === at.name);
  if (at.kind === "type" && type) return <TypePanel type={type} field={at.field} go={go} hues={hues} graph={graph} hasSdl={subgraphs.length > 0} />;
  if (at.kind === "sdl" && sdl) return <Sdl key={sdl.name} subgraph={sdl} coordinate={at.coordinate} go={go} hue={hues.get(sdl.name)} graph={graph} />;
  if (at.kind === "sdl") return <p className="quiet">This router was given a composed supergraph: it has no schemas of subgraphs.</p>;
  if (at.kind === "subgraph" && subgraph) return <SubgraphPanel subgraph={subgraph} go={go} hasSdl={Boolean(sdl)} />;
  return <All graph={graph} go={go} hues={hues} />;
}

/** What to begin with: all subgraphs and root types. */
function All({ graph, go, hues }) {
  const roots = graph.types.filter(({ name }) => ["Query", "Mutation", "Subscription"].includes(name));
  return (
    <>
      <h3>Subgraphs</h3>
      <ul className="plain">
        {graph.subgraphs.map(({ name, url, roots, entities }) => (
          <li key={name}>
            <button type="button" className="link" onClick={() => go.toSubgraph(name)}>
              <Owner name={name} hueClass={hues.get(name)} />
            </button>{" "}
            {count(roots, "root field")}, {count(entities.length, "entity")} <span className="quiet">{url}</span>
          </li>
        ))}
      </ul>
      <h3>Root types</h3>
      <ul className="plain">
        {roots.map(({ name, fields }) => (
          <li key={name}>
            <button type="button" className="link" onClick={() => go.toType(name)}>
              {name}
            </button>{" "}
            {fields.length} fields
          </li>
        ))}
      </ul>
    </>
  );
}

/** Types and fields with a name like what is searched. */
function Found({ graph, search, go, hues }) {
  const like = search.toLowerCase();
  const types = graph.types.filter(({ name }) => name.toLowerCase().includes(like)).slice(0, 40);
  const fields = graph.types
    .flatMap((type) => type.fields.map((field) => ({ type, field })))
    .filter(({ type, field }) => `${type.name}.${field.name}`.toLowerCase().includes(like))
    .slice(0, 100);
  if (types.length + fields.length === 0) return <p className="quiet">Nothing has such a name.</p>;
  return (
    <ul className="plain found" data-hook="found">
      {types.map(({ name, kind }) => (
        <li key={name}>
          <button type="button" className="link" onClick={() => go.toType(name)}>
            {name}
          </button>{" "}
          <span className="quiet">{kind}</span>
        </li>
      ))}
      {fields.map(({ type, field }) => (
        <li key={`${type.name}.${field.name}`}>
          <button type="button" className="link" onClick={() => go.toType(type.name, field.name)}>
            {type.name}.{field.name}
          </button>{" "}
          {field.owners.map((owner) => (
            <Owner key={owner} name={owner} hueClass={hues.get(owner)} />
          ))}
        </li>
      ))}
    </ul>
  );
}
