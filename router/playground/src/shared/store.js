// A value that parts of the page share, and who is told when it changes. Knows nothing of what the value is.

/** A store that begins with `value`, an object. */
export function createStore(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(changes) {
      value = { ...value, ...changes };
      listeners.forEach((listener) => listener());
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
