// A subgraph by its kind, on a port (0: any), which is printed once it listens: `node subgraph.mjs yoga 0`.
import { createServer } from "node:http";

const [, , kind, port] = process.argv;
const { listen } = await import(`./${kind}.mjs`);
const server = createServer();
await listen(server);
server.listen(Number(port), "127.0.0.1", () => console.log(server.address().port));
