// Subscribes through the clients of the field, and prints for each what it got. Reads the address of the router from standard input.
import { text } from "node:stream/consumers";

import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { SubscriptionClient } from "subscriptions-transport-ws";
import WebSocket from "ws";

// As in a browser: Apollo's link looks for it.
globalThis.WebSocket = WebSocket;

const { url, token } = JSON.parse(await text(process.stdin));
const socketUrl = url.replace("http", "ws");
const authorization = `Bearer ${token}`;

const OPERATIONS = {
  events: "subscription Events { counted { name } }",
  failing: "subscription Failing { failing { name } }",
  invalid: "subscription Invalid { nothing }",
  query: "query Ask { product { name } }",
};

const code = (error) => {
  const all = [error, ...(Array.isArray(error) ? error : []), ...(error?.errors ?? []), ...(error?.graphQLErrors ?? [])];
  return all.map((one) => one?.extensions?.code).find(Boolean) ?? String(error?.message ?? error);
};

/** What comes of a subscription: `start` is given an observer. */
function collect(start) {
  return new Promise((resolve) => {
    const got = { events: [], end: "none", error: null };
    const timer = setTimeout(() => finish("timeout"), 10_000);
    const finish = (end) => {
      clearTimeout(timer);
      got.end = end;
      resolve(got);
    };
    start({
      next(result) {
        const data = result.data?.counted ?? result.data?.failing ?? result.data?.product;
        if (data) got.events.push(data.name);
        const failed = result.errors ?? result.error;
        if (failed) got.error = code(failed);
      },
      error(error) {
        got.error = code(error);
        finish("error");
      },
      complete: () => finish("complete"),
    });
  });
}

const clients = {
  "graphql-ws"() {
    const client = createWsClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { Authorization: authorization } });
    return {
      run: (query) => collect((observer) => client.subscribe({ query }, observer)),
      stop: () => client.dispose(),
    };
  },
  "subscriptions-transport-ws"() {
    const options = { reconnect: false, connectionParams: { Authorization: authorization } };
    const client = new SubscriptionClient(socketUrl, options, WebSocket);
    return {
      run: (query) => collect((observer) => client.request({ query }).subscribe(observer)),
      stop: () => client.close(),
    };
  },
  "graphql-sse"() {
    const client = createSseClient({ url, headers: { authorization }, retryAttempts: 0 });
    return {
      run: (query) => collect((observer) => client.subscribe({ query }, observer)),
      stop: () => client.dispose(),
    };
  },
  "Apollo Client over HTTP"() {
    return apollo(new HttpLink({ uri: url, headers: { authorization } }));
  },
  "Apollo Client over graphql-ws"() {
    const client = createWsClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { headers: { authorization } } });
    const { run, stop } = apollo(new GraphQLWsLink(client));
    return { run, stop: () => (stop(), client.dispose()) };
  },
  "urql over HTTP"() {
    return urql([fetchExchange], { fetchSubscriptions: true });
  },
  "urql over graphql-ws"() {
    const client = createWsClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { Authorization: authorization } });
    const forwardSubscription = (request) => ({
      subscribe: (sink) => ({ unsubscribe: client.subscribe({ query: request.query, variables: request.variables }, sink) }),
    });
    const { run } = urql([subscriptionExchange({ forwardSubscription, enableAllOperations: true })], {});
    return { run, stop: () => client.dispose() };
  },
};

function apollo(link) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  return {
    run(text) {
      const document = gql(text);
      if (!text.startsWith("subscription")) {
        return collect((observer) => client.query({ query: document, fetchPolicy: "no-cache" }).then((result) => {
          observer.next(result);
          observer.complete();
        }, observer.error));
      }
      return collect((observer) => client.subscribe({ query: document, fetchPolicy: "no-cache" }).subscribe(observer));
    },
    stop: () => client.stop(),
  };
}

function urql(exchanges, options) {
  const client = new UrqlClient({ url, exchanges, fetchOptions: { headers: { authorization } }, preferGetMethod: false, ...options });
  return {
    run(text) {
      const isSubscription = text.startsWith("subscription");
      return collect((observer) => {
        const source = isSubscription ? client.subscription(text, {}) : client.query(text, {});
        // The client says nothing of an end: its results say whether more comes. The last one has the data of the one before again.
        const { unsubscribe } = source.subscribe((result) => {
          const isNew = !isSubscription || (result.hasNext !== false && !result.error);
          observer.next(isNew ? result : { error: result.error });
          if (result.hasNext === false || result.error || !isSubscription) {
            setTimeout(() => unsubscribe(), 0);
            observer.complete();
          }
        });
      });
    },
    stop() {},
  };
}

const results = [];
for (const [name, begin] of Object.entries(clients)) {
  const client = begin();
  for (const [operation, text] of Object.entries(OPERATIONS)) {
  results.push({ client: name, operation, ...(await client.run(text)) });
  }
  await client.stop();
}
console.log(JSON.stringify(results));
process.exit(0);
