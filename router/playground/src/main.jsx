// GraphiQL with the example queries of router.yaml and a panel for the query plan. Knows no schema.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";

import { examplesPlugin } from "./examples.jsx";
import { createFetcher } from "./fetcher.js";
import { publish } from "./inside.js";
import { PLAN_PLUGIN } from "./plan.jsx";

async function start() {
  const settings = await (await fetch("/playground/config.json")).json();
  document.title = settings.title;
  publish({ exposed: settings.plan });
  createRoot(document.getElementById("playground")).render(<Page settings={settings} />);
  document.body.dataset.ready = "true";
}

function Page({ settings }) {
  const { endpoint, title, queries } = settings;
  const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false }), PLAN_PLUGIN];
  const examples = queries.length > 0 ? examplesPlugin(queries) : undefined;
  if (examples) plugins.unshift(examples);
  // Without a theme of its own, the page follows the system's.
  return (
    <GraphiQL
      fetcher={createFetcher(endpoint)}
      plugins={plugins}
      visiblePlugin={examples}
      defaultTabs={examples ? queries.map(({ query, variables, headers }) => ({ query, variables, headers })) : undefined}
      {...firstValues(queries)}
      defaultEditorToolsVisibility
    >
      <GraphiQL.Logo>{title}</GraphiQL.Logo>
    </GraphiQL>
  );
}

/** The editors take the first tab's variables and headers from here, not from the tab; later visits go on with what was left. */
function firstValues(queries) {
  const visited = localStorage.getItem("graphiql:tabState") !== null;
  if (visited || queries.length === 0) return {};
  return { initialVariables: queries[0].variables, initialHeaders: queries[0].headers };
}

start();
