// Text of GraphQL or JSON as tokens with a kind, for highlighting. Knows no schema.

const GRAPHQL = /("""[\s\S]*?"""|"(?:\\.|[^"\\\n])*")|(#[^\n]*)|(@[_A-Za-z]\w*)|(\$[_A-Za-z]\w*)|([_A-Za-z]\w*)|(-?\d[\d.eE+-]*)|([\s\S])/g;
const KEYWORDS = new Set(
  "query mutation subscription fragment on type interface union enum input scalar directive schema extend implements true false null repeatable".split(" "),
);
const JSON_TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)|([\s\S])/g;

/** Tokens `{ text, kind }` of a GraphQL document; the kind of punctuation and blanks is undefined. */
export function graphqlTokens(text) {
  const tokens = [];
  for (const [all, string, comment, directive, variable, name, number] of text.matchAll(GRAPHQL)) {
    const kind =
      (string && "string") || (comment && "comment") || (directive && "directive") || (variable && "variable") ||
      (name && (KEYWORDS.has(name) ? "keyword" : /^[A-Z]/.test(name) ? "type" : "name")) || (number && "number") || undefined;
    push(tokens, all, kind);
  }
  return tokens;
}

/** The same of JSON. */
export function jsonTokens(text) {
  const tokens = [];
  for (const [all, string, colon, number, word] of text.matchAll(JSON_TOKEN)) {
    if (string && colon) {
      push(tokens, string, "name");
      push(tokens, colon, undefined);
    } else {
      push(tokens, all, (string && "string") || (number && "number") || (word && "keyword") || undefined);
    }
  }
  return tokens;
}

/** Neighbours without a kind are one token. */
function push(tokens, text, kind) {
  const last = tokens.at(-1);
  if (last && last.kind === undefined && kind === undefined) last.text += text;
  else tokens.push({ text, kind });
}
