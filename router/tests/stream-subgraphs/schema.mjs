// The schema that all of them have, and what it counts.
import { buildSubgraphSchema } from "@apollo/subgraph";
import { GraphQLError, parse } from "graphql";
import { setTimeout as sleep } from "node:timers/promises";

export const typeDefs = parse(`
  type Query { open: Int! }
  type Subscription { counted(to: Int!): Int! ticks: Int! seen: String refused: Int }
`);

let open = 0;

async function* ticks() {
  open += 1;
  try {
    for (let ticks = 1; ; ticks += 1) {
      yield { ticks };
      await sleep(50);
    }
  } finally {
    open -= 1;
  }
}

async function* counted(_, { to }) {
  for (let counted = 1; counted <= to; counted += 1) {
    yield { counted };
  }
}

async function* seen(_, __, { user }) {
  yield { seen: user };
}

function refused() {
  throw new GraphQLError("nobody may");
}

const source = (subscribe) => ({ subscribe });

export const schema = buildSubgraphSchema({
  typeDefs,
  resolvers: {
    Query: { open: () => open },
    Subscription: { counted: source(counted), ticks: source(ticks), seen: source(seen), refused: source(refused) },
  },
});

export const context = (request) => ({ user: request.headers["x-user"] ?? null });
