// When the page is told of a problem of the schema, and what it says.
import assert from "node:assert/strict";
import { test } from "node:test";

import { details, followProblems, headline } from "../fallback/problems.js";

test("only changes are told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.document = { hidden: false };
  const problem = { message: "m", errors: [{ excerpt: "error[A]: b" }], more: 0 };
  const answers = [
    { version: 3, problem: null },
    { version: 3, problem },
    { version: 3, problem },
    "broken",
    { version: 4, problem: null },
  ];
  const told = [];
  let asked = 0;
  const stop = followProblems((change) => told.push(change), async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer === "broken") throw new Error("no connection");
    return { ok: true, json: async () => answer };
  });
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 8; i++) await Promise.resolve();
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(told, [
    { problem, isNew: false },
    { problem: null, isNew: true },
  ]);
  stop();
  const before = asked;
  for (let i = 0; i < 8; i++) await Promise.resolve();
  t.mock.timers.tick(5000);
  assert.ok(asked - before <= 1, "it has stopped");
});

test("a problem is said in a line and in full", () => {
  assert.match(headline({ errors: [{}], more: 0 }), /1 problem\./);
  assert.match(headline({ errors: [{}, {}], more: 3 }), /5 problems\./);
  assert.match(headline({ errors: [], more: 0 }), /can't be used/);
  assert.equal(details({ message: "m", errors: [], more: 0 }), "m");
  assert.equal(details({ message: "m", errors: [{ excerpt: "a" }, { excerpt: "b" }], more: 2 }), "a\n\nb\n\nand 2 more");
});
