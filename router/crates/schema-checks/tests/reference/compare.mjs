// Asks the reference implementations what they say of pairs of schemas and of operations.
// In: {"pairs": [{"name", "old", "new"}], "operations": [{"old", "new", "text"}]} on standard input.
// Out: {"graphqlJs": [[{"level", "type", "message"}]], "inspector": [[…]], "valid": [[before, after]]}.
import { readFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, findDangerousChanges, parse, validate } from 'graphql';
import { CriticalityLevel, diff } from '@graphql-inspector/core';

const input = JSON.parse(readFileSync(0, 'utf8'));
const schemas = new Map();
const schema = (sdl) => {
  if (!schemas.has(sdl)) schemas.set(sdl, buildSchema(sdl));
  return schemas.get(sdl);
};

const levels = {
  [CriticalityLevel.Breaking]: 'breaking',
  [CriticalityLevel.Dangerous]: 'dangerous',
  [CriticalityLevel.NonBreaking]: 'safe',
};
const out = { graphqlJs: [], inspector: [], valid: [] };
for (const pair of input.pairs) {
  const [before, after] = [schema(pair.old), schema(pair.new)];
  out.graphqlJs.push([
    ...findBreakingChanges(before, after).map(({ type, description }) => ({ level: 'breaking', type, message: description })),
    ...findDangerousChanges(before, after).map(({ type, description }) => ({ level: 'dangerous', type, message: description })),
  ]);
  const changes = await diff(before, after);
  out.inspector.push(
    changes.map(({ type, path, message, criticality }) => ({ level: levels[criticality.level], type, path, message })),
  );
}
for (const { old, new: after, text } of input.operations) {
  const document = parse(text);
  out.valid.push([validate(schema(old), document).length === 0, validate(schema(after), document).length === 0]);
}
process.stdout.write(JSON.stringify(out));
