// Apollo Server, which calls the router.
import { ApolloServerPluginSubscriptionCallback } from "@apollo/server/plugin/subscriptionCallback";
import { answer } from "./apollo.mjs";

export async function listen(server) {
  await answer(server, [ApolloServerPluginSubscriptionCallback()]);
}
