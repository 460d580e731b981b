// A subscription in the page, from a subgraph in this process that sends events: GraphiQL if it was built, else the small page.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { audit, ready, view } from "./page.js";
import { startRouter } from "./router.js";

const SDL = "type Query { ready: Boolean } type Subscription { counted: Int }";
const COUNTED = { title: "Count", query: "subscription Counted { counted }", headers: '{ "x-user": "Ada" }' };
const CONFIG = {
  server: { playground: { queries: [COUNTED] }, streams: { websocket: { init_headers: ["x-user"] } } },
  headers: { all: { request: [{ propagate: { name: "x-user" } }] } },
};

let browser, subgraph;
const seen = { users: [], open: 0 };

before(async () => {
  if (skip) return;
  browser = await launch();
  subgraph = createServer((request, response) => {
    seen.users.push(request.headers["x-user"]);
    seen.open += 1;
    response.writeHead(200, { "content-type": "text/event-stream" });
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      response.write(`event: next\ndata: {"data":{"counted":${count}}}\n\n`);
    }, 100);
    response.on("close", () => {
      seen.open -= 1;
      clearInterval(timer);
    });
  });
  await new Promise((resolve) => subgraph.listen(0, "127.0.0.1", resolve));
});

after(async () => {
  await browser?.close();
  subgraph?.closeAllConnections();
  subgraph?.close();
});

/** The plan has the fetches of the latest event, with what came, and says how many events there were. */
async function looksAtEvents(page) {
  await view(page, "plan");
  const summary = page.locator('[data-hook="events"]');
  await summary.getByText(/\d+ events, the latest is shown/).waitFor({ timeout: 10_000 });
  await page.getByRole("heading", { name: /Timings of event \d+/ }).waitFor();
  assert.match(await page.locator('[data-hook="timings"] .row-facts').first().innerText(), /ms · \d+ B/);
  await page.locator('[data-hook="fetch"]').first().click();
  const answer = page.locator('[data-hook="detail"]').getByLabel("The subgraph's answer");
  const number = async () => Number((await answer.innerText()).match(/"counted":\s*(\d+)/)[1]);
  const first = await number();
  await page.waitForTimeout(500);
  assert.ok((await number()) > first, "a newer event takes the place of an older one");
  await audit(page, "the plan of a subscription");
  await view(page, "query");
}

test("a subscription shows its events until it is stopped", { skip }, async () => {
  const url = `http://127.0.0.1:${subgraph.address().port}/graphql`;
  const folder = await mkdtemp(join(tmpdir(), "braid-"));
  const file = join(folder, "counter.graphql");
  await writeFile(file, SDL);
  const router = await startRouter(CONFIG, ["--dev"], { counter: { routing_url: url, schema: { file } } });
  try {
    const page = await browser.newPage();
    await page.goto(router.url);
    await ready(page);
    const built = (await page.locator("#playground").count()) > 0;
    const run = built ? page.getByRole("button", { name: /execute query/i }) : page.locator('[data-hook="run"]');
    await run.click();
    const shown = page.locator(built ? ".graphiql-response" : '[data-hook="result"]');
    await shown.getByText(/"counted":\s+\d{1,}/).first().waitFor({ timeout: 10_000 });
    await page.waitForFunction((of) => /"counted":\s*([3-9]|\d\d)/.test(document.querySelector(of).innerText.replaceAll("\u00a0", " ")),
      built ? ".graphiql-response" : '[data-hook="result"]', { timeout: 10_000 });
    assert.deepEqual([...new Set(seen.users)], ["Ada"]);
    if (built) await looksAtEvents(page);
    else {
      assert.match(await page.locator('[data-hook="plan"]').innerText(), /QueryPlan/);
      assert.doesNotMatch(await shown.innerText(), /braid/);
    }
    const stop = built ? page.getByRole("button", { name: /stop/i }) : page.locator('[data-hook="run"]');
    await stop.click();
    for (let waited = 0; seen.open > 0 && waited < 5_000; waited += 50) await page.waitForTimeout(50);
    assert.equal(seen.open, 0, "the subscription at the subgraph goes on");
    await page.close();
  } finally {
    await router.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
