// Asks the peers of standard input's supergraphs whether they read them, and of its subgraphs whether they compose.
//
// In: { supergraphs: [sdl], compositions: [[{ name, url, sdl }]] }
// Out: { supergraphs: [{ apollo, planner, apolloApi, guild }], compositions: [{ apollo, guild }] },
// where each peer's answer is null or what it has against it.
import { text } from 'node:stream/consumers';
import { composeServices } from '@apollo/composition';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph, printSchema } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import * as guild from '@theguild/federation-composition';
import { parse } from 'graphql';

function attempt(act) {
  try {
    return { value: act(), problem: null };
  } catch (error) {
    return { value: null, problem: String(error?.message ?? error) };
  }
}

function readSupergraph(sdl) {
  const supergraph = attempt(() => {
    const supergraph = Supergraph.build(sdl, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES });
    supergraph.subgraphs();
    return supergraph;
  });
  const planner = attempt(() => new QueryPlanner(supergraph.value));
  const apolloApi = attempt(() => printSchema(supergraph.value.apiSchema()));
  const reading = attempt(() => {
    if (!guild.containsSupergraphSpec(sdl)) throw new Error('no supergraph specification is linked');
    guild.transformSupergraphToPublicSchema(parse(sdl));
  });
  return {
    apollo: supergraph.problem,
    planner: planner.problem,
    apolloApi: apolloApi.value,
    guild: reading.problem,
  };
}

function compose(subgraphs) {
  const services = () => subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
  const failure = (result) => (result.errors?.length ? result.errors.map((error) => error.message).join('\n') : null);
  const one = attempt(() => failure(composeServices(services())));
  const other = attempt(() => failure(guild.composeServices(services())));
  return { apollo: one.problem ?? one.value, guild: other.problem ?? other.value };
}

const { supergraphs, compositions } = JSON.parse(await text(process.stdin));
const answer = { supergraphs: supergraphs.map(readSupergraph), compositions: compositions.map(compose) };
process.stdout.write(JSON.stringify(answer));
