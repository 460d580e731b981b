// Sends operations with @defer and @stream through the clients of the field, and prints for each what it had in the end and how often it
// heard of something. Reads the address of the router from standard input.
import { text } from "node:stream/consumers";

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Defer20220824Handler, GraphQL17Alpha9Handler } from "@apollo/client/incremental";
import { Client as UrqlClient, fetchExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

const { url } = JSON.parse(await text(process.stdin));

const OPERATIONS = {
  deferred: "query Deferred { product { id name ... @defer { reviews { text } } } ... @defer { slow } }",
  nested: "query Nested { product { id ... @defer { name ... @defer { reviews { text } } } } }",
  lists: "query Lists { products { id ... @defer { name } } }",
  streamed: "query Streamed { products @stream(initialCount: 1) { id } }",
  failing: "query Failing { product { id ... @defer { stars } ... @defer { reviews { text } } } }",
  whole: "query Whole { product { id name } }",
};

const within = (promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve({ error: "timeout" }), 10_000))]);

function apollo(handler) {
  return (query) => {
    const client = new ApolloClient({
      link: new HttpLink({ uri: url }),
      cache: new InMemoryCache({ typePolicies: { Product: { keyFields: false } } }),
      incrementalHandler: handler,
    });
    return new Promise((resolve) => {
      let heard = 0;
      const watched = client.watchQuery({ query: gql(query), fetchPolicy: "no-cache", errorPolicy: "all" });
      watched.subscribe((result) => {
        if (result.data === undefined && result.error === undefined) return;
        heard += 1;
        if (!result.loading) resolve({ heard, data: result.data ?? null, error: result.error?.message ?? null });
      });
    });
  };
}

function urql(query) {
  const client = new UrqlClient({ url, exchanges: [fetchExchange], preferGetMethod: false });
  return new Promise((resolve) => {
    let heard = 0;
    client.query(query, {}).subscribe((result) => {
      heard += 1;
      if (!result.hasNext) resolve({ heard, data: result.data ?? null, error: result.error?.message ?? null });
    });
  });
}

/** The client hands on the parts as they come. */
async function parts(iterator) {
  let heard = 0;
  let last = null;
  for await (const part of iterator) {
    heard += 1;
    last = part;
  }
  return { heard, data: null, error: last.hasNext === true ? "it is not the last" : null };
}

const clients = {
  "Apollo Client, 20220824": apollo(new Defer20220824Handler()),
  "Apollo Client, graphql 17": apollo(new GraphQL17Alpha9Handler()),
  urql,
  "graphql-sse": (query) => parts(createSseClient({ url, retryAttempts: 0 }).iterate({ query })),
  "graphql-ws": async (query) => {
    const client = createWsClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 });
    const result = await parts(client.iterate({ query }));
    await client.dispose();
    return result;
  },
};

const all = [];
for (const [client, run] of Object.entries(clients)) {
  for (const [operation, query] of Object.entries(OPERATIONS)) {
    const got = await within(run(query)).catch((error) => ({ error: String(error?.message ?? error) }));
    all.push({ client, operation, heard: 0, data: null, error: null, ...got });
  }
}
console.log(JSON.stringify(all));
process.exit(0);
