// The page of a router that was built without GraphiQL: asks, shows the answer and the plan. Knows no schema.
"use strict";

const hook = (name) => document.querySelector(`[data-hook="${name}"]`);
const pretty = (value) => JSON.stringify(value, null, 2);
let settings = { endpoint: "/graphql", plan: false };

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
  const button = hook("run");
  button.disabled = true;
  hook("status").value = "…";
  const began = performance.now();
  try {
    const headers = { accept: "application/graphql-response+json, application/json;q=0.9", ...object("headers") };
    const response = await fetch(settings.endpoint, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "braid-expose": "plan, timings" },
      body: JSON.stringify({ query: hook("query").value, variables: object("variables") }),
    });
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
