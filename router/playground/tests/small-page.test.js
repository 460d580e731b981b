// Completion in the small page: what can stand at a place of a document.
import assert from "node:assert/strict";
import { test } from "node:test";

import { buildSchema, graphqlSync } from "graphql";

import { placeAt } from "../fallback/language.js";
import { INTROSPECTION, createSchema, suggestions, written } from "../fallback/schema.js";

const SDL = `
  type Query { me: User products(first: Int!, sort: Sort, inStock: Boolean): [Product!]! any: Any }
  type Mutation { add(name: String!): Product }
  type User { name: String! friends: [User!] }
  type Product { sku: ID! maker: User }
  union Any = User | Product
  enum Sort { ASC DESC }
`;
const schema = createSchema(graphqlSync({ schema: buildSchema(SDL), source: INTROSPECTION }).data);

/** What is suggested at the ▮ of a text. */
function at(text) {
  const offset = text.indexOf("▮");
  return suggestions(schema, placeAt(text.replace("▮", ""), offset)).map(({ name }) => name);
}

test("fields of the type at the place", () => {
  assert.deepEqual(at("{ ▮ }"), ["me", "products", "any", "__typename"]);
  assert.deepEqual(at("query A($a: Int!) @x(y: 1) { products(first: $a) { ▮"), ["sku", "maker", "__typename"]);
  assert.deepEqual(at("{ me { friends { ▮"), ["name", "friends", "__typename"]);
  assert.deepEqual(at('{ me { name } # { \n a: products(first: 1) { sku maker { ▮ } } }'), ["name", "friends", "__typename"]);
  assert.deepEqual(at("mutation { ▮"), ["add", "__typename"]);
  assert.deepEqual(at("fragment F on Product { ▮"), ["sku", "maker", "__typename"]);
  assert.deepEqual(at("{ any { ... on Product { ▮"), ["sku", "maker", "__typename"]);
  assert.deepEqual(at("{ any { ▮"), ["__typename", "... on User", "... on Product"]);
});

test("names that begin like the word come first", () => {
  assert.deepEqual(at("{ me { fr▮"), ["friends"]);
  assert.deepEqual(at("{ m▮"), ["me", "__typename"]);
  assert.ok(!at("{ me▮ }").includes("me"));
});

test("arguments, their values, and types", () => {
  assert.deepEqual(at("{ products(▮"), ["first: ", "sort: ", "inStock: "]);
  assert.deepEqual(at("{ products(first: 1, s▮"), ["sort: ", "first: ", "inStock: "]);
  assert.deepEqual(at("{ products(sort: ▮"), ["ASC", "DESC"]);
  assert.deepEqual(at("{ products(first: 1, inStock: t▮"), ["true"]);
  assert.deepEqual(at("query A($s: So▮"), ["Sort"]);
  assert.deepEqual(at("▮"), ["query", "mutation", "subscription", "fragment"]);
});

test("whatever is written, nothing fails", () => {
  const text = 'query A($a: [Int!]! = [1]) { b: me @include(if: true) { ...F ... on User { name } } products(first: $a, x: { y: "}" }) { sku } } fragment F on User { name }';
  for (let offset = 0; offset <= text.length; offset += 1) assert.ok(Array.isArray(suggestions(schema, placeAt(text, offset))));
  for (const broken of ["}}}{{{", ")))(((", "{ a(b: {", "on on on {", '"""']) placeAt(broken, broken.length);
});

test("types are written as in a schema", () => {
  const { types } = schema;
  assert.equal(written(types.get("Query").fields.find(({ name }) => name === "products").type), "[Product!]!");
});
