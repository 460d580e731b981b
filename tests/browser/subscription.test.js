// A subscription in the page, from a subgraph in this process that sends events: GraphiQL if it was built, else the small page.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { ready } from "./page.js";
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
