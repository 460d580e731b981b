// The schema that introspection gives: what can stand at a place of a document, and the documentation of it. Knows no page.

export const INTROSPECTION = `query Schema { __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types { kind name description
    fields(includeDeprecated: true) { name description isDeprecated args { ...input } type { ...type } }
    inputFields { ...input } enumValues(includeDeprecated: true) { name description } possibleTypes { name } } } }
fragment input on __InputValue { name description type { ...type } }
fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } }`;

/** The schema of an introspection's `data`. */
export function createSchema({ __schema }) {
  const types = new Map(__schema.types.map((type) => [type.name, type]));
  const roots = { query: __schema.queryType, mutation: __schema.mutationType, subscription: __schema.subscriptionType };
  return { types, roots };
}

/** `[Product!]!` */
export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}

/** The name of the type in lists and non-nulls. */
export function innerName(type) {
  return type.ofType ? innerName(type.ofType) : type.name;
}

/** What can stand at a place ([`placeAt`]): `{ name, detail }`, those that begin like the word first. */
export function suggestions(schema, at) {
  const word = at.word.toLowerCase();
  const all = candidates(schema, at).filter(({ name }) => name.toLowerCase().includes(word) && name.toLowerCase() !== word);
  const rank = ({ name }) => (name.toLowerCase().startsWith(word) ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b)).slice(0, 40);
}

function candidates(schema, at) {
  const { types } = schema;
  if (at.place === "document") return ["query", "mutation", "subscription", "fragment"].map((name) => ({ name, detail: "" }));
  if (at.place === "type") return [...types.values()].filter(({ name }) => !name.startsWith("__")).map(({ name, kind }) => ({ name, detail: kind.toLowerCase() }));
  const parent = typeAt(schema, at);
  const field = parent?.fields?.find(({ name }) => name === at.field);
  if (at.place === "selection") {
    const fields = (parent?.fields ?? []).map(({ name, type }) => ({ name, detail: written(type) }));
    const on = (parent?.possibleTypes ?? []).map(({ name }) => ({ name: `... on ${name}`, detail: "" }));
    return [...fields, { name: "__typename", detail: "String!" }, ...on];
  }
  const inputs = field?.args ?? [];
  if (at.place === "argument") return inputs.map(({ name, type }) => ({ name: `${name}: `, detail: written(type) }));
  const input = inputs.find(({ name }) => name === at.argument);
  const type = input && types.get(innerName(input.type));
  if (type?.name === "Boolean") return ["true", "false"].map((name) => ({ name, detail: "Boolean" }));
  if (type?.inputFields) return [];
  return (type?.enumValues ?? []).map(({ name }) => ({ name, detail: type.name }));
}

/** The type whose fields can be selected at a place. */
export function typeAt({ types, roots }, { path, operation }) {
  let type = types.get(roots[operation]?.name);
  for (const step of path) {
    const field = step.field && type?.fields?.find(({ name }) => name === step.field);
    type = types.get(step.type ?? (field ? innerName(field.type) : undefined));
  }
  return type;
}
