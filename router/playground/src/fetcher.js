// Sends what the editor asks for, and takes the plan and the timings out of the answer for the panel that shows them.
import { publish } from "./inside.js";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

export function createFetcher(endpoint) {
  return async function fetcher(request, options) {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        accept: ACCEPT,
        ...options?.headers,
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
  };
}
