// What the answer to a sign-in says. Knows no page.

/** The value at a path such as `data.login.token`; undefined if there is none. */
export function valueAt(answer, path) {
  return path.split(".").reduce((value, key) => value?.[key], answer);
}

/** All messages in an answer: of its errors, and those that its data has for users. */
export function messages(answer) {
  const found = [];
  const walk = (value, depth) => {
    if (depth > 12 || value === null || typeof value !== "object") return;
    if (typeof value.message === "string") found.push(value.message);
    Object.values(value).forEach((inner) => walk(inner, depth + 1));
  };
  walk(answer, 0);
  return [...new Set(found)].slice(0, 5);
}
