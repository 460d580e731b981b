// The first command of the README, and the page that it names in a browser.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { launch, skip } from "./chromium.js";
import { ask, startFederation } from "./federation.js";
import { ARTEFACTS, ready } from "./page.js";

let federation;
let browser;

before(async () => {
  federation = await startFederation();
  if (!skip) {
    browser = await launch();
    await mkdir(ARTEFACTS, { recursive: true });
  }
});

after(async () => {
  await browser?.close();
  const end = await federation.stop();
  assert.deepEqual(end, { code: 0, signal: null }, "SIGTERM stops it cleanly");
});

test("it responds within three seconds of a cold start", async () => {
  const { status, body } = await ask(federation.url, "{ products(first: 1) { nodes { sku unitsSold } } }");
  assert.equal(status, 200);
  assert.equal(body.errors, undefined);
  assert.equal(body.data.products.nodes.length, 1);
  console.log(`up after ${federation.secondsToStart.toFixed(2)} s`);
  assert.ok(federation.secondsToStart < 3, `${federation.secondsToStart} s`);
});

test("the page runs the query to three services", { skip }, async () => {
  const page = await browser.newPage();
  const foreign = [];
  const complaints = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(federation.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));

  const token = await signIn();
  const response = await page.goto(federation.url);
  await ready(page);
  assert.match(response.headers()["content-security-policy"], /default-src 'none'/);

  const headers = JSON.stringify({ authorization: `Bearer ${token}` });
  const built = (await page.locator("#playground").count()) > 0;
  const shown = built ? await runInGraphiql(page, headers) : await runInOwnPage(page, headers);
  await page.screenshot({ path: new URL("page.png", ARTEFACTS).pathname, fullPage: true });

  for (const word of ["Grace Hopper", "shippingEstimate", "inStock", "unitPrice"]) {
    assert.ok(shown.includes(word), `the page shows ${word}: ${shown.slice(0, 2000)}`);
  }
  assert.deepEqual(foreign, [], "nothing is loaded from elsewhere");
  assert.deepEqual(complaints, [], "nothing is refused by the policy");
});

test("the operations of docs/start.md are answered", async () => {
  const page = await readFile(new URL("../../docs/start.md", import.meta.url), "utf8");
  const operations = [...page.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, text]) => text);
  const named = (name) => operations.find((text) => new RegExp(`^\\w+ ${name}\\b`).test(text));
  const answer = async (name, token) => {
    const { body } = await ask(federation.url, named(name), token && { authorization: `Bearer ${token}` });
    return body;
  };
  const bestSellers = await answer("BestSellers");
  assert.ok(bestSellers.data.products.nodes.length > 0);
  const { accessToken: grace } = (await answer("SignIn")).data.login.session;
  const myOrders = await answer("MyOrders", grace);
  assert.equal(myOrders.errors, undefined);
  assert.equal(myOrders.data.me.orders.nodes.length, 3);
  assert.equal((await answer("MyOrders")).data.me, null);
  const refused = await answer("Users", grace);
  assert.equal(refused.errors[0].extensions.code, "UNAUTHORIZED_FIELD_OR_TYPE");
  const ada = await ask(federation.url, named("SignIn").replace("grace", "ada"));
  const users = await answer("Users", ada.body.data.login.session.accessToken);
  assert.equal(users.errors, undefined);
  assert.equal(users.data.users.nodes.length, 3);
  assert.equal(await subscribe(named("WatchMyOrders"), { authorization: `Bearer ${grace}` }), 200);
  assert.equal(operations.length, 5, "each operation is tried");
});

/** The status with which a subscription begins; it is ended then. */
async function subscribe(query, headers) {
  const ended = new AbortController();
  const { status } = await fetch(`${federation.url}graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: JSON.stringify({ query }),
    signal: ended.signal,
  });
  ended.abort();
  return status;
}

async function signIn() {
  const { body } = await ask(federation.url, await operation("sign-in"));
  assert.equal(body.errors, undefined);
  return body.data.login.session.accessToken;
}

function operation(name) {
  return readFile(new URL(`../../schema/operations/${name}.graphql`, import.meta.url), "utf8");
}

/** GraphiQL: the tab of the query, its headers editor, the button. */
async function runInGraphiql(page, headers) {
  await page.locator(".graphiql-tab", { hasText: "MyOrders" }).first().click();
  await page.getByRole("button", { name: "Headers" }).click();
  await page.locator(".graphiql-editor-tool .monaco-editor:visible").first().click();
  await page.keyboard.insertText(headers);
  await page.getByRole("button", { name: /execute query/i }).click();
  const result = page.locator(".graphiql-response");
  await result.getByText("Grace Hopper").first().waitFor({ timeout: 20_000 });
  // The editor renders only the visible lines, so read the response by scrolling through it.
  let text = "";
  for (let screen = 0; screen < 12; screen += 1) {
    // The editor shows spaces as no-break spaces.
    text += (await result.innerText()).replaceAll("\u00a0", " ");
    await result.hover();
    await page.mouse.wheel(0, 300);
    await page.waitForTimeout(100);
  }
  return text;
}

/** The page that is there without Node. */
async function runInOwnPage(page, headers) {
  await page.locator('[data-hook="query"]').fill(await operation("my-orders"));
  await page.locator('[data-hook="headers"]').fill(headers);
  await page.locator('[data-hook="run"]').click();
  const result = page.locator('[data-hook="result"]');
  await result.getByText("Grace Hopper").first().waitFor({ timeout: 20_000 });
  return result.innerText();
}
