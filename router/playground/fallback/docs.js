// The documentation of the schema, type by type.
import { hook, node } from "./dom.js";
import { innerName, written } from "./schema.js";

/** Shows a type, or the root types. */
export function describe(schema, name) {
  const link = (text, to) => {
    const button = node("button", text, { type: "button", className: "link" });
    button.addEventListener("click", () => describe(schema, to));
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
