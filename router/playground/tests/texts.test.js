// Links, schemas, streams and answers as texts.
import assert from "node:assert/strict";
import { test } from "node:test";

import { lineOf, linesOf } from "../src/graph/sdl.js";
import { eventsOf } from "../src/query/event-stream.js";
import { comesAs, nameIn } from "../src/query/operation.js";
import { fromFragment, toFragment } from "../src/share.js";
import { bytes, count, millis, shortened } from "../src/shared/format.js";
import { graphqlTokens, jsonTokens } from "../fallback/tokens.js";
import { messages, valueAt } from "../src/sign-in-answer.js";

test("a link has the query and the variables, and no headers", () => {
  const operation = { query: 'query A($b: Int) { a(b: $b, c: "&=#ü") }', variables: '{ "b": 1 }', operationName: "A", headers: '{ "authorization": "secret" }' };
  const fragment = toFragment(operation);
  assert.ok(!fragment.includes("secret"));
  const { headers, ...rest } = operation;
  assert.deepEqual(fromFragment(fragment), rest);
  assert.equal(fromFragment("#elsewhere"), null);
  assert.equal(fromFragment("#query="), null);
  assert.equal(toFragment({ query: "x".repeat(20_000) }), null);
});

test("each line of a schema knows what it defines", () => {
  const sdl = `"""
type Fake {
"""
type Product @key(fields: "id") {
  # a comment
  id: ID!
  reviews(
    first: Int = 10
  ): [Review!]!
  "says { more"
  name: String @tag(name: "x")
}

extend type Query { product(id: ID!): Product }
enum Kind { A B }
`;
  const lines = linesOf(sdl);
  assert.equal(lineOf(lines, "Product"), 4);
  assert.equal(lineOf(lines, "Product.id"), 6);
  assert.equal(lineOf(lines, "Product.reviews"), 7);
  assert.equal(lineOf(lines, "Product.name"), 11);
  assert.equal(lineOf(lines, "Product.gone"), 4);
  assert.equal(lineOf(lines, "Kind"), 15);
  assert.equal(lines.map(({ tokens }) => tokens.map(({ text }) => text).join("")).join("\n"), sdl);
});

test("tokens are the text, in pieces", () => {
  const query = 'query A($b: Int = -1) @x { a(b: "c\\"d") # e\n }';
  assert.equal(graphqlTokens(query).map(({ text }) => text).join(""), query);
  const json = '{"a": [1, -2.5e3, true, null, "b\\"c"], "d": {}}';
  assert.equal(jsonTokens(json).map(({ text }) => text).join(""), json);
  assert.deepEqual(jsonTokens('{"a":"b"}').filter(({ kind }) => kind).map(({ kind }) => kind), ["name", "string"]);
});

test("events are read however they are cut", async () => {
  const text = 'event: next\ndata: {"a":1}\n\n:\n\nevent: next\r\ndata: {"b":\r\ndata: "ü"}\r\n\r\nevent: complete\ndata:\n\ndata: never\n\n';
  const all = new TextEncoder().encode(text);
  for (const size of [1, 3, 1000]) {
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < all.length; at += size) controller.enqueue(all.slice(at, at + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of eventsOf(stream)) events.push(event);
    assert.deepEqual(events, ['{"a":1}', '{"b":\n"ü"}'], `in pieces of ${size}`);
  }
});

test("a document says how its answer comes", () => {
  assert.equal(comesAs("{ a }"), "whole");
  assert.equal(comesAs('{ a(b: "@defer") }'), "whole");
  assert.equal(comesAs("{ a ... @defer { b } }"), "parts");
  assert.equal(comesAs("query Q { a } subscription S { b }"), "whole");
  assert.equal(comesAs("query Q { a } subscription S { b }", "S"), "subscription");
  assert.equal(comesAs("{ broken"), "whole");
  assert.equal(nameIn("query Q { a }", "Q"), "Q");
  assert.equal(nameIn("query Q { a }", "Old"), undefined);
  assert.equal(nameIn("{ broken", "Old"), undefined);
});

test("a sign-in is read from its answer", () => {
  const answer = { data: { login: { session: null, userErrors: [{ message: "Wrong password." }] } }, errors: [{ message: "Late." }] };
  assert.equal(valueAt(answer, "data.login.session.accessToken"), undefined);
  assert.equal(valueAt({ data: { token: "t" } }, "data.token"), "t");
  assert.deepEqual(messages(answer).sort(), ["Late.", "Wrong password."]);
});

test("numbers read well", () => {
  assert.deepEqual([millis(0.44), millis(12.6), millis(1250)], ["0.4 ms", "13 ms", "1.25 s"]);
  assert.deepEqual([bytes(312), bytes(4200), bytes(2_500_000)], ["312 B", "4.2 KB", "2.5 MB"]);
  assert.deepEqual([count(1, "fetch"), count(2, "fetch"), count(2, "entity"), count(0, "error")], ["1 fetch", "2 fetches", "2 entities", "0 errors"]);
  assert.equal(shortened(["a", "b", "c", "d", "e"], 3), "a, b, c and 2 more");
});
