// Apollo Server over Node's own server.
import { ApolloServer, HeaderMap } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { context, schema } from "./schema.mjs";

export async function answer(server, plugins) {
  const apollo = new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTraceDisabled(), ...plugins], stopOnTerminationSignals: false });
  await apollo.start();
  server.on("request", async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: new HeaderMap(Object.entries(request.headers)),
        search: "",
        body: text && JSON.parse(text),
      },
      context: async () => context(request),
    });
    response.writeHead(status ?? 200, Object.fromEntries(headers));
    if (body.kind === "complete") {
      response.end(body.string);
      return;
    }
    for await (const chunk of body.asyncIterator) {
      response.write(chunk);
    }
    response.end();
  });
}
