// From an error in an answer to the subgraph that broke it, and to what can be done: in two clicks at most.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { audit, isBuilt, openPage, picture, run, write } from "./page.js";
import { startRouter } from "./router.js";
import { startSubgraphs } from "./subgraphs.js";

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])\n';
const USERS = `${LINK}type Query { me: User } type User @key(fields: "id") { id: ID! name: String! }`;
const ORDERS = `${LINK}type User @key(fields: "id") { id: ID! orders: [Order!] } type Order { number: Int! }`;
const REVIEWS = `${LINK}type User @key(fields: "id") { id: ID! reviews: [String!] }`;
const QUERY = "query Broken { me { name orders { number } reviews } }";

let browser, subgraphs, router;
const secret = "the database is on fire";

before(async () => {
  if (skip) return;
  browser = await launch();
  subgraphs = await startSubgraphs({
    users: { sdl: USERS, answer: () => ({ body: { data: { me: { __typename: "User", id: "1", name: "Ada" } } } }) },
    orders: { sdl: ORDERS, answer: () => ({ status: 500, body: { oops: secret } }) },
    reviews: {
      sdl: REVIEWS,
      answer: () => ({ body: { data: { _entities: [{ reviews: null }] }, errors: [{ message: "no reviews today", path: ["_entities", 0, "reviews"], extensions: { code: "CLOSED" } }] } }),
    },
  });
  router = await startRouter({}, ["--dev"], subgraphs.described);
});

after(async () => {
  await browser?.close();
  await router?.stop();
  await subgraphs?.stop();
});

test("two clicks lead from an error to the answer of the subgraph that made it", { skip }, async (t) => {
  const { page, end } = await openPage(browser, router.url);
  if (!(await isBuilt(page))) return t.skip("GraphiQL is not built in");
  await write(page, QUERY);
  await run(page);
  const errors = page.locator('[data-hook="outcome"] [data-hook="error"]');
  await errors.first().waitFor({ timeout: 10_000 });
  assert.equal(await errors.count(), 2);
  // No click: whose error it is.
  const lines = await errors.allInnerTexts();
  assert.ok(lines.some((line) => /orders[\s\S]*SUBREQUEST_HTTP_ERROR/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /reviews[\s\S]*CLOSED/.test(line)), lines.join("\n"));
  // One click: what it means, what to do, and what the subgraph said.
  await errors.filter({ hasText: "SUBREQUEST_HTTP_ERROR" }).click();
  const explanation = page.locator('[data-hook="explanation"]');
  assert.match(await explanation.locator('[data-hook="whose"]').innerText(), /orders/);
  assert.match(await explanation.locator('[data-hook="advice"]').innerText(), /look at the subgraph and its URL/);
  assert.ok((await explanation.innerText()).includes(secret));
  await picture(page, "errors");
  await audit(page, "an error, explained");
  // A second: the fetch, with what was sent.
  await explanation.getByRole("button", { name: /Fetch #\d orders/ }).click();
  assert.match(await page.locator('[data-hook="detail"]').innerText(), /orders[\s\S]*_entities[\s\S]*status 500/);
  assert.equal(await page.locator('[data-hook="fetch"].failed').count(), 2);
  await page.locator('[data-hook="errors"] .error-line', { hasText: "CLOSED" }).click();
  assert.match(await explanation.innerText(), /its own[\s\S]*no reviews today/);
  await end();
});

test("a dry run asks no subgraph", { skip }, async (t) => {
  const { page, end } = await openPage(browser, router.url);
  if (!(await isBuilt(page))) return t.skip("GraphiQL is not built in");
  await write(page, QUERY);
  const before = subgraphs.asked.length;
  await page.getByRole("button", { name: /Plan without running/ }).first().click();
  await page.locator('[data-hook="fetch"]').first().waitFor({ timeout: 10_000 });
  assert.equal(await page.locator('[data-hook="fetch"]').count(), 3);
  assert.equal(subgraphs.asked.length, before);
  await end();
});

test("without --dev, the page shows neither plans nor schemas", { skip }, async (t) => {
  const closed = await startRouter({}, [], subgraphs.described);
  try {
    const { page, end } = await openPage(browser, closed.url);
    if (!(await isBuilt(page))) return t.skip("GraphiQL is not built in");
    assert.equal(await page.locator('[data-hook="view-graph"]').count(), 0);
    for (const path of ["playground/graph.json", "playground/subgraphs.json"]) assert.equal((await fetch(closed.url + path)).status, 404);
    const refused = await fetch(`${closed.url}graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "braid-expose": "dry-run" },
      body: JSON.stringify({ query: QUERY }),
    });
    assert.equal(refused.status, 403);
    assert.equal((await refused.json()).errors[0].extensions.code, "DRY_RUN_NOT_ALLOWED");
    await end();
  } finally {
    await closed.stop();
  }
});
