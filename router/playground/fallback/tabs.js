// The queries in tabs, which outlive a reload. Headers can have secrets, so they are kept for as long as the tab of the browser.
import { colour, hook, node } from "./dom.js";
import { graphqlTokens } from "./tokens.js";

const STORED = "braid:small-page";
const PARTS = ["query", "variables", "headers"];
let tabs = [];
let current = 0;

/** Begins with what was left, or with these examples. */
export function startTabs(examples) {
  stored(examples);
  open(current);
  for (const name of PARTS) hook(name).addEventListener("input", () => edited(name));
  hook("add").addEventListener("click", () => {
    tabs.push({ query: "" });
    open(tabs.length - 1);
    hook("query").focus();
  });
  hook("remove").addEventListener("click", () => {
    tabs.splice(current, 1);
    if (tabs.length === 0) tabs.push({ query: "" });
    open(Math.min(current, tabs.length - 1));
  });
}

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
  for (const name of PARTS) hook(name).value = tabs[index][name] ?? "";
  colour(hook("colours"), graphqlTokens(`${hook("query").value}\n`));
  draw();
  store();
}

function store() {
  localStorage.setItem(STORED, JSON.stringify({ current, tabs: tabs.map(({ headers, ...tab }) => tab) }));
  sessionStorage.setItem(STORED, JSON.stringify(tabs.map(({ headers }) => headers ?? "")));
}

/** Takes up what an editor has now. */
export function edited(name) {
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
