// What kind of operation a document has. Knows no schema.
import { Kind, parse, visit } from "graphql";

/** The operation that would run: the one with this name, or else the first. Undefined if the text is no document. */
export function operationOf(text, name) {
  let document;
  try {
    document = parse(text, { noLocation: true });
  } catch {
    return undefined;
  }
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return (name && operations.find((operation) => operation.name?.value === name)) || operations[0];
}

/** The name, if the document has an operation with it. The editor is told names a moment after they were typed. */
export function nameIn(text, name) {
  return name && operationOf(text, name)?.name?.value === name ? name : undefined;
}

/** `whole`, `parts` (`@defer`, `@stream`) or `subscription`: how the answer comes. */
export function comesAs(text, name) {
  const operation = operationOf(text, name);
  if (operation?.operation === "subscription") return "subscription";
  return isInParts(text) ? "parts" : "whole";
}

function isInParts(text) {
  if (!/@(defer|stream)\b/.test(text)) return false;
  let found = false;
  try {
    visit(parse(text, { noLocation: true }), {
      Directive({ name }) {
        found ||= name.value === "defer" || name.value === "stream";
      },
    });
  } catch {
    return false;
  }
  return found;
}
