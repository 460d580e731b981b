// Runs operations through the clients of the field against routers, and prints for each what it got and what it sent. Reads from standard
// input: where the routers are, the manifest of the sources in src/, and the folder with what Relay's compiler has made.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries";
import {
  createPersistedQueryManifestVerificationLink,
  generatePersistedQueryIdsFromManifest,
} from "@apollo/persisted-query-lists";
import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import relay from "relay-runtime";

const { automatic, byGet, off, idsOnly, manifest, relayFolder } = JSON.parse(await text(process.stdin));
const results = [];

const fragments = `
  fragment UserFields on User { id name }
  fragment OrderFields on Order { id total }
`;
const ME = gql`query Me { me { ...UserFields orders { ...OrderFields } } } ${fragments}`;
const RENAME = gql`mutation Rename($name: String!) { rename(name: $name) { id name } }`;
const UNLISTED = gql`query Unlisted { me { id } }`;

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** A `fetch` that keeps what is sent. */
function recording() {
  const sent = [];
  const recorded = (url, init) => {
    const { searchParams } = new URL(url);
    const body = init.body ? JSON.parse(init.body) : Object.fromEntries(searchParams);
    sent.push({ method: init.method ?? "GET", hasText: Boolean(body.query) });
    return fetch(url, init);
  };
  return { sent, fetch: recorded };
}

async function run(name, client) {
  const { sent, fetch } = recording();
  const steps = [];
  for (const step of client(fetch)) {
    const before = sent.length;
    let outcome;
    try {
      outcome = await step();
    } catch (error) {
      outcome = { error: String(error.errors?.[0]?.extensions?.code ?? error.graphQLErrors?.[0]?.extensions?.code ?? error) };
    }
    steps.push({ ...outcome, sent: sent.slice(before) });
  }
  results.push({ name, steps });
}

function apollo(uri, options, verify) {
  return (fetch) => {
    const http = new HttpLink({ uri, fetch });
    const links = [createPersistedQueryLink(options), http];
    if (verify) {
      const loadManifest = () => manifest;
      const onVerificationFailed = ({ reason }) => {
        throw new Error(`the manifest does not have what the client sends: ${reason}`);
      };
      links.unshift(createPersistedQueryManifestVerificationLink({ loadManifest, onVerificationFailed }));
    }
    const link = ApolloLink.from(links);
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const query = (query) => async () => ({ data: (await client.query({ query, fetchPolicy: "no-cache" })).data });
    const mutate = async () => ({ data: (await client.mutate({ mutation: RENAME, variables: { name: "Ada" } })).data });
    return verify ? [query(ME), mutate] : [query(ME), query(ME), mutate, query(UNLISTED)];
  };
}

const fromManifest = generatePersistedQueryIdsFromManifest({ loadManifest: () => manifest });
await run("Apollo Client, hashes by POST", apollo(automatic, { sha256 }));
await run("Apollo Client, hashes by GET", apollo(byGet, { sha256, useGETForHashedQueries: true }));
await run("Apollo Client, hashes that are not supported", apollo(off, { sha256 }));
await run("Apollo Client, ids of a manifest", apollo(idsOnly, fromManifest, true));
await run("Apollo Client, hashes where ids are required", apollo(idsOnly, { sha256 }));

function urql(url, options) {
  return (fetch) => {
    const exchanges = [persistedExchange({ enableForMutation: true, ...options }), fetchExchange];
    const client = new Client({ url, fetch, exchanges, requestPolicy: "network-only", preferGetMethod: false });
    const outcome = ({ data, error }) => ({ data, error: error?.graphQLErrors[0]?.extensions.code ?? error?.message });
    const query = (query) => async () => outcome(await client.query(query, {}).toPromise());
    const mutate = async () => outcome(await client.mutation(RENAME, { name: "Ada" }).toPromise());
    return [query(ME), query(ME), mutate, query(UNLISTED)];
  };
}

const byName = async (_text, document) => {
  const name = document.definitions.find(({ kind }) => kind === "OperationDefinition").name.value;
  return manifest.operations.find((operation) => operation.name === name)?.id;
};
await run("urql, hashes by POST", urql(automatic, { preferGetForPersistedQueries: false }));
await run("urql, hashes by GET", urql(byGet, { preferGetForPersistedQueries: true }));
await run("urql, hashes that are not supported", urql(off, {}));
await run("urql, ids of a manifest", urql(idsOnly, { enforcePersistedQueries: true, generateHash: byName }));

const require = createRequire(join(relayFolder, "artifacts", "any.js"));
function viaRelay(url, idOf) {
  return (fetch) => {
    const { Environment, Network, RecordSource, Store, commitMutation, fetchQuery } = relay;
    const network = Network.create(async (params, variables) => {
      const body = JSON.stringify({ ...idOf(params), variables });
      const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      return response.json();
    });
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    const artifact = (name) => require(join(relayFolder, "artifacts", `${name}.graphql.js`));
    const query = async () => ({ data: await fetchQuery(environment, artifact("appMeQuery"), {}).toPromise() });
    const mutate = () =>
      new Promise((resolve, reject) => {
        const mutation = artifact("appRenameMutation");
        const onCompleted = (data, errors) => resolve({ data, error: errors?.[0]?.message });
        commitMutation(environment, { mutation, variables: { name: "Ada" }, onCompleted, onError: reject });
      });
    return [query, mutate];
  };
}
await run("Relay, doc_id", viaRelay(idsOnly, ({ id }) => ({ doc_id: id })));
await run("Relay, documentId", viaRelay(idsOnly, ({ id }) => ({ documentId: `sha256:${id}` })));

console.log(JSON.stringify(results));
