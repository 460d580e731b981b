// What the router tells of its graph, once for the page.

/** `{ graph, subgraphs }`, or an error that says what to do. */
export async function loadGraph() {
  const [graph, { subgraphs }] = await Promise.all([get("/playground/graph.json"), get("/playground/subgraphs.json")]);
  return { graph, subgraphs };
}

async function get(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.errors?.[0]?.message ?? `The router answered ${response.status}.`);
  return body;
}
