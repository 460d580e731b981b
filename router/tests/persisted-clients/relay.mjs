// Compiles Relay's operations with its own compiler, which persists them in a map of ids and texts. Prints where the map is.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "relay-"));
cpSync("relay", join(folder, "src"), { recursive: true });
writeFileSync(join(folder, "persisted.json"), "{}");
const config = {
  src: "./src",
  schema: "./src/schema.graphql",
  language: "javascript",
  artifactDirectory: "./artifacts",
  persistConfig: { file: "./persisted.json", algorithm: "SHA256" },
};
writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
writeFileSync(join(folder, "artifacts.mark"), "");
execFileSync("mkdir", ["-p", join(folder, "artifacts")]);
const compiler = createRequire(import.meta.url).resolve("relay-compiler/cli.js");
execFileSync(process.execPath, [compiler, join(folder, "relay.config.json")], { cwd: folder, stdio: ["ignore", 2, 2] });
console.log(JSON.stringify({ folder, persisted: readFileSync(join(folder, "persisted.json"), "utf8") }));
