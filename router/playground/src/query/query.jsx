// The view with GraphiQL.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useState } from "react";

import { fromFragment } from "../share.js";
import { examplesPlugin } from "./examples.jsx";
import { createFetcher } from "./fetcher.js";
import { Outcome, Tools } from "./tools.jsx";

const VISITED = localStorage.getItem("graphiql:tabState") !== null;

export default function Query({ settings }) {
  const { endpoint, queries } = settings;
  const [{ fetcher, plugins, examples, first, tabs }] = useState(() => {
    const examples = queries.length > 0 ? examplesPlugin(queries) : undefined;
    const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];
    return {
      fetcher: createFetcher(endpoint),
      plugins: examples ? [examples, ...plugins] : plugins,
      examples,
      ...firstTabs(queries),
    };
  });
  // Without a theme of its own, the page follows the system's.
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      visiblePlugin={window.innerWidth > 900 ? examples : undefined}
      defaultTabs={tabs}
      {...first}
      defaultEditorToolsVisibility
    >
      <GraphiQL.Logo>{" "}</GraphiQL.Logo>
      <GraphiQL.Toolbar>{(buttons) => <Tools {...buttons} />}</GraphiQL.Toolbar>
      <GraphiQL.Footer>
        <Outcome />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

/**
 * The tabs of a first visit, and what the editors begin with. They take the first tab's variables and headers from the latter and not from
 * the tab; later visits go on with what was left. The operation of a link has a tab of its own.
 */
function firstTabs(queries) {
  const shared = fromFragment(location.hash);
  const examples = queries.map(({ query, variables, headers }) => ({ query, variables, headers }));
  const tabs = shared && !VISITED ? [{ query: shared.query, variables: shared.variables }, ...examples] : examples;
  if (shared) return { tabs, first: { initialQuery: shared.query, initialVariables: shared.variables } };
  if (VISITED || queries.length === 0) return { tabs: tabs.length > 0 ? tabs : undefined, first: {} };
  return { tabs, first: { initialVariables: queries[0].variables, initialHeaders: queries[0].headers } };
}
