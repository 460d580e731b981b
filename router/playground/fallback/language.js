// What somebody writes at a place of a GraphQL document: which names can stand there. Knows no schema and no page.
import { graphqlTokens } from "./tokens.js";

/**
 * Where `offset` is in a document: `{ place, path, operation, field, argument, word }`.
 *
 * - `place`: `document`, `selection`, `argument`, `value` or `type`
 * - `path`: from the root to the selection, `{ field }` or `{ type }` for each step
 * - `word`: what is written of the name so far
 */
export function placeAt(text, offset) {
  const reader = { operation: "query", stack: [], parens: [], field: null, argument: null, isType: false, isValue: false };
  const before = text.slice(0, offset);
  const word = before.match(/[$\w]*$/)[0];
  for (const { text: token, kind } of graphqlTokens(before.slice(0, before.length - word.length))) {
    if (kind === "comment" || kind === "string") continue;
    if (kind === undefined) for (const sign of token) punctuation(reader, sign);
    else name(reader, token, kind);
  }
  const { stack, parens, field, argument, isType, isValue, operation } = reader;
  const path = stack.slice(1).map(({ step }) => step).filter(Boolean);
  const place = isType ? "type" : stack.length === 0 ? "document" : parens.length === 0 ? "selection" : isValue ? "value" : "argument";
  const root = stack[0]?.step;
  return { place, path: root?.type ? [root, ...path] : path, operation, field, argument, word };
}

function punctuation(reader, sign) {
  const { stack, parens } = reader;
  switch (sign) {
    case "{":
      if (parens.length > 0) parens.push("{");
      else stack.push({ step: reader.pending ?? (stack.length > 0 && reader.field ? { field: reader.field } : null) });
      if (parens.length === 0) [reader.pending, reader.field] = [null, null];
      reader.isValue = false;
      break;
    case "}":
      if (parens.length > 0) parens.pop();
      else stack.pop();
      [reader.field, reader.isValue] = [null, false];
      break;
    case "(":
      parens.push("(");
      [reader.isValue, reader.argument] = [false, null];
      break;
    case ")":
      parens.pop();
      [reader.isValue, reader.isType] = [false, false];
      break;
    case "[":
    case "]":
      break;
    case ":":
      // `$a: Int` of an operation, an argument and its value, or an alias.
      if (parens.length > 0) reader.isValue = true;
      if (parens.length > 0 && stack.length === 0) reader.isType = true;
      break;
    case ",":
      reader.isValue = false;
      break;
    default:
  }
}

function name(reader, token, kind) {
  const { stack, parens } = reader;
  if (parens.length > 0) {
    if (reader.isValue) [reader.isValue, reader.isType] = [false, false];
    else if (kind !== "variable") reader.argument = token;
    return;
  }
  if (stack.length === 0) {
    if (["query", "mutation", "subscription"].includes(token)) reader.operation = token;
    else if (reader.isType) [reader.pending, reader.isType] = [{ type: token }, false];
    reader.isType = token === "on";
    return;
  }
  if (reader.isType) [reader.pending, reader.isType] = [{ type: token }, false];
  else if (token === "on" && reader.field === null) reader.isType = true;
  else if (kind !== "directive" && kind !== "variable") reader.field = token;
}
