// The page, from a router with a configuration for these tests: GraphiQL if it was built, else the small page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { ready, run, view, write } from "./page.js";
import { startRouter } from "./router.js";

const QUERIES = [
  { title: "Who am I?", query: "{ me { name } }", variables: '{"first": 1}', headers: '{"authorization": "Bearer one"}' },
  { title: "What is there?", query: "query There { __typename }", headers: '{"authorization": "Bearer two"}' },
];
const CONFIG = { server: { playground: { title: "The shop", queries: QUERIES } } };

let browser;

before(async () => {
  if (!skip) browser = await launch();
});

after(() => browser?.close());

async function withPage(flags, options, check) {
  const router = await startRouter(CONFIG, flags);
  try {
    const page = await browser.newPage(options);
    await page.goto(router.url);
    await ready(page);
    await check(page, (await page.locator("#playground").count()) > 0);
    await page.close();
  } finally {
    await router.stop();
  }
}

test("the examples have their titles, variables and headers", { skip }, () =>
  withPage(["--dev"], {}, async (page, built) => {
    assert.equal(await page.title(), "The shop");
    const shown = built ? inGraphiql(page) : inOwnPage(page);
    assert.deepEqual(await shown.titles(), QUERIES.map(({ title }) => title));
    assert.match(await shown.variables(), /"first": 1/);
    assert.match(await shown.headers(), /Bearer one/);
    await shown.open("What is there?");
    assert.match(await shown.query(), /query There/);
    assert.match(await shown.headers(), /Bearer two/);
    if (!built) return;
    // GraphiQL stores tabs without their headers.
    await page.waitForTimeout(1000);
    await page.reload();
    await ready(page);
    await shown.open("Who am I?");
    assert.match(await shown.headers(), /Bearer one/);
  }));

for (const [flags, expected] of [
  [["--dev"], /refused before it was planned/],
  [[], /does not show plans. Start it with --dev/],
]) {
  test(`a response without a plan says why (${flags.join() || "no flags"})`, { skip }, () =>
    withPage(flags, {}, async (page, built) => {
      const plan = page.locator('[data-hook="plan"]');
      if (built) {
        await view(page, "plan");
        assert.match(await plan.innerText(), flags.length > 0 ? /Run an operation/ : expected);
        await view(page, "query");
        await write(page, "{ nothing }");
        await run(page);
        await page.locator('[data-hook="error"]').waitFor({ timeout: 10_000 });
        await view(page, "plan");
      } else {
        await page.locator('[data-hook="query"]').fill("{ nothing }");
        await page.locator('[data-hook="run"]').click();
      }
      await plan.getByText(expected).waitFor({ timeout: 10_000 });
    }));
}

for (const [system, chosen] of [["dark"], ["light"], ["light", "dark"], ["dark", "light"]]) {
  const theme = chosen ?? system;
  test(`the page is ${theme} on a ${system} system${chosen ? ", if that is chosen" : ""}`, { skip }, () =>
    withPage([], { colorScheme: system }, async (page, built) => {
      if (chosen) {
        // Only GraphiQL has this setting.
        if (!built) return;
        await page.evaluate((chosen) => localStorage.setItem("graphiql:theme", chosen), chosen);
        await page.reload();
    await ready(page);
      }
      const parts = built
        ? ["body", ".graphiql-container", ".graphiql-query-editor .monaco-editor", ".graphiql-response .monaco-editor"]
        : ["body", "textarea", "pre"];
      for (const part of parts) {
        const brightness = await page.locator(part).first().evaluate(brightnessBehind);
        assert.equal(brightness < 0.5, theme === "dark", `${part} has brightness ${brightness}`);
      }
    }));
}

/** How bright the background is that an element is seen on, 0 to 1. Runs in the page. */
function brightnessBehind(element) {
  for (let at = element; at; at = at.parentElement) {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = getComputedStyle(at).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    if (alpha > 128) return (red + green + blue) / (3 * 255);
  }
  return 1;
}

function inGraphiql(page) {
  const editor = async (part) => (await page.locator(`${part} .view-lines`).first().innerText()).replaceAll("\u00a0", " ");
  const tool = async (name) => {
    await page.getByRole("button", { name, exact: true }).click();
    return editor(".graphiql-editor-tool .monaco-editor:visible");
  };
  return {
    titles: () => page.locator('[data-hook="examples"] button').allInnerTexts(),
    open: async (title) => {
      await page.locator('[data-hook="examples"]').getByRole("button", { name: title }).click();
      await page.waitForTimeout(300);
    },
    query: () => editor(".graphiql-query-editor"),
    variables: () => tool("Variables"),
    headers: () => tool("Headers"),
  };
}

function inOwnPage(page) {
  const value = (name) => page.locator(`[data-hook="${name}"]`).inputValue();
  return {
    titles: () => page.locator('[data-hook="tabs"] button').allInnerTexts(),
    open: (title) => page.getByRole("button", { name: title }).click(),
    query: () => value("query"),
    variables: () => value("variables"),
    headers: () => value("headers"),
  };
}
