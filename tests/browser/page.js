// A page of a test: it may ask nobody but its router, complain about nothing, and is looked at by axe and on pictures.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Pictures are kept here for people to look at. */
export const ARTEFACTS = new URL("../../target/browser/", import.meta.url);
const AXE = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Opens the page at `url` in a context of its own. `end` closes it, and checks what was asked and complained about. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const [foreign, complaints] = [[], []];
  const { host } = new URL(url);
  page.on("request", (request) => {
    if (/^(data|blob):/.test(request.url())) return;
    if (new URL(request.url()).host !== host) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  await ready(page);
  return {
    page,
    async end({ complains = false } = {}) {
      await context.close();
      assert.deepEqual(foreign, [], "nothing is asked of anybody else");
      if (!complains) assert.deepEqual(complaints, [], "the page complains of nothing");
    },
  };
}

/** Waits until the page can be used. (That nothing is loaded any more says little: a browser may not tell of what its workers load.) */
export async function ready(page) {
  await page.waitForFunction(() => document.body.dataset.ready === "true", undefined, { timeout: 20_000 });
  if (await isBuilt(page)) await page.locator(".graphiql-query-editor .monaco-editor .view-line").first().waitFor({ timeout: 20_000 });
}

/** Whether GraphiQL was built, and not the small page. */
export async function isBuilt(page) {
  return (await page.locator("#playground").count()) > 0;
}

/** Fails if axe finds something on the page. */
export async function audit(page, what) {
  await page.evaluate(await AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map(({ html, failureSummary }) => `    ${html.slice(0, 200)}\n      ${failureSummary}`).join("\n")}`);
  assert.deepEqual(found, [], `${what}: axe finds nothing\n${found.join("\n")}`);
}

/** Whether something can only be seen by scrolling sideways. */
export async function assertFits(page, what) {
  const wide = await page.evaluate(() =>
    [document.scrollingElement, ...document.querySelectorAll("main, .view, .drawing, .waterfall, .detail")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName}.${element.className} is ${element.scrollWidth} wide in ${element.clientWidth}`),
  );
  assert.deepEqual(wide, [], `${what}: nothing is wider than its place`);
}

export async function picture(page, name) {
  await mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, ARTEFACTS).pathname });
}

/** Puts text into GraphiQL's query editor. */
export async function write(page, text) {
  await page.locator(".graphiql-query-editor .monaco-editor").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

export async function run(page) {
  await page.getByRole("button", { name: /execute query/i }).click();
}

export const view = (page, name) => page.locator(`[data-hook="view-${name}"]`).click();
