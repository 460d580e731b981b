// The text of a subgraph's schema by lines, each with the coordinate of what it defines. Knows no page.
import { graphqlTokens } from "../../fallback/tokens.js";

/** Lines `{ number, tokens, coordinate }`; `coordinate` is `Type` or `Type.field`, where the line defines one. */
export function linesOf(sdl) {
  const lines = [[]];
  for (const { text, kind } of graphqlTokens(sdl)) {
    text.split("\n").forEach((part, index) => {
      if (index > 0) lines.push([]);
      if (part !== "") lines.at(-1).push({ text: part, kind });
    });
  }
  const reader = { type: null, depth: 0, parens: 0 };
  return lines.map((tokens, index) => ({ number: index + 1, tokens, coordinate: coordinate(reader, tokens) }));
}

const DEFINES = new Set(["type", "interface", "input", "enum", "union", "scalar"]);

/** What a line defines. `reader` has how deep the line is in braces and parentheses. */
function coordinate(reader, tokens) {
  let found = null;
  let defines = false;
  for (const { text, kind } of tokens) {
    if (kind === "comment" || kind === "string") continue;
    if (kind === undefined) {
      for (const sign of text) {
        if (sign === "(") reader.parens += 1;
        else if (sign === ")") reader.parens -= 1;
        else if (sign === "{" && reader.parens === 0) reader.depth += 1;
        else if (sign === "}" && reader.parens === 0) reader.depth -= 1;
      }
      continue;
    }
    if (reader.depth === 0 && reader.parens === 0) {
      if (DEFINES.has(text) && kind === "keyword") defines = true;
      else if (defines && /^[_A-Za-z]/.test(text)) {
        reader.type = text;
        found = text;
        defines = false;
      }
    } else if (reader.depth === 1 && reader.parens === 0 && !found && kind !== "directive") {
      found = `${reader.type}.${text}`;
    }
  }
  return found;
}

/** The line that defines a coordinate: of a field if the subgraph has it, or else of its type. */
export function lineOf(lines, coordinate) {
  const [type] = coordinate.split(".");
  const line = lines.find((line) => line.coordinate === coordinate) ?? lines.find((line) => line.coordinate === type);
  return line?.number;
}
