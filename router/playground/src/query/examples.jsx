// The panel with the queries of router.yaml by collection, and a tab for each that is opened. Knows no schema.
import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";

/** The panel for these examples. */
export function examplesPlugin(examples) {
  return { title: "Examples", icon: Icon, content: () => <Examples examples={examples} /> };
}

function Examples({ examples }) {
  const open = useOpen();
  return (
    <section className="examples" aria-label="Examples">
      <h2 className="graphiql-doc-explorer-title">Examples</h2>
      <div data-hook="examples">
        {[...byCollection(examples)].map(([collection, ones]) => (
          <div key={collection}>
            {collection ? <h3>{collection}</h3> : null}
            <ul>
              {ones.map((example, index) => (
                <li key={index}>
                  <button type="button" className="graphiql-un-styled" onClick={() => open(example)}>
                    {example.title}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </section>
  );
}

/** Examples without a collection come first. */
function byCollection(examples) {
  const collections = new Map([["", []]]);
  for (const example of examples) {
    const name = example.collection ?? "";
    collections.set(name, [...(collections.get(name) ?? []), example]);
  }
  return [...collections].filter(([, ones]) => ones.length > 0);
}

/** Goes to the tab of an example, or adds one if it was closed or its query was edited. */
function useOpen() {
  const { addTab, changeTab } = useGraphiQLActions();
  const tabs = useGraphiQL((state) => state.tabs);
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  return (example) => {
    const tab = tabs.findIndex((tab) => tab.query === example.query);
    if (tab >= 0) changeTab(tab);
    else addTab();
    queryEditor?.setValue(example.query);
    fill(variableEditor, example.variables);
    fill(headerEditor, example.headers);
  };
}

/** What somebody typed stays. Headers are not stored with a tab, so they are missing when the page is opened again. */
function fill(editor, text) {
  if (editor && editor.getValue().trim() === "" && text) editor.setValue(text);
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round">
      <path d="M4 6h1M9 6h11M4 12h1M9 12h11M4 18h1M9 18h11" />
    </svg>
  );
}
