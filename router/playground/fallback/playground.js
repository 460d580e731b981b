// The page of a router that was built without GraphiQL: asks, shows the answer and the plan, completes, and documents the schema.
import { placeAt } from "./language.js";
import { INTROSPECTION, createSchema, innerName, suggestions, written } from "./schema.js";
import { graphqlTokens, jsonTokens } from "./tokens.js";

const hook = (name) => document.querySelector(`[data-hook="${name}"]`);
const pretty = (value) => JSON.stringify(value, null, 2);
const STORED = "braid:small-page";
let settings = { endpoint: "/graphql", plan: false };
let schema = null;
let tabs = [];
let current = 0;
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
    const inside = answer.extensions?.braid;
    if (inside) {
      delete answer.extensions.braid;
      if (Object.keys(answer.extensions).length === 0) delete answer.extensions;
    }
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

/** Text in its colours. */
function colour(element, tokens) {
  const parts = tokens.map(({ text, kind }) => (kind ? node("span", text, { className: `token-${kind}` }) : text));
  element.replaceChildren(...parts);
}

function node(name, content, properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...[content].flat());
  return element;
}

// Tabs.

function draw() {
  const buttons = tabs.map((tab, index) => {
    const name = tab.title ?? tab.query.match(/(?:query|mutation|subscription)\s+(\w+)/)?.[1] ?? "Query";
    const button = node("button", name, { type: "button" });
    button.setAttribute("aria-pressed", String(index === current));
    button.addEventListener("click", () => open(index));
    return button;
  });
  hook("tabs").replaceChildren(...buttons);
}

function open(index) {
  current = index;
  for (const name of ["query", "variables", "headers"]) hook(name).value = tabs[index][name] ?? "";
  colour(hook("colours"), graphqlTokens(`${hook("query").value}\n`));
  draw();
  store();
}

/** Headers can have secrets, so they are kept for as long as the tab of the browser. */
function store() {
  localStorage.setItem(STORED, JSON.stringify({ current, tabs: tabs.map(({ headers, ...tab }) => tab) }));
  sessionStorage.setItem(STORED, JSON.stringify(tabs.map(({ headers }) => headers ?? "")));
}

function edited(name) {
  tabs[current] = { ...tabs[current], [name]: hook(name).value };
  if (name === "query") colour(hook("colours"), graphqlTokens(`${hook("query").value}\n`));
  store();
}

function stored(examples) {
  try {
    const { current: at, tabs: kept } = JSON.parse(localStorage.getItem(STORED));
    const headers = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    if (!Array.isArray(kept) || kept.length === 0) throw new Error("nothing is stored");
    tabs = kept.map((tab, index) => ({ ...tab, headers: headers[index] ?? examples.find(({ title }) => title === tab.title)?.headers ?? "" }));
    current = Math.min(Math.max(at, 0), tabs.length - 1);
  } catch {
    tabs = examples.map((example) => ({ ...example }));
  }
}

// Completion.

let chosen = 0;

function complete() {
  const editor = hook("query");
  const list = schema ? suggestions(schema, placeAt(editor.value, editor.selectionStart)) : [];
  chosen = 0;
  const items = list.map(({ name, detail }, index) => {
    const item = node("li", [node("b", name), " ", node("small", detail)], { id: `word-${index}` });
    item.setAttribute("role", "option");
    item.dataset.word = name;
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      chosen = index;
      take();
    });
    return item;
  });
  hook("words").replaceChildren(...items);
  hook("words").hidden = items.length === 0;
  mark();
}

function mark() {
  const items = [...hook("words").children];
  items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
  items[chosen]?.scrollIntoView({ block: "nearest" });
  if (items[chosen]) hook("query").setAttribute("aria-activedescendant", items[chosen].id);
  else hook("query").removeAttribute("aria-activedescendant");
}

function take() {
  const editor = hook("query");
  const word = hook("words").children[chosen]?.dataset.word;
  close();
  if (!word) return;
  const before = editor.value.slice(0, editor.selectionStart).match(/[$\w]*$/)[0];
  editor.setRangeText(word, editor.selectionStart - before.length, editor.selectionEnd, "end");
  edited("query");
}

function close() {
  hook("words").hidden = true;
  hook("query").removeAttribute("aria-activedescendant");
}

function key(event) {
  const isOpen = !hook("words").hidden;
  if (event.key === " " && event.ctrlKey) complete();
  else if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const count = hook("words").children.length;
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
    mark();
  } else if (isOpen && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) take();
  else if (isOpen && event.key === "Escape") close();
  else return;
  event.preventDefault();
}

// Documentation.

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
    describe(null);
  } catch (error) {
    hook("docs").replaceChildren(node("p", `There is no documentation: ${error.message}`));
  }
}

/** Shows a type, or the root types. */
function describe(name) {
  const link = (text, to) => {
    const button = node("button", text, { type: "button", className: "link" });
    button.addEventListener("click", () => describe(to));
    return button;
  };
  const typed = (type) => (schema.types.has(innerName(type)) ? link(written(type), innerName(type)) : written(type));
  const said = (text) => (text ? [node("p", text)] : []);
  const type = schema.types.get(name);
  if (!type) {
    const roots = Object.values(schema.roots).filter(Boolean);
    hook("docs").replaceChildren(node("h2", "Schema"), node("ul", roots.map((root) => node("li", link(root.name, root.name)))));
    return;
  }
  const inputs = (list) => list.flatMap((input, index) => [index > 0 ? ", " : "", `${input.name}: `, typed(input.type)]);
  const lines = [
    ...(type.fields ?? []).map((field) => node("li", [node("b", field.name), ...(field.args.length > 0 ? ["(", ...inputs(field.args), ")"] : []), ": ", typed(field.type), ...said(field.description)])),
    ...(type.inputFields ?? []).map((field) => node("li", [node("b", field.name), ": ", typed(field.type), ...said(field.description)])),
    ...(type.enumValues ?? []).map((value) => node("li", [node("b", value.name), ...said(value.description)])),
    ...(type.possibleTypes ?? []).map((possible) => node("li", link(possible.name, possible.name))),
  ];
  hook("docs").replaceChildren(link("Schema", null), node("h2", type.name), ...said(type.description), node("ul", lines));
  hook("docs").scrollTop = 0;
}

function showDocs() {
  const docs = hook("docs");
  docs.hidden = !docs.hidden;
  hook("show-docs").setAttribute("aria-expanded", String(!docs.hidden));
  if (!docs.hidden && !schema) loadSchema();
}

async function start() {
  settings = await (await fetch("/playground/config.json")).json();
  document.title = settings.title;
  hook("title").textContent = settings.title;
  const examples = settings.queries.length > 0 ? settings.queries : [{ title: "Query", query: "{ __typename }" }];
  stored(examples);
  open(current);
  for (const name of ["query", "variables", "headers"]) hook(name).addEventListener("input", () => edited(name));
  const editor = hook("query");
  editor.addEventListener("input", (event) => (/^[$\w]$/.test(event.data ?? "") ? complete() : close()));
  editor.addEventListener("keydown", key);
  editor.addEventListener("blur", close);
  editor.addEventListener("scroll", () => Object.assign(hook("colours"), { scrollTop: editor.scrollTop, scrollLeft: editor.scrollLeft }));
  hook("run").addEventListener("click", () => run());
  hook("plan-now").hidden = !settings.plan;
  hook("plan-now").addEventListener("click", () => run("plan, dry-run"));
  hook("show-docs").addEventListener("click", showDocs);
  hook("add").addEventListener("click", () => {
    tabs.push({ query: "" });
    open(tabs.length - 1);
    editor.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  document.body.dataset.ready = "true";
  loadSchema();
}

start();
