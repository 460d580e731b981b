// Starts a router for a test of the page: with a supergraph and a configuration, on a free port.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.BRAID ?? new URL("../../target/release/braid", import.meta.url).pathname;
const SUPERGRAPH = new URL("../../schema/supergraph.graphql", import.meta.url).pathname;

/** The router with this configuration (JSON is YAML), and `flags` such as --dev. Without `subgraphs`, it has the shop's supergraph. */
export async function startRouter(config, flags = [], subgraphs = null) {
  const folder = await mkdtemp(join(tmpdir(), "braid-"));
  const file = join(folder, "router.yaml");
  const schema = subgraphs ? { subgraphs: join(folder, "supergraph.yaml") } : { supergraph: SUPERGRAPH };
  const compose = (subgraphs) => writeFile(schema.subgraphs, JSON.stringify({ federation_version: "=2.9", subgraphs }));
  if (subgraphs) await compose(subgraphs);
  await writeFile(file, JSON.stringify({ ...config, schema }));
  const child = spawn(BINARY, ["serve", "--config", file, "--listen", "127.0.0.1:0", ...flags], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await Promise.race([
    addressOf(child),
    ended.then((code) => Promise.reject(new Error(`the router ended at its start with ${code}`))),
  ]);
  return {
    url,
    /** Gives it other subgraphs. */
    compose,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The address that the log names. */
function addressOf(child) {
  let text = "";
  return new Promise((resolve) => {
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const found = text.match(/Open (http:\S+\/) in a browser/);
      if (found) resolve(found[1]);
    });
  });
}
