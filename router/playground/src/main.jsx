// Begins the page: what the router says of itself, then the frame with its views. Knows no schema.
import "./page.css";

import { createRoot } from "react-dom/client";

import { inside } from "./inside.js";

async function start() {
  const shell = import("./shell.jsx");
  const settings = await (await fetch("/playground/config.json?page=" + encodeURIComponent(location.pathname))).json();
  document.title = settings.title;
  inside.set({ settings });
  const { Shell } = await shell;
  createRoot(document.getElementById("playground")).render(<Shell settings={settings} />);
  document.body.dataset.ready = "true";
  const codes = await (await fetch("/playground/errors.json")).json();
  inside.set({ codes });
}

start().catch((error) => {
  const notice = document.createElement("p");
  notice.setAttribute("role", "alert");
  notice.textContent = `The page can't start: ${error.message}`;
  document.getElementById("playground").replaceChildren(notice);
});
