// A schema that does not compose, seen from the page while it is typed: on the page that is built in, and on the small one.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { launch, skip } from "./chromium.js";
import { audit, openPage, picture } from "./page.js";
import { startRouter } from "./router.js";

const subgraphs = (field) => ({
  products: {
    routing_url: "http://127.0.0.1:9/graphql",
    schema: { sdl: `type Query {\n  products: [Product]\n}\n\ntype Product {\n  ${field}\n}\n` },
  },
});

for (const name of ["built", "small"]) {
  test(`a schema that does not compose is shown above all views until it does, ${name} page`, { skip }, () => check(name));
}

async function check(name) {
  // A folder without a page leaves the small one.
  const empty = await mkdtemp(join(tmpdir(), "braid-"));
  const config = name === "small" ? { server: { playground: { folder: empty } } } : {};
  const router = await startRouter(config, ["--dev"], subgraphs("name: String"));
  const browser = await launch();
  try {
    const { page, end } = await openPage(browser, router.url);
    const problems = page.locator('[data-hook="problems"]');
    assert.equal(await problems.isVisible(), false);
    await router.compose(subgraphs("name: Strin"));
    await problems.waitFor({ timeout: 15_000 });
    assert.match(await problems.innerText(), /do not compose: 1 problem\. The last good schema is served\./);
    await problems.locator("summary").click();
    const text = page.getByRole("region", { name: "Problems" });
    assert.match(await text.innerText(), /Strin[\s\S]*\|[\s\S]*name: Strin[\s\S]*\^\^\^\^\^/);
    await picture(page, `problems-${name}`);
    await audit(page, `problems, ${name} page`);
    const introspected = page.waitForRequest((request) => request.postData()?.includes("__schema"), { timeout: 15_000 });
    await router.compose(subgraphs("title: String"));
    await introspected;
    // No scalar is missing that the directives of the router use.
    assert.doesNotMatch(await page.locator("body").innerText(), /Decorated type/);
    await problems.waitFor({ state: "hidden", timeout: 15_000 });
    await end();
  } finally {
    await browser.close();
    await router.stop();
    await rm(empty, { recursive: true });
  }
}
