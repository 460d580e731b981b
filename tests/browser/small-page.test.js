// The small page, which a router has that was built without Node: it colours, completes, documents, and keeps its tabs.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { assertFits, audit, isBuilt, openPage, picture, ready } from "./page.js";
import { startRouter } from "./router.js";

let browser, router, empty;

before(async () => {
  if (skip) return;
  browser = await launch();
  // A folder without a page leaves the small one.
  empty = await mkdtemp(join(tmpdir(), "braid-"));
  const queries = [{ title: "Products", query: "query Products { products(first: 1) { nodes { name } } }", headers: '{ "x-a": "1" }' }];
  router = await startRouter({ server: { playground: { folder: empty, queries } } }, ["--dev"]);
});

after(async () => {
  await browser?.close();
  await router?.stop();
  if (empty) await rm(empty, { recursive: true, force: true });
});

const hook = (page, name) => page.locator(`[data-hook="${name}"]`);

async function opened(options) {
  const { page, end } = await openPage(browser, router.url, options);
  assert.equal(await isBuilt(page), false);
  await page.waitForFunction(() => document.body.dataset.schema === "true");
  return { page, end };
}

test("names are completed from the schema, with the keyboard", { skip }, async () => {
  const { page, end } = await opened();
  await hook(page, "add").click();
  await page.keyboard.type("{ me { na");
  await hook(page, "words").getByRole("option", { name: /^name String/ }).waitFor();
  await picture(page, "small-completion");
  await page.keyboard.press("Enter");
  assert.equal(await hook(page, "query").inputValue(), "{ me { name");
  await page.keyboard.type(" orders(");
  await page.keyboard.press("Control+Space");
  await hook(page, "words").getByRole("option", { name: /^first:/ }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await hook(page, "words").isVisible(), false);
  await end();
});

test("what is written is coloured", { skip }, async () => {
  const { page, end } = await opened();
  const drawn = hook(page, "colours");
  assert.equal((await drawn.textContent()).trimEnd(), await hook(page, "query").inputValue());
  assert.equal(await drawn.locator(".token-keyword").first().textContent(), "query");
  await end();
});

test("the schema is documented", { skip }, async () => {
  const { page, end } = await opened();
  await hook(page, "show-docs").click();
  const docs = hook(page, "docs");
  await docs.getByRole("button", { name: "Query", exact: true }).click();
  await docs.getByRole("button", { name: "Product", exact: true }).first().click();
  assert.match(await docs.innerText(), /Something that the shop sells[\s\S]*inStock: Boolean!/);
  await picture(page, "small-docs");
  await audit(page, "documentation");
  await end();
});

test("tabs outlive a reload, and headers are not kept for others", { skip }, async () => {
  const { page, end } = await opened();
  await hook(page, "add").click();
  await page.keyboard.insertText("query Kept { me { name } }");
  await hook(page, "headers").fill('{ "authorization": "Bearer secret" }');
  assert.ok(!(await page.evaluate(() => JSON.stringify(localStorage))).includes("secret"));
  await page.reload();
  await ready(page);
  assert.equal(await hook(page, "query").inputValue(), "query Kept { me { name } }");
  assert.match(await hook(page, "headers").inputValue(), /secret/);
  assert.deepEqual(await hook(page, "tabs").getByRole("button").allInnerTexts(), ["Products", "Kept"]);
  await hook(page, "remove").click();
  assert.deepEqual(await hook(page, "tabs").getByRole("button").allInnerTexts(), ["Products"]);
  await end();
});

test("it plans without running", { skip }, async () => {
  const { page, end } = await opened();
  await hook(page, "plan-now").click();
  await hook(page, "plan").getByText("QueryPlan").waitFor({ timeout: 10_000 });
  assert.match(await hook(page, "result").innerText(), /only planned/);
  await end();
});

for (const colorScheme of ["light", "dark"]) {
  test(`it is accessible and fits, ${colorScheme}`, { skip }, async () => {
    const { page, end } = await opened({ colorScheme });
    await audit(page, `the small page, ${colorScheme}`);
    await picture(page, `small-${colorScheme}`);
    await end();
    const phone = await opened({ colorScheme, viewport: { width: 390, height: 844 } });
    await assertFits(phone.page, "the small page on a phone");
    await picture(phone.page, `small-phone-${colorScheme}`);
    await phone.end();
  });
}
