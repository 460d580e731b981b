// The theme that is in force: the one that was chosen in GraphiQL, which marks the body with it, or else the system's.
import { useSyncExternalStore } from "react";

const SYSTEM = window.matchMedia("(prefers-color-scheme: dark)");

/** The theme and the other one. */
export function useTheme() {
  const theme = useSyncExternalStore(subscribe, current);
  return [theme, theme === "dark" ? "light" : "dark"];
}

function current() {
  const { classList } = document.body;
  if (classList.contains("graphiql-dark")) return "dark";
  if (classList.contains("graphiql-light")) return "light";
  return SYSTEM.matches ? "dark" : "light";
}

function subscribe(listener) {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, { attributeFilter: ["class"] });
  SYSTEM.addEventListener("change", listener);
  return () => {
    observer.disconnect();
    SYSTEM.removeEventListener("change", listener);
  };
}
