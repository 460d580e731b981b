// Runs operations by graphql-js over answers that are there already, and writes the messages of each. Knows no router.
//
// Input: `[{ schema, operations: [{ query, variables, data }] }]`. Where the operation has a response key, `data` has the value under the same key,
// and the name of the type of each object under `typename`. Output: for each operation its messages.

import { readFileSync } from "node:fs";
import { buildSchema, experimentalExecuteIncrementally, parse } from "graphql";

const typename = "braid__typename";

const fieldResolver = (source, _arguments, _context, info) => source[info.path.key];
const typeResolver = (source) => source[typename];

async function messages(schema, { query, variables, data }) {
  const document = parse(query);
  const result = await experimentalExecuteIncrementally({
    schema, document, variableValues: variables, rootValue: data, fieldResolver, typeResolver,
  });
  if (!("initialResult" in result)) return [result];
  const found = [result.initialResult];
  for await (const next of result.subsequentResults) found.push(next);
  return found;
}

const answers = [];
for (const { schema, operations } of JSON.parse(readFileSync(0, "utf8"))) {
  const built = buildSchema(schema);
  for (const operation of operations) answers.push(await messages(built, operation));
}
process.stdout.write(JSON.stringify(answers));
