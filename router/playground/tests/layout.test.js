// Where the fetches of a plan are drawn.
import assert from "node:assert/strict";
import { test } from "node:test";

import { directEdges, layout } from "../src/plan/layout.js";
import { bars, ticks } from "../src/plan/scale.js";

const fetch = (id, stage, after = []) => ({ id, stage, after });
/** The plan of a query to three services: user, orders, then products and, with their weights, shipping. */
const ORDERS = [fetch(0, 1), fetch(1, 2, [0]), fetch(2, 3, [1]), fetch(3, 4, [1, 2])];

test("a stage is a column where the columns fit", () => {
  const { nodes, width, isDown } = layout(ORDERS, 1200);
  assert.equal(isDown, false);
  assert.ok(width <= 1200, `${width}`);
  assert.deepEqual(nodes.map(({ x }) => x), nodes.map(({ x }) => x).toSorted((a, b) => a - b));
  assert.equal(new Set(nodes.map(({ x }) => x)).size, 4);
});

test("a stage is a row where the columns do not fit, and nothing is wider than the page", () => {
  const many = [fetch(0, 1), ...Array.from({ length: 7 }, (_, at) => fetch(at + 1, 2, [0])), fetch(8, 3, [4])];
  for (const width of [320, 360, 500]) {
    const { nodes, isDown, height } = layout(many, width);
    assert.equal(isDown, true);
    for (const node of nodes) {
      assert.ok(node.x >= 0 && node.x + node.width <= width, `${width}: ${JSON.stringify(node)}`);
      assert.ok(node.y + node.height <= height + 1);
    }
  }
});

test("no two fetches are drawn over each other", () => {
  const plan = [...ORDERS, fetch(4, 2, [0]), fetch(5, 2, [0]), fetch(6, 3, [4, 5])];
  for (const width of [320, 800, 1280, 2400]) {
    const { nodes } = layout(plan, width);
    for (const [at, a] of nodes.entries()) {
      for (const b of nodes.slice(at + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        assert.ok(apart, `${width}: ${JSON.stringify([a, b])}`);
      }
    }
  }
});

test("what follows from other lines is not drawn", () => {
  assert.deepEqual(directEdges(ORDERS), [[0, 1], [1, 2], [2, 3]]);
  assert.deepEqual(directEdges([fetch(0, 1), fetch(1, 1), fetch(2, 2, [0, 1])]), [[0, 2], [1, 2]]);
});

test("an empty plan is drawn as nothing", () => {
  const { nodes, edges, height } = layout([], 800);
  assert.deepEqual([nodes, edges, height], [[], [], 0]);
});

test("the axis has few round ticks", () => {
  assert.deepEqual(ticks(42), [0, 10, 20, 30, 40]);
  assert.deepEqual(ticks(0.9), [0, 0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(ticks(0), [0]);
  for (const end of [0.013, 1, 7.3, 99, 1234.5]) assert.ok(ticks(end).length <= 6, `${end}: ${ticks(end)}`);
});

test("bars are in percent of the whole time", () => {
  const timed = (id, ...timings) => ({ id, timings: timings.map(([startMs, tookMs, failure]) => ({ startMs, tookMs, failure })) });
  const { end, bars: drawn } = bars([timed(0, [0, 10], [20, 10, "X"]), timed(1, [10, 30]), timed(2)]);
  assert.equal(end, 40);
  assert.deepEqual(drawn.get(0).map(({ left, width, hasFailed }) => [left, width, hasFailed]), [[0, 25, false], [50, 25, true]]);
  assert.deepEqual(drawn.get(1), [{ left: 25, width: 75, hasFailed: false }]);
  assert.equal(drawn.has(2), false);
});
