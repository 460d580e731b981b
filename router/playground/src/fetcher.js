// Sends what the editor asks for: a subscription over a WebSocket, all else as a POST. Takes the plan and the timings out of the answer for the
// panel that shows them.
import { createClient } from "graphql-ws";

import { publish } from "./inside.js";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

export function createFetcher(endpoint) {
  return function fetcher(request, options) {
    return isSubscription(options?.documentAST, request.operationName)
      ? subscribe(endpoint, request, options?.headers)
      : ask(endpoint, request, options?.headers);
  };
}

function isSubscription(document, name) {
  const operations = document?.definitions.filter(({ kind }) => kind === "OperationDefinition") ?? [];
  const chosen = name ? operations.find((operation) => operation.name?.value === name) : operations[0];
  return chosen?.operation === "subscription";
}

/** Browsers can't set headers of a WebSocket, so they travel in the first message. The client closes the socket when the subscription ends. */
function subscribe(endpoint, request, headers) {
  const url = new URL(endpoint, window.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({ url: url.href, connectionParams: { headers }, retryAttempts: 0 });
  const events = client.iterate(request);
  // No generator: it could not be stopped while it waits for an event.
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => events.next().catch(explain),
    return: () => events.return(),
  };
}

function explain(error) {
  throw error instanceof CloseEvent ? new Error(`The router closed the socket: ${error.code} ${error.reason}`) : error;
}

async function ask(endpoint, request, headers) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      accept: ACCEPT,
      ...headers,
      "content-type": "application/json",
      "braid-expose": "plan, timings",
    },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  const { braid, ...others } = answer.extensions ?? {};
  // The editor asks for the schema on its own; nobody wants to see that plan.
  if (request.operationName !== "IntrospectionQuery") {
    publish({ plan: braid?.plan, timings: braid?.timings, answered: true });
  }
  if (braid) {
    delete answer.extensions;
    if (Object.keys(others).length > 0) answer.extensions = others;
  }
  return answer;
}
