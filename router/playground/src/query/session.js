// Who the page's user is signed in as. It stays in this tab of the browser: in no link, and not where other tabs could read it.
import { createStore } from "../shared/store.js";

const KEY = "braid:session";

/** `session` is `{ user, headers }`, or null. */
export const signedIn = createStore({ session: stored() });

export function signIn(session) {
  sessionStorage.setItem(KEY, JSON.stringify(session));
  signedIn.set({ session });
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  signedIn.set({ session: null });
}

/** The headers of a request: those of the editor, and those of the session where the editor has no such header. */
export function withSession(headers) {
  const own = signedIn.get().session?.headers ?? {};
  const names = new Set(Object.keys(headers ?? {}).map((name) => name.toLowerCase()));
  const added = Object.entries(own).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...Object.fromEntries(added), ...headers };
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}
