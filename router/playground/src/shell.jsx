// The frame of the page: its title, its views, who is signed in, and the theme.
import { Suspense, lazy, useEffect } from "react";

import { inside } from "./inside.js";
import { editors, planNow } from "./query/tools.jsx";
import { useStore } from "./shared/use-store.js";
import { mendTabs } from "./query/tab-roles.js";
import { SignIn } from "./sign-in.jsx";
import Query from "./query/query.jsx";
import { PlanView } from "./plan/view.jsx";
import { Problems } from "./problems.jsx";
import { useTheme } from "./theme.js";

const GraphView = lazy(() => import("./graph/view.jsx").then(({ GraphView }) => ({ default: GraphView })));
const ChecksView = lazy(() => import("./checks/view.jsx").then(({ ChecksView }) => ({ default: ChecksView })));

export function Shell({ settings }) {
  const { view, version } = useStore(inside);
  const views = [
    ["query", "Query"],
    ["plan", "Plan"],
    ...(settings.schemaTools ? [["graph", "Graph"], ["checks", "Checks"]] : []),
  ];
  useShortcuts(views.map(([name]) => name));
  return (
    <>
      <header className="shell-head">
        <h1 data-hook="title">
          <img src="/favicon.svg" alt="" width="20" height="20" /> {settings.title}
        </h1>
        <nav aria-label="Views">
          {views.map(([name, label], index) => (
            <button
              key={name}
              type="button"
              aria-current={view === name ? "page" : undefined}
              title={`Alt+${index + 1}`}
              data-hook={`view-${name}`}
              onClick={() => inside.set({ view: name })}
            >
              {label}
            </button>
          ))}
        </nav>
        <span className="shell-end">
          {settings.signIn ? <SignIn config={settings.signIn} endpoint={settings.endpoint} /> : null}
          <ThemeButton />
        </span>
      </header>
      {settings.schemaTools ? <Problems /> : null}
      <main>
        {/* The editors stay as they are while another view is shown. */}
        <section className="view-query" aria-label="Query" hidden={view !== "query"} ref={mendTabs}>
          <Query settings={settings} />
        </section>
        {view === "plan" ? <PlanView /> : null}
        <Suspense fallback={<p className="notice">Loading…</p>}>
          {view === "graph" ? <GraphView key={version} /> : null}
          {view === "checks" ? <ChecksView /> : null}
        </Suspense>
      </main>
    </>
  );
}

function ThemeButton() {
  const [theme, other] = useTheme();
  return (
    <button type="button" className="theme" onClick={() => editors.setTheme(other)} aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`}>
      <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
        {theme === "dark" ? (
          <path fill="currentColor" d="M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0-6v3m0 16v3M1 12h3m16 0h3M4.2 4.2l2.1 2.1m11.4 11.4 2.1 2.1m0-15.6-2.1 2.1M6.300 17.700l-2.1 2.1" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
        ) : (
          <path fill="currentColor" d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z" />
        )}
      </svg>
    </button>
  );
}

/** Alt+1… for the views, Ctrl+Shift+Enter to plan. The editors have their own. */
function useShortcuts(views) {
  useEffect(() => {
    const listen = (event) => {
      const number = event.altKey && !event.ctrlKey && !event.metaKey ? Number(event.code.replace("Digit", "")) : NaN;
      if (views[number - 1]) {
        event.preventDefault();
        inside.set({ view: views[number - 1] });
      } else if (event.key === "Enter" && event.shiftKey && (event.ctrlKey || event.metaKey) && inside.get().settings.plan) {
        event.preventDefault();
        event.stopPropagation();
        planNow();
      }
    };
    window.addEventListener("keydown", listen, true);
    return () => window.removeEventListener("keydown", listen, true);
  });
}
