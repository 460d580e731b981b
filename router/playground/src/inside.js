// What the page knows beside the editors: the router's settings, the advice for its errors, and the last run with its plan.
import { createStore } from "./shared/store.js";

/**
 * - `settings`: /playground/config.json
 * - `codes`: cause and advice for each code of an error
 * - `run`: the last operation that was run or planned, or null
 * - `view`: the view that is shown
 * - `selected`: the number of the fetch that is looked at, or null
 * - `error`: the number of the error that is looked at, or null
 * - `problem`: why the router's newest schema can't be used, or null
 * - `version`: how many schemas were served since the page was opened
 */
export const inside = createStore({ settings: {}, codes: {}, run: null, view: "query", selected: null, error: null, problem: null, version: 0 });

/** Begins to show another run. Returns how to add to what is known of it, which has no effect once there is a newer one. */
export function begin(run) {
  const own = { ...run, at: Date.now(), began: performance.now(), parts: [] };
  inside.set({ run: own, selected: null, error: null });
  let current = own;
  return (changes) => {
    if (inside.get().run !== current) return;
    current = { ...current, ...(typeof changes === "function" ? changes(current) : changes) };
    inside.set({ run: current });
  };
}

/** Looks at a fetch of the last run. */
export function look(selected) {
  inside.set({ view: "plan", selected, error: null });
}

/** Looks at an error of the last run. */
export function explain(error) {
  inside.set({ view: "plan", error, selected: null });
}
