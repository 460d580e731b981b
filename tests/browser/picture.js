// Makes the picture of the page that the README shows: `npm run picture`, with BRAID_CHROMIUM, after the shop was built with the page
// (CONTRIBUTING.md). BRAID_URL is a shop that runs already.
import { launch, skip } from "./chromium.js";
import { startFederation } from "./federation.js";

const PICTURE = new URL("../../docs/images/page.png", import.meta.url).pathname;

if (skip) throw new Error(skip);
const running = process.env.BRAID_URL;
const federation = running ? { url: running, stop() {} } : await startFederation();
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, colorScheme: "light" });
  await page.goto(federation.url, { waitUntil: "networkidle" });
  if ((await page.locator("#playground").count()) === 0) throw new Error("build the page first: npm ci && npm run build in router/playground");
  await page.locator(".graphiql-tab", { hasText: "BestSellers" }).first().click();
  await page.getByRole("button", { name: /execute query/i }).click();
  await page.locator(".graphiql-response").getByText("unitsSold").first().waitFor({ timeout: 20_000 });
  const plan = page.getByRole("button", { name: "Query plan" });
  if ((await plan.count()) > 0) await plan.click();
  await page.waitForTimeout(1000);
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  await federation.stop();
}
