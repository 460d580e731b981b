// A query editor without dependencies: run a request, show the answer, show the schema.
"use strict";

const at = (id) => document.getElementById(id);
const fields = ["query", "variables", "headers"];
const remembered = (id) => `${location.pathname}:${id}`;

for (const id of fields) {
  // Headers may hold a token, which must not outlive the page.
  if (id !== "headers") {
    at(id).value = sessionStorage.getItem(remembered(id)) ?? "";
    at(id).addEventListener("input", () => sessionStorage.setItem(remembered(id), at(id).value));
  }
  at(id).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
}
if (at("query").value === "") {
  at("query").value = "{\n  __schema {\n    queryType {\n      fields { name description }\n    }\n  }\n}\n";
}
at("run").addEventListener("click", run);
at("schema").addEventListener("click", showSchema);

function readJson(id) {
  const text = at(id).value.trim();
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`The ${id} are not JSON: ${error.message}`);
  }
}

async function send(query, variables, headers) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
    },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, text: await response.text() };
}

async function run() {
  at("status").textContent = "…";
  const started = performance.now();
  try {
    const answer = await send(at("query").value, readJson("variables"), readJson("headers"));
    at("result").textContent = pretty(answer.text);
    at("status").textContent = `${answer.status} in ${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    at("result").textContent = error.message;
    at("status").textContent = "not sent";
  }
}

async function showSchema() {
  try {
    const answer = await send("{ _service { sdl } }", {}, readJson("headers"));
    at("result").textContent = JSON.parse(answer.text).data._service.sdl;
    at("status").textContent = "schema";
  } catch (error) {
    at("result").textContent = error.message;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
