// The browser that the tests drive, or why they are skipped.
import { chromium } from "playwright-core";

const executablePath = process.env.BRAID_CHROMIUM;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const skip = missing();

export function launch() {
  return chromium.launch({ executablePath, args: FLAGS });
}

function missing() {
  if (executablePath) return false;
  if (process.env.CI === "true") throw new Error("BRAID_CHROMIUM is not set: in CI the browser test must run");
  return "BRAID_CHROMIUM is not set";
}
