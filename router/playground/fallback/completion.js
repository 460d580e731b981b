// The names that can be written at the caret, in a list that the keyboard drives.
import { hook, node } from "./dom.js";
import { placeAt } from "./language.js";
import { suggestions } from "./schema.js";
import { edited } from "./tabs.js";

/** Completes in the query's editor, once `schema()` has a schema. */
export function startCompletion(schema) {
  const editor = hook("query");
  editor.addEventListener("input", (event) => (/^[$\w]$/.test(event.data ?? "") ? complete(schema()) : close()));
  editor.addEventListener("keydown", (event) => key(event, schema));
  editor.addEventListener("blur", close);
}

let chosen = 0;

function complete(schema) {
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

function key(event, schema) {
  const isOpen = !hook("words").hidden;
  if (event.key === " " && event.ctrlKey) complete(schema());
  else if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const count = hook("words").children.length;
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
    mark();
  } else if (isOpen && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) take();
  else if (isOpen && event.key === "Escape") close();
  else return;
  event.preventDefault();
}
