// GraphiQL with the router's examples as tabs and a panel for the query plan. Knows no schema.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { createRoot } from "react-dom/client";

import { createFetcher } from "./fetcher.js";
import { PLAN_PLUGIN } from "./plan.jsx";

const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false }), PLAN_PLUGIN];

async function start() {
  const settings = await (await fetch("/playground/config.json")).json();
  document.title = settings.title;
  const tabs = settings.queries.map(({ query, variables, headers }) => ({ query, variables, headers }));
  createRoot(document.getElementById("playground")).render(
    <GraphiQL
      fetcher={createFetcher(settings.endpoint)}
      plugins={plugins}
      defaultTabs={tabs.length > 0 ? tabs : undefined}
      defaultEditorToolsVisibility
      defaultTheme="system"
    >
      <GraphiQL.Logo>{settings.title}</GraphiQL.Logo>
    </GraphiQL>,
  );
  document.body.dataset.ready = "true";
}

start();
