// What the page adds to GraphiQL's editors: a button that plans, one that copies a link, and a line under the answer that says how it came about.
import { ToolbarButton, useGraphiQL, useGraphiQLActions, useMonaco } from "@graphiql/react";
import { useEffect, useState } from "react";

import { explain, inside, look } from "../inside.js";
import { codeOf } from "../errors/lookup.js";
import { fetchesOf, summary } from "../plan/model.js";
import { count, millis, path } from "../shared/format.js";
import { Owner, hue } from "../shared/owner.jsx";
import { useStore } from "../shared/use-store.js";
import { toFragment } from "../share.js";
import { defineThemes } from "./editor-theme.js";
import { plan } from "./fetcher.js";

/** What the editors have, for the rest of the page. */
export const editors = { operation: () => null, run: () => {}, setTheme: () => {}, introspect: () => {} };

export function Tools({ prettify, merge, copy }) {
  useEditors();
  return (
    <>
      {inside.get().settings.plan ? (
        <ToolbarButton label="Plan without running (Ctrl-Shift-Enter)" onClick={planNow}>
          <PlanIcon />
        </ToolbarButton>
      ) : null}
      {prettify}
      {merge}
      {copy}
      <ShareButton />
    </>
  );
}

/** Plans what is in the editor, and shows the plan. */
export async function planNow() {
  const operation = editors.operation();
  if (!operation) return;
  inside.set({ view: "plan" });
  const { headers, ...request } = operation;
  await plan(inside.get().settings.endpoint, request, headers);
}

function useEditors() {
  const { run, setTheme, introspect } = useGraphiQLActions();
  const query = useGraphiQL((state) => state.queryEditor);
  const variables = useGraphiQL((state) => state.variableEditor);
  const headers = useGraphiQL((state) => state.headerEditor);
  const operationName = useGraphiQL((state) => state.operationName);
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    if (monaco) defineThemes(monaco);
  }, [monaco]);
  useEffect(() => {
    editors.run = run;
    editors.setTheme = setTheme;
    editors.introspect = introspect;
    editors.text = () => ({ query: query?.getValue() ?? "", variables: variables?.getValue() ?? "", operationName });
    editors.operation = () =>
      query && { query: query.getValue(), variables: object(variables?.getValue()), headers: object(headers?.getValue()), operationName };
  });
}

/** The object of an editor; undefined where it has none, which running reports. */
function object(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ShareButton() {
  const [said, setSaid] = useState("");
  const share = async () => {
    const fragment = toFragment(editors.text());
    if (!fragment) return setSaid("The operation is too long for a link.");
    history.replaceState(null, "", fragment);
    try {
      await navigator.clipboard.writeText(location.href);
      setSaid("The link was copied. It has the query and the variables, and no headers.");
    } catch {
      setSaid("The link is in the address bar. It has the query and the variables, and no headers.");
    }
  };
  useEffect(() => {
    if (!said) return undefined;
    const timer = setTimeout(() => setSaid(""), 4000);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <>
      <ToolbarButton label="Copy a link to this operation" onClick={share}>
        <ShareIcon />
      </ToolbarButton>
      <output className={said ? "said" : "said empty"} data-hook="shared">
        {said}
      </output>
    </>
  );
}

/** How the answer came about, in a line; each error with its subgraph. */
export function Outcome() {
  const { run } = useStore(inside);
  if (!run || run.kind === "plan") return <div className="outcome quiet">Run an operation to see how its answer comes about.</div>;
  const fetches = fetchesOf(run);
  const errors = run.answer?.errors ?? [];
  return (
    <div className="outcome" data-hook="outcome">
      <div className="outcome-line">
        <Status run={run} errors={errors.length} />
        {run.took != null ? <span>{millis(run.took)}</span> : null}
        {run.isStream && run.count ? <span>{count(run.count, run.isOfEvents ? "event" : "part")}</span> : null}
        {fetches.length > 0 ? (
          <>
            <span className="owners">
              {summary(run, fetches).subgraphs.map(({ name, number }) => (
                <Owner key={name} name={name} hueClass={hue(number)} />
              ))}
            </span>
            <button type="button" className="link" onClick={() => look(null)}>
              Plan: {count(fetches.length, "fetch")}
            </button>
          </>
        ) : null}
      </div>
      {errors.slice(0, 3).map((error, index) => (
        <ErrorLine key={index} error={error} index={index} fetches={fetches} />
      ))}
      {errors.length > 3 ? (
        <button type="button" className="link" onClick={() => explain(3)}>
          {errors.length - 3} more
        </button>
      ) : null}
    </div>
  );
}

function Status({ run, errors }) {
  if (run.failure) return <strong className="bad">{run.failure}</strong>;
  if (run.isStream && !run.hasEnded) return <strong className="busy">streaming</strong>;
  if (run.status == null && !run.hasEnded) return <strong className="busy">running…</strong>;
  if (errors > 0) return <strong className="bad">{count(errors, "error")}</strong>;
  return <strong className="good">{run.status ?? "ended"}</strong>;
}

function ErrorLine({ error, index, fetches }) {
  const fetch = fetches.find(({ errors }) => errors.some((one) => one.index === index));
  return (
    <button type="button" className="error-line" data-hook="error" onClick={() => explain(index)}>
      {fetch ? <Owner name={fetch.subgraph} hueClass={hue(fetch.subgraphNumber)} /> : <span className="owner router">router</span>}
      <code>{codeOf(error) ?? "no code"}</code>
      {error.path ? <span className="where">at {path(error.path)}</span> : <span className="where">{error.message}</span>}
      <span className="link">explain</span>
    </button>
  );
}

function PlanIcon() {
  return (
    <svg className="graphiql-toolbar-icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
      <rect x="3" y="9" width="6" height="6" rx="1.5" />
      <rect x="15" y="3" width="6" height="6" rx="1.5" />
      <rect x="15" y="15" width="6" height="6" rx="1.5" />
      <path d="M9 12h2.5c1.5 0 1-6 3.5-6M9 12h2.5c1.5 0 1 6 3.5 6" />
    </svg>
  );
}

function ShareIcon() {
  return (
    <svg className="graphiql-toolbar-icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" aria-hidden="true">
      <path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2" />
    </svg>
  );
}
