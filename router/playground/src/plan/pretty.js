// The text of a request to a subgraph, on several lines. Knows no schema.
import { parse, print } from "graphql";

export function pretty(text) {
  try {
    return print(parse(text));
  } catch {
    return text;
  }
}
