// The page of a router that was built without GraphiQL: asks, shows the answer and the plan. Knows no schema.
"use strict";

const hook = (name) => document.querySelector(`[data-hook="${name}"]`);
const pretty = (value) => JSON.stringify(value, null, 2);
let settings = { endpoint: "/graphql", plan: false };
/** Ends the subscription that runs. */
let stop = null;

/** The text of a JSON field as an object, or an error that names the field. */
function object(name) {
  const text = hook(name).value.trim();
  if (text === "") return {};
  try {
    const value = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  } catch (error) {
    throw new Error(`The ${name} are not valid JSON: ${error.message}`);
  }
  throw new Error(`The ${name} must be a JSON object.`);
}

async function run() {
  if (stop) return stop();
  const button = hook("run");
  button.disabled = true;
  hook("status").value = "…";
  const began = performance.now();
  try {
    const accept = "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.8";
    const headers = { accept, ...object("headers") };
    const aborting = new AbortController();
    const response = await fetch(settings.endpoint, {
      method: "POST",
      signal: aborting.signal,
      headers: { ...headers, "content-type": "application/json", "braid-expose": "plan, timings" },
      body: JSON.stringify({ query: hook("query").value, variables: object("variables") }),
    });
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await showEvents(response, aborting);
      return;
    }
    const answer = await response.json();
    const inside = answer.extensions?.braid;
    if (inside) delete answer.extensions;
    hook("result").textContent = pretty(answer);
    hook("plan").textContent = inside?.plan ?? missingPlan();
    hook("status").value = `${response.status} · ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    hook("result").textContent = error.message;
    hook("plan").textContent = "";
    hook("status").value = "not sent";
  } finally {
    button.disabled = false;
    document.body.dataset.answered = String(Number(document.body.dataset.answered ?? 0) + 1);
  }
}

/** Shows the events of a subscription, the newest first, until it ends or is stopped. */
async function showEvents(response, aborting) {
  const button = hook("run");
  const label = button.textContent;
  let [count, shown, rest] = [0, "", ""];
  stop = () => aborting.abort();
  button.disabled = false;
  button.textContent = "Stop";
  hook("plan").textContent = "";
  try {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value: text } = await reader.read();
      if (done) break;
      const events = (rest + text).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const lines = event.split("\n").filter((line) => line.startsWith("data: "));
        if (lines.length === 0) continue;
        const answer = JSON.parse(lines.map((line) => line.slice(6)).join("\n"));
        shown = `${pretty(answer)}\n\n${shown}`.slice(0, 100_000);
        hook("result").textContent = shown;
        hook("status").value = `${(count += 1)} events`;
      }
    }
    hook("status").value = `${count} events, ended`;
  } catch (error) {
    if (!aborting.signal.aborted) throw error;
    hook("status").value = `${count} events, stopped`;
  } finally {
    stop = null;
    button.textContent = label;
  }
}

function missingPlan() {
  return settings.plan
    ? "There is no plan: the operation was refused before it was planned."
    : "The router does not show plans. Start it with --dev, or set exposure.plan in router.yaml.";
}

function show(example, button) {
  hook("query").value = example.query;
  hook("variables").value = example.variables ?? "";
  hook("headers").value = example.headers ?? "";
  for (const other of hook("tabs").children) other.setAttribute("aria-pressed", String(other === button));
}

async function start() {
  settings = await (await fetch("/playground/config.json")).json();
  document.title = settings.title;
  hook("title").textContent = settings.title;
  const examples = settings.queries.length > 0 ? settings.queries : [{ title: "Query", query: "{ __typename }" }];
  for (const example of examples) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = example.title;
    button.addEventListener("click", () => show(example, button));
    hook("tabs").append(button);
  }
  show(examples[0], hook("tabs").firstElementChild);
  hook("run").addEventListener("click", run);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  document.body.dataset.ready = "true";
}

start();
