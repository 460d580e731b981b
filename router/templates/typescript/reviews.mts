import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

const typeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query {
    latestReviews: [Review!]!
  }

  type Review {
    stars: Int!
    text: String!
    product: Product!
  }

  type Product @key(fields: "sku") {
    sku: ID!
    reviews: [Review!]!
  }
`);

/** What the router knows of a product. */
type Key = { sku: string };

const reviews = [
  { sku: "LAMP", stars: 5, text: "Bright enough to read by." },
  { sku: "MUG", stars: 3, text: "Smaller than I thought." },
];

const resolvers = {
  Query: {
    latestReviews: () => reviews,
  },
  Review: {
    product: ({ sku }: Key) => ({ sku }),
  },
  Product: {
    // The router sends the key of a product that another subgraph has found.
    __resolveReference: ({ sku }: Key) => ({ sku }),
    reviews: ({ sku }: Key) => reviews.filter((review) => review.sku === sku),
  },
};

const server = new ApolloServer({ schema: buildSubgraphSchema([{ typeDefs, resolvers }]) });
const port = Number(process.env.PORT ?? 4002);
const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port } });
console.log(`reviews listens at ${url}`);
