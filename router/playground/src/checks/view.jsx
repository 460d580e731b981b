// A changed schema of a subgraph, checked against the graph that is served: does it compose, and whom does it break.
import { useEffect, useRef, useState } from "react";

import { loadGraph } from "../graph/load.js";
import { inside } from "../inside.js";
import { useStore } from "../shared/use-store.js";
import { Report } from "./report.jsx";

export function ChecksView() {
  const [loaded, setLoaded] = useState(null);
  const [name, setName] = useState("");
  const [texts, setTexts] = useState({});
  const [result, setResult] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const editor = useRef(null);
  const { version } = useStore(inside);
  useEffect(() => {
    loadGraph().then(
      (found) => {
        setLoaded(found);
        setName((name) => (found.subgraphs.some((subgraph) => subgraph.name === name) ? name : (found.subgraphs[0]?.name ?? "")));
      },
      (error) => setResult({ failure: error.message }),
    );
  }, [version]);
  const served = loaded?.subgraphs.find((subgraph) => subgraph.name === name)?.sdl ?? "";
  const text = texts[name] ?? served;
  const check = async () => {
    setBusy(true);
    setResult(await checked(name, text));
    setBusy(false);
  };
  const goTo = (line) => {
    const area = editor.current;
    const offset = text.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(offset, offset + (text.slice(offset).split("\n")[0]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(area).lineHeight));
  };
  const readFile = async (file) => file && setTexts({ ...texts, [name]: await file.text() });
  return (
    <section className="view checks" aria-label="Checks">
      <div className="view-head">
        <h2>Checks</h2>
        <label>
          Subgraph{" "}
          <select value={name} onChange={(event) => setName(event.target.value)} data-hook="check-subgraph">
            {(loaded?.subgraphs ?? []).map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label className="file">
          <input type="file" accept=".graphql,.graphqls,.gql" onChange={(event) => readFile(event.target.files[0])} />
          Open a file
        </label>
        <span className="buttons">
          <button type="button" disabled={text === served} onClick={() => setTexts({ ...texts, [name]: served })}>
            As served
          </button>
          <button type="button" className="primary" disabled={!name || isBusy} onClick={check} data-hook="check">
            {isBusy ? "Checking…" : "Check"}
          </button>
        </span>
      </div>
      {loaded && loaded.subgraphs.length === 0 ? (
        <p className="notice">
          This router was given a composed supergraph, so it has no schemas of subgraphs to compose anew. Start it with <code>--subgraphs supergraph.yaml</code>.
        </p>
      ) : (
        <div className="check-columns">
          <textarea
            ref={editor}
            aria-label={`The schema of ${name}`}
            data-hook="check-sdl"
            spellCheck={false}
            value={text}
            onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) check();
            }}
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => {
              event.preventDefault();
              readFile(event.dataTransfer.files[0]);
            }}
          />
          <div className="check-result" aria-live="polite" data-hook="check-result">
            {result ? <Report result={result} subgraph={name} goTo={goTo} /> : <Hint />}
          </div>
        </div>
      )}
    </section>
  );
}

function Hint() {
  return (
    <p className="quiet">
      Change the schema, or drop a file on it, and check it: whether all subgraphs still compose, what changes for clients, and which known operations break. Known are
      this page's examples, persisted operations, and what was sent to this router. Nothing is deployed.
    </p>
  );
}

async function checked(subgraph, sdl) {
  try {
    const response = await fetch("/playground/check", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ subgraph, sdl }),
    });
    const body = await response.json();
    return response.ok ? { report: body } : { failure: body.errors?.[0]?.message ?? `The router answered ${response.status}.` };
  } catch (error) {
    return { failure: error.message };
  }
}
