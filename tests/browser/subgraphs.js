// Subgraphs of a test, in this process: each is a schema and a function that answers.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts `{ name: { sdl, answer } }`; `answer` gets the request's body and gives `{ status, body }` or a body. */
export async function startSubgraphs(all) {
  const folder = await mkdtemp(join(tmpdir(), "braid-"));
  const servers = [];
  const asked = [];
  const described = {};
  for (const [name, { sdl, answer }] of Object.entries(all)) {
    const server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      request.on("end", () => {
        asked.push(name);
        const { status = 200, body } = answer(JSON.parse(text));
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    const file = join(folder, `${name}.graphql`);
    await writeFile(file, sdl);
    described[name] = { routing_url: `http://127.0.0.1:${server.address().port}/graphql`, schema: { file } };
  }
  return {
    described,
    asked,
    async stop() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
