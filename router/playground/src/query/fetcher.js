// Sends what the editor asks for, and tells what is known of how the answer was made: a subscription over a WebSocket, an answer in parts as
// server-sent events, all else as a POST.
import { createClient } from "graphql-ws";

import { begin, inside } from "../inside.js";
import { eventsOf } from "./event-stream.js";
import { apart, withPart } from "./exposed.js";
import { comesAs, nameIn } from "./operation.js";
import { withSession } from "./session.js";

const WHOLE = "application/graphql-response+json, application/json;q=0.9";
const PARTS = "text/event-stream, application/graphql-response+json;q=0.9, application/json;q=0.8";
/** The parts of a long stream that are kept for the view of the plan. */
const MAX_PARTS = 200;

export function createFetcher(endpoint) {
  return function fetcher(given, options) {
    const request = { ...given, operationName: nameIn(given.query, given.operationName) };
    const headers = withSession(options?.headers);
    // The editor asks for the schema on its own; nobody wants to see that plan.
    if (request.operationName === "IntrospectionQuery") return introspect(endpoint, request, headers);
    const tell = begin({ ...request, kind: "run" });
    switch (comesAs(request.query, request.operationName)) {
      case "subscription":
        tell({ isStream: true, isOfEvents: true });
        showPlan(endpoint, request, headers, tell);
        return subscribe(endpoint, request, headers, tell);
      case "parts":
        tell({ isStream: true });
        showPlan(endpoint, request, headers, tell);
        return inParts(endpoint, request, headers, tell);
      default:
        return ask(endpoint, request, headers, tell);
    }
  };
}

/** Plans an operation without running it. */
export async function plan(endpoint, given, headers) {
  const request = { ...given, operationName: nameIn(given.query, given.operationName) };
  const tell = begin({ ...request, kind: "plan" });
  await showPlan(endpoint, request, withSession(headers), tell);
}

async function showPlan(endpoint, request, headers, tell) {
  // Without the header it would be run.
  if (!inside.get().settings.plan) return;
  try {
    const { status, answer } = await post(endpoint, request, headers, "dry-run, plan, explain");
    const { braid, rest } = apart(answer);
    tell((run) => ({
      explain: braid?.explain,
      text: braid?.plan,
      cost: braid?.cost,
      ...(run.kind === "plan" ? { status, answer: rest.errors ? rest : undefined, took: performance.now() - run.began } : {}),
    }));
  } catch (error) {
    tell((run) => (run.kind === "plan" ? { failure: error.message } : {}));
  }
}

async function introspect(endpoint, request, headers) {
  return (await post(endpoint, request, headers)).answer;
}

async function ask(endpoint, request, headers, tell) {
  try {
    const { status, answer } = await post(endpoint, request, headers, `plan, explain, ${happening()}`);
    const { braid, rest } = apart(answer);
    tell((run) => ({
      status,
      answer: rest,
      took: performance.now() - run.began,
      explain: braid?.explain,
      text: braid?.plan,
      timings: braid?.timings,
      exchanges: braid?.exchanges,
    }));
    return rest;
  } catch (error) {
    tell({ failure: error.message });
    throw error;
  }
}

/** What the router is asked to say of the fetches of an answer, of a part of one, and of an event. */
function happening() {
  return inside.get().settings.exchanges ? "timings, cache, exchanges" : "timings, cache";
}

/** The header that asks for it, where it may be seen. */
function exposing(expose) {
  return expose && inside.get().settings.plan ? { "braid-expose": expose } : {};
}

async function post(endpoint, request, headers, expose) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { accept: WHOLE, ...headers, "content-type": "application/json", ...exposing(expose) },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  try {
    return { status: response.status, answer: JSON.parse(text) };
  } catch {
    throw new Error(`The answer is not JSON (status ${response.status}): ${text.slice(0, 200)}`);
  }
}

/** Browsers can't set headers of a WebSocket, so they travel in the first message. The client closes the socket when the subscription ends. */
function subscribe(endpoint, request, headers, tell) {
  const url = new URL(endpoint, window.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({ url: url.href, connectionParams: { headers: { ...headers, ...exposing(happening()) } }, retryAttempts: 0 });
  const events = client.iterate(request);
  return noted(() => events.next().catch(explain), () => events.return(), tell);
}

function explain(error) {
  throw error instanceof CloseEvent ? new Error(`The router closed the socket: ${error.code} ${error.reason}`) : error;
}

async function inParts(endpoint, request, headers, tell) {
  const aborting = new AbortController();
  const response = await fetch(endpoint, {
    method: "POST",
    signal: aborting.signal,
    headers: { ...headers, accept: PARTS, "content-type": "application/json", ...exposing(happening()) },
    body: JSON.stringify(request),
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const { braid, rest } = apart(await response.json());
    tell((run) => ({ ...withPart(run, braid, rest), status: response.status, answer: rest, took: performance.now() - run.began, hasEnded: true }));
    return rest;
  }
  tell({ status: response.status });
  const events = eventsOf(response.body);
  const next = async () => {
    const { done, value } = await events.next();
    return { done, value: done ? undefined : JSON.parse(value) };
  };
  return noted(next, async () => {
    aborting.abort();
    return { done: true, value: undefined };
  }, tell);
}

/** A stream whose parts are noted with the time at which they came. No generator: it could not be stopped while it waits for an event. */
function noted(next, stop, tell) {
  let count = 0;
  const end = () => tell((run) => ({ took: performance.now() - run.began, hasEnded: true }));
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const step = await next();
        if (step.done) {
          end();
          return step;
        }
        const { braid, rest } = apart(step.value);
        count += 1;
        tell((run) => ({
          count,
          parts: [...run.parts, { number: count, ms: performance.now() - run.began, value: rest }].slice(-MAX_PARTS),
          ...withPart(run, braid, rest),
        }));
        return { done: false, value: rest };
      } catch (error) {
        tell({ failure: error.message, hasEnded: true });
        throw error;
      }
    },
    return() {
      end();
      return stop();
    },
  };
}
