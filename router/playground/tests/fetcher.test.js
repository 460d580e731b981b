// What is sent for an operation, and what is known of it afterwards. The router is a function here.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { inside } from "../src/inside.js";
import { apart, withPart } from "../src/query/exposed.js";
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

const PARTS = [
  { data: {}, errors: [{ message: "first" }], hasNext: true, extensions: { braid: { timings: { made: "executed", executeMs: 5, fetches: [{ fetch: 0 }] }, exchanges: [{ fetch: 0 }] } } },
  { incremental: [{ id: "0", errors: [{ message: "late" }] }], hasNext: false, extensions: { braid: { timings: { executeMs: 9, fetches: [{ fetch: 1 }, { fetch: 1 }] }, exchanges: [{ fetch: 1 }, { fetch: 1 }] } } },
];
const stream = (...parts) => `${parts.map((part) => `event: next\ndata: ${JSON.stringify(part)}\n\n`).join("")}event: complete\n\n`;

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
  answers = ({ expose }) => (expose.includes("dry-run") ? { data: null, extensions: { braid: { dryRun: true, explain: { stages: 2, fetches: [] } } } } : stream(...PARTS));
  const parts = await fetcher({ query: "{ a ... @defer { b } }" }, {});
  const seen = [];
  for await (const part of parts) seen.push(part);
  assert.deepEqual(seen.map(({ extensions }) => extensions), [undefined, undefined], "what is for the page is not in the answer");
  assert.equal(sent.find(({ accept }) => accept.startsWith("text/event-stream")).expose, "timings, cache, exchanges");
  const { run } = inside.get();
  assert.deepEqual([run.count, run.hasEnded, run.explain.stages, run.parts.map(({ number }) => number)], [2, true, 2, [1, 2]]);
  assert.deepEqual([run.timings.made, run.timings.executeMs, run.timings.fetches.map(({ fetch }) => fetch)], ["executed", 9, [0, 1, 1]]);
  assert.deepEqual(run.exchanges.map(({ fetch }) => fetch), [0, 1, 1]);
  assert.deepEqual(run.answer.errors.map(({ message }) => message), ["first", "late"]);
});

test("each event of a subscription is shown in place of the one before", () => {
  const made = (fetch, more) => ({ timings: { executeMs: 1, fetches: [{ fetch }], ...more }, exchanges: [{ fetch }] });
  const first = withPart({ isOfEvents: true }, made(0, { compileMs: 3 }), { data: {}, errors: [{ message: "once" }] });
  const second = { ...first, ...withPart({ isOfEvents: true, ...first }, made(1), { data: {} }) };
  assert.deepEqual([second.timings.fetches, second.exchanges, second.answer.errors], [[{ fetch: 1 }], [{ fetch: 1 }], []]);
  assert.equal(second.timings.compileMs, 3, "what is said once stays");
});

test("that events may be missing is told to everybody", () => {
  assert.deepEqual(apart({ data: 1, extensions: { braid: { gap: true, timings: {} } } }), { braid: { timings: {} }, rest: { data: 1, extensions: { braid: { gap: true } } } });
  assert.deepEqual(apart({ data: 1 }), { braid: {}, rest: { data: 1 } });
});

test("what is kept of a long answer is bounded", () => {
  let run = {};
  for (let part = 0; part < 1200; part += 1) run = { ...run, ...withPart(run, { timings: { fetches: [{ fetch: part }] } }, { incremental: [{ errors: [{ message: `${part}` }] }] }) };
  assert.deepEqual([run.timings.fetches.length, run.timings.fetches.at(-1).fetch, run.answer.errors.length], [500, 1199, 200]);
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
