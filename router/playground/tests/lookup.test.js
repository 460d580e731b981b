// From an error to its fetch and to what can be done.
import assert from "node:assert/strict";
import { test } from "node:test";

import { advice, fetchOfError } from "../src/errors/lookup.js";
import { asksFor, fetchesOf, summary } from "../src/plan/model.js";
import { reasons } from "../src/plan/reasons.js";

const gives = (...fields) => fields.map((field) => ({ field, key: field.split(".")[1], isInput: false, others: [] }));
const FETCHES = [
  { id: 0, subgraph: "users", subgraphNumber: 2, isLookup: false, after: [], places: [{ path: "", keys: [], inputs: [], gives: gives("Query.me") }] },
  { id: 1, subgraph: "orders", subgraphNumber: 1, isLookup: true, after: [0], places: [{ path: "me", keys: ["me"], inputs: [{ types: "User", by: ["id"], required: [] }], gives: gives("User.orders") }] },
  {
    id: 2,
    subgraph: "inventory",
    subgraphNumber: 0,
    isLookup: true,
    after: [1],
    places: [
      {
        path: "me.orders.@.product",
        keys: ["me", "orders", "product"],
        inputs: [{ types: "Product", by: ["id"], required: ["weight"] }],
        gives: [...gives("Product.stock"), { field: "Product.name", key: "name", isInput: true, others: [{ subgraph: "orders", drawback: "external there" }] }],
      },
    ],
  },
];
const error = (code, path) => ({ message: "no", path, extensions: { code } });

test("the router says which fetch an error is about", () => {
  const timings = { fetches: [{ fetch: 1, errors: [0, 2] }] };
  assert.deepEqual(fetchOfError(error("X", ["me"]), 2, FETCHES, timings), { fetch: 1, isCertain: true });
});

test("otherwise it is the fetch that gives what is at the path", () => {
  const of = (...path) => fetchOfError(error("NON_NULLABLE_FIELD_IS_NULL", path), 0, FETCHES)?.fetch;
  assert.equal(of("me"), 0);
  assert.equal(of("me", "orders"), 1);
  assert.equal(of("me", "orders", 3, "product", "stock"), 2);
  assert.equal(of("other"), undefined);
});

test("what the router refuses has no fetch", () => {
  assert.equal(fetchOfError(error("UNAUTHORIZED_FIELD_OR_TYPE", ["me", "orders"]), 0, FETCHES), undefined);
  assert.equal(fetchOfError({ message: "no" }, 0, FETCHES), undefined);
});

test("advice is that of the code, or about the subgraph", () => {
  const codes = { SUBREQUEST_TIMEOUT: { cause: "too late", advice: "look" } };
  assert.deepEqual(advice(error("SUBREQUEST_TIMEOUT"), codes, FETCHES[1]), { cause: "too late", advice: "look" });
  assert.match(advice(error("OUT_OF_STOCK"), codes, FETCHES[1]).cause, /orders/);
});

test("the fetches of a run have their timings, exchanges and errors", () => {
  const run = {
    explain: { stages: 3, fetches: FETCHES, cost: 12 },
    timings: { fetches: [{ fetch: 1, responseBytes: 10, errors: [0], cost: 5, cache: { fresh: 2, stale: 1, missing: 4 } }, { fetch: 0, responseBytes: 5, errors: [], cost: 1 }] },
    exchanges: [{ fetch: 1, entities: 1 }],
    answer: { errors: [error("X", ["me", "orders"])] },
  };
  const fetches = fetchesOf(run);
  assert.deepEqual(fetches.map(({ errors }) => errors.length), [0, 1, 0]);
  assert.equal(fetches[1].exchange.entities, 1);
  const sums = summary(run, fetches);
  assert.deepEqual([sums.bytes, sums.actualCost, sums.known, sums.missing], [15, 6, 3, 4]);
  assert.deepEqual(fetchesOf(null), []);
});

test("a fetch says what it asks for, and why", () => {
  assert.deepEqual(asksFor(FETCHES[2]), [{ type: "Product", fields: ["stock", "name"] }]);
  const all = reasons(FETCHES[2], FETCHES).join("\n");
  assert.match(all, /waits for #1 orders/);
  assert.match(all, /each Product is looked up by id, and it needs weight of it first/);
  assert.match(all, /Only inventory has Product.stock/);
  assert.match(all, /rather than orders \(external there\)/);
});
