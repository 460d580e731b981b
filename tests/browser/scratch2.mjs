import { launch } from "./chromium.js";
import { startRouter } from "./router.js";
const browser = await launch();
const router = await startRouter({ server: { playground: { title: "The shop", queries: [{ title: "Who am I?", query: "{ me { name } }", variables: '{"first": 1}', headers: '{"authorization": "Bearer one"}' }, { title: "What is there?", query: "query There { __typename }", headers: '{"authorization": "Bearer two"}' }] } } }, ["--dev"]);
const page = await browser.newPage();
await page.goto(router.url, { waitUntil: "networkidle" });
const pending = new Map();
page.on("request", (r) => pending.set(r, r.url()));
page.on("requestfinished", (r) => pending.delete(r));
page.on("requestfailed", (r) => { pending.delete(r); console.log("failed", r.url(), r.failure()); });
page.on("console", (m) => console.log(m.type(), m.text().slice(0, 300)));
page.on("pageerror", (m) => console.log("E", String(m).slice(0, 300)));
await page.getByRole("button", { name: "Variables", exact: true }).click(); await page.getByRole("button", { name: "Headers", exact: true }).click();
await page.locator('[data-hook="examples"]').getByRole("button", { name: "What is there?" }).click();
await page.waitForTimeout(1000);
try { await page.reload({ waitUntil: "networkidle", timeout: 8000 }); console.log("idle"); } catch (e) { console.log("timeout", [...pending.values()]); }
await page.screenshot({ path: "/tmp/shots/reload.png" });
await browser.close();
await router.stop();
