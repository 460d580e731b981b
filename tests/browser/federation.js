// Starts the shop as a newcomer does, but on free ports and in a temporary folder, and stops it by its process id.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.BRAID_LOCAL ?? new URL("../../target/release/local", import.meta.url).pathname;
const PORTS = ["--port", "0", "--users-port", "0", "--orders-port", "0", "--inventory-port", "0"];

export async function startFederation() {
  const data = await mkdtemp(join(tmpdir(), "braid-"));
  const started = Date.now();
  const child = spawn(BINARY, [...PORTS, "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const url = await Promise.race([
    addressOf(child),
    ended.then((end) => Promise.reject(new Error(`the federation ended at its start: ${JSON.stringify(end)}`))),
  ]);
  return {
    url,
    secondsToStart: (Date.now() - started) / 1000,
    async stop() {
      child.kill("SIGTERM");
      const end = await ended;
      await rm(data, { recursive: true, force: true });
      return end;
    },
  };
}

/** The address that the welcome text names. */
function addressOf(child) {
  let text = "";
  return new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const found = text.match(/Open (http:\S+\/) in a browser/);
      if (found) resolve(found[1]);
    });
  });
}

export async function ask(url, query, headers = {}) {
  const answer = await fetch(`${url}graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  });
  return { status: answer.status, body: await answer.json() };
}
