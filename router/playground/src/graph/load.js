// What the router tells of its graph, once for the page.

/** `{ graph, subgraphs }`, or an error that says what to do. */
export async function loadGraph() {
  const [graph, { subgraphs }] = await Promise.all([get("/playground/graph.json"), get("/playground/subgraphs.json")]);
  return { graph, subgraphs };
}

async function get(path) {
  // The router does one such thing at a time.
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(path);
    if (response.status === 503 && tries < 20) {
      await new Promise((resolve) => setTimeout(resolve, 100 * tries));
      continue;
    }
    const body = await response.json();
    if (!response.ok) throw new Error(body.errors?.[0]?.message ?? `The router answered ${response.status}.`);
    return body;
  }
}
