// Apollo Server, with graphql-ws for subscriptions.
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { answer } from "./apollo.mjs";
import { context, schema } from "./schema.mjs";

export async function listen(server) {
  await answer(server, []);
  const sockets = new WebSocketServer({ server, path: "/graphql" });
  useServer({ schema, context: ({ extra }) => context(extra.request) }, sockets);
}
