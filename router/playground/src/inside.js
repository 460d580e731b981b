// What the last answer said of the inside of the router: one value, and those who want to know when it changes.
let current = {};
const listeners = new Set();

export function publish(next) {
  current = next;
  listeners.forEach((listener) => listener());
}

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function snapshot() {
  return current;
}
