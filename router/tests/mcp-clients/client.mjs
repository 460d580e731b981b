// Calls tools through the official client of the protocol, over HTTP and over a program that it starts, and prints what came of it. The client
// holds results against the tools' output schemas. Reads the address of the router, and the program, from standard input.
import { text } from "node:stream/consumers";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { url, braid } = JSON.parse(await text(process.stdin));

const transports = {
  http: () => new StreamableHTTPClientTransport(new URL(url)),
  stdio: () => new StdioClientTransport({ command: braid, args: ["mcp", "--url", url], stderr: "inherit" }),
};

async function run(transport) {
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const call = (name, args = {}) => client.callTool({ name, arguments: args });
  const said = (result) => result.content[0].text;
  const got = {
    server: client.getServerVersion().name,
    tools: tools.map((tool) => tool.name),
    me: (await call("Me", { x: 1 })).structuredContent,
    rename: await call("Rename", { name: "B" }),
    found: said(await call("search", { query: "total of orders" })),
    described: said(await call("introspect", { name: "User" })),
    executed: (await call("execute", { query: "{ me { id } }" })).structuredContent,
    planned: (await call("execute", { query: "{ me { id } }", dry_run: true })).structuredContent,
    invalid: (await call("execute", { query: "{ nothing }" })).structuredContent.errors[0].extensions.code,
    unknown: await call("Nothing").then(() => 0, (error) => error.code),
  };
  await client.close();
  return got;
}

const ran = {};
for (const [name, transport] of Object.entries(transports)) {
  ran[name] = await run(transport());
}
console.log(JSON.stringify(ran));
