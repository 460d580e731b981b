// The page of a router that was built without GraphiQL: asks, shows the answer and the plan, completes, and documents the schema.
import { startCompletion } from "./completion.js";
import { describe } from "./docs.js";
import { colour, hook, node } from "./dom.js";
import { details, followProblems, headline } from "./problems.js";
import { INTROSPECTION, createSchema } from "./schema.js";
import { startTabs } from "./tabs.js";
import { jsonTokens } from "./tokens.js";

const pretty = (value) => JSON.stringify(value, null, 2);
let settings = { endpoint: "/graphql", plan: false };
let schema = null;
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

/** Runs what is in the editor; with `expose` dry-run, it is only planned. */
async function run(expose = "plan, timings") {
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
      headers: { ...headers, "content-type": "application/json", "braid-expose": expose },
      body: JSON.stringify({ query: hook("query").value, variables: object("variables") }),
    });
    if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
      await showEvents(response, aborting);
      return;
    }
    const answer = await response.json();
    const inside = takeInside(answer);
    colour(hook("result"), jsonTokens(inside?.dryRun ? "The operation was only planned." : pretty(answer)));
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

/** Takes what the router says for this page out of an answer, a part of one, or an event. That events may be missing is for everybody. */
function takeInside(answer) {
  const { gap, ...inside } = answer.extensions?.braid ?? {};
  if (Object.keys(inside).length === 0) return null;
  if (gap) answer.extensions.braid = { gap };
  else delete answer.extensions.braid;
  if (Object.keys(answer.extensions).length === 0) delete answer.extensions;
  return inside;
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
        const inside = takeInside(answer);
        if (inside?.plan) hook("plan").textContent = inside.plan;
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

async function loadSchema() {
  try {
    const response = await fetch(settings.endpoint, {
      method: "POST",
      headers: { accept: "application/json", ...object("headers"), "content-type": "application/json" },
      body: JSON.stringify({ query: INTROSPECTION }),
    });
    const { data, errors } = await response.json();
    if (!data) throw new Error(errors?.[0]?.message ?? "The router gives no schema.");
    schema = createSchema(data);
    document.body.dataset.schema = "true";
    describe(schema, null);
  } catch (error) {
    hook("docs").replaceChildren(node("p", `There is no documentation: ${error.message}`));
  }
}

function showDocs() {
  const docs = hook("docs");
  docs.hidden = !docs.hidden;
  hook("show-docs").setAttribute("aria-expanded", String(!docs.hidden));
  if (!docs.hidden && !schema) loadSchema();
}

function showProblem(problem) {
  hook("problems").hidden = !problem;
  hook("problems-line").textContent = problem ? headline(problem) : "";
  hook("problems-text").textContent = problem ? details(problem) : "";
}

async function start() {
  settings = await (await fetch("/playground/config.json?page=" + encodeURIComponent(location.pathname))).json();
  document.title = settings.title;
  hook("title").textContent = settings.title;
  const examples = settings.queries.length > 0 ? settings.queries : [{ title: "Query", query: "{ __typename }" }];
  startTabs(examples);
  startCompletion(() => schema);
  const editor = hook("query");
  editor.addEventListener("scroll", () => Object.assign(hook("colours"), { scrollTop: editor.scrollTop, scrollLeft: editor.scrollLeft }));
  hook("run").addEventListener("click", () => run());
  hook("plan-now").hidden = !settings.plan;
  hook("plan-now").addEventListener("click", () => run("plan, dry-run"));
  hook("show-docs").addEventListener("click", showDocs);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  document.body.dataset.ready = "true";
  loadSchema();
  if (settings.schemaTools) {
    followProblems(({ problem, isNew }) => {
      showProblem(problem);
      if (isNew) loadSchema();
    });
  }
}

start();
