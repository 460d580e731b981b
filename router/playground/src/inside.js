// What is known of the inside of the router: whether it shows plans, and the plan and timings of the last answer.
let current = {};
const listeners = new Set();

/** Adds to what is known. */
export function publish(news) {
  current = { ...current, ...news };
  listeners.forEach((listener) => listener());
}

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function snapshot() {
  return current;
}
