// Elements of the small page.

export const hook = (name) => document.querySelector(`[data-hook="${name}"]`);

/** Text in its colours. */
export function colour(element, tokens) {
  const parts = tokens.map(({ text, kind }) => (kind ? node("span", text, { className: `token-${kind}` }) : text));
  element.replaceChildren(...parts);
}

export function node(name, content, properties = {}) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...[content].flat());
  return element;
}
