// What is sent for an operation, and what is known of it afterwards. The router is a function here.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { inside } from "../src/inside.js";
import { createFetcher, plan } from "../src/query/fetcher.js";

let sent, answers;

beforeEach(() => {
  sent = [];
  answers = () => ({ data: { a: 1 } });
  globalThis.fetch = async (url, { headers, body }) => {
    const request = { expose: headers["braid-expose"], accept: headers.accept, ...JSON.parse(body) };
    sent.push(request);
    const answer = answers(request);
    if (typeof answer !== "string") return new Response(JSON.stringify(answer), { headers: { "content-type": "application/json" } });
    return new Response(answer, { headers: { "content-type": "text/event-stream" } });
  };
  inside.set({ settings: { plan: true, exchanges: true }, run: null });
});

const fetcher = createFetcher("/graphql");

test("an answer is taken apart: what is for the editor, and how it came about", async () => {
  answers = () => ({ data: { a: 1 }, extensions: { braid: { explain: { stages: 1, fetches: [] }, timings: { fetches: [] }, exchanges: [] }, other: 2 } });
  const answer = await fetcher({ query: "{ a }" }, {});
  assert.deepEqual(answer, { data: { a: 1 }, extensions: { other: 2 } });
  assert.equal(sent[0].expose, "plan, explain, timings, cache, exchanges");
  const { run } = inside.get();
  assert.deepEqual([run.status, run.explain.stages, run.answer], [200, 1, answer]);
});

test("a plan is asked for without running", async () => {
  answers = () => ({ data: null, extensions: { braid: { dryRun: true, plan: "QueryPlan {}", explain: { stages: 0, fetches: [] } } } });
  await plan("/graphql", { query: "mutation { a }", operationName: "Old" }, {});
  assert.deepEqual(sent.map(({ expose, operationName }) => [expose, operationName]), [["dry-run, plan, explain", undefined]]);
  assert.equal(inside.get().run.answer, undefined);
});

test("where plans are hidden nothing is sent twice, for it would be run twice", async () => {
  inside.set({ settings: { plan: false } });
  answers = () => 'data: {"data":{"a":1},"hasNext":false}\n\n';
  const parts = await fetcher({ query: "mutation { a ... @defer { b } }" }, {});
  for await (const part of parts) assert.deepEqual(part, { data: { a: 1 }, hasNext: false });
  await plan("/graphql", { query: "mutation { a }" }, {});
  assert.equal(sent.length, 1);
  assert.equal(sent[0].expose, undefined);
});

test("the parts of an answer are noted as they come, beside the plan", async () => {
  answers = ({ expose }) =>
    expose ? { data: null, extensions: { braid: { dryRun: true, explain: { stages: 2, fetches: [] } } } } : 'event: next\ndata: {"data":{},"hasNext":true}\n\nevent: next\ndata: {"incremental":[],"hasNext":false}\n\nevent: complete\n\n';
  const parts = await fetcher({ query: "{ a ... @defer { b } }" }, {});
  const seen = [];
  for await (const part of parts) seen.push(part);
  assert.equal(seen.length, 2);
  const { run } = inside.get();
  assert.deepEqual([run.count, run.hasEnded, run.explain.stages, run.parts.map(({ number }) => number)], [2, true, 2, [1, 2]]);
});

test("a newer run is not disturbed by an older one", async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const ordinary = globalThis.fetch;
  globalThis.fetch = async (...all) => {
    if (sent.length === 0) {
      sent.push({});
      await held;
    }
    return ordinary(...all);
  };
  const old = fetcher({ query: "{ old }" }, {});
  await fetcher({ query: "{ a }" }, {});
  release();
  await old;
  assert.equal(inside.get().run.query, "{ a }");
});

test("the headers of a session give way to those of the editor", async () => {
  const store = new Map();
  globalThis.sessionStorage = { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value), removeItem: (key) => store.delete(key) };
  const { signIn, signOut, withSession } = await import("../src/query/session.js");
  signIn({ user: "Ada", headers: { authorization: "Bearer session" } });
  assert.deepEqual(withSession({ "x-a": "1" }), { authorization: "Bearer session", "x-a": "1" });
  assert.deepEqual(withSession({ Authorization: "Bearer own" }), { Authorization: "Bearer own" });
  signOut();
  assert.deepEqual(withSession(undefined), {});
});
