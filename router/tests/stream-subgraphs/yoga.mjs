// graphql-yoga: server-sent events.
import { createYoga } from "graphql-yoga";
import { context, schema } from "./schema.mjs";

export async function listen(server) {
  server.on("request", createYoga({ schema, context: ({ req }) => context(req), logging: false, maskedErrors: false }));
}
