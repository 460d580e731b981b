// Makes the picture of the page that the README shows: `npm run picture`, with BRAID_CHROMIUM, after the shop was built with the page
// (CONTRIBUTING.md). BRAID_URL is a shop that runs already.
import { launch, skip } from "./chromium.js";
import { startFederation } from "./federation.js";
import { isBuilt, openPage, run, view } from "./page.js";

const PICTURE = new URL("../../docs/images/page.png", import.meta.url).pathname;

if (skip) throw new Error(skip);
const running = process.env.BRAID_URL;
const federation = running ? { url: running, stop() {} } : await startFederation();
const browser = await launch();
try {
  const { page, end } = await openPage(browser, federation.url, { colorScheme: "light" });
  if (!(await isBuilt(page))) throw new Error("build the page first: npm ci && npm run build in router/playground");
  await page.locator('[data-hook="sign-in"]').click();
  await page.getByLabel("Username").fill("grace");
  await page.getByLabel("Password").fill("braid-sample");
  await page.keyboard.press("Enter");
  await page.locator(".graphiql-tab", { hasText: "MyOrders" }).first().click();
  await run(page);
  await page.locator(".graphiql-response").getByText("totalCount").first().waitFor({ timeout: 20_000 });
  await view(page, "plan");
  await page.getByRole("heading", { name: "Plan", exact: true }).waitFor();
  await page.screenshot({ path: PICTURE });
  await end();
} finally {
  await browser.close();
  await federation.stop();
}
