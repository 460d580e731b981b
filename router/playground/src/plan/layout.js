// Where the fetches of a plan are drawn: a column for each stage, or a row for each where there are more than fit. Knows no page.

const NODE = { height: 104, widest: 264, narrowest: 168 };
const GAP = { across: 44, along: 18 };

/** Places for fetches within this width: `{ nodes, edges, width, height, isDown }`. */
export function layout(fetches, width) {
  const stages = inStages(fetches);
  const across = (width - GAP.across * (stages.length - 1)) / Math.max(stages.length, 1);
  return across >= NODE.narrowest ? toTheRight(stages, Math.min(across, NODE.widest)) : downwards(stages, width);
}

function toTheRight(stages, nodeWidth) {
  const tallest = Math.max(0, ...stages.map((stage) => stage.length));
  const height = Math.max(0, tallest * (NODE.height + GAP.along) - GAP.along);
  const nodes = stages.flatMap((stage, column) => {
    const top = (height - (stage.length * (NODE.height + GAP.along) - GAP.along)) / 2;
    return stage.map((fetch, row) => node(fetch, column * (nodeWidth + GAP.across), top + row * (NODE.height + GAP.along), nodeWidth));
  });
  const width = Math.max(0, stages.length * (nodeWidth + GAP.across) - GAP.across);
  return { nodes, edges: edges(stages.flat(), nodes, right), width, height, isDown: false };
}

function downwards(stages, width) {
  const most = Math.max(1, Math.floor((width + GAP.along) / (NODE.narrowest + GAP.along)));
  const nodes = [];
  let top = 0;
  for (const stage of stages) {
    for (let at = 0; at < stage.length; at += most) {
      const row = stage.slice(at, at + most);
      // On a narrow page, what is alone takes the whole width.
      const widest = Math.max(NODE.widest, Math.min(width, 420));
      const nodeWidth = Math.min(widest, (width - GAP.along * (row.length - 1)) / row.length);
      row.forEach((fetch, place) => nodes.push(node(fetch, place * (nodeWidth + GAP.along), top, nodeWidth)));
      top += NODE.height + GAP.along;
    }
    top += GAP.across - GAP.along;
  }
  return { nodes, edges: edges(stages.flat(), nodes, down), width, height: Math.max(0, top - GAP.across), isDown: true };
}

function node(fetch, x, y, width) {
  return { id: fetch.id, x, y, width, height: NODE.height };
}

/** The fetches by stage, each stage ordered by the mean place of what its fetches wait for. */
function inStages(fetches) {
  const stages = [];
  for (const fetch of fetches) (stages[fetch.stage - 1] ??= []).push(fetch);
  const place = new Map();
  return stages.map((stage) => {
    const mean = ({ after }) => after.reduce((sum, id) => sum + (place.get(id) ?? 0), 0) / Math.max(after.length, 1);
    const ordered = stage.map((fetch) => [fetch, mean(fetch)]).sort((a, b) => a[1] - b[1]).map(([fetch]) => fetch);
    ordered.forEach((fetch, index) => place.set(fetch.id, index / ordered.length));
    return ordered;
  });
}

function edges(fetches, nodes, draw) {
  const at = new Map(nodes.map((node) => [node.id, node]));
  return directEdges(fetches).map(([from, to]) => ({ from, to, line: draw(at.get(from), at.get(to)) }));
}

/** Whom each fetch waits for, without those that others of these wait for already. */
export function directEdges(fetches) {
  const after = new Map(fetches.map((fetch) => [fetch.id, fetch.after]));
  const reaches = (from, to, seen = new Set()) =>
    (after.get(from) ?? []).some((id) => id === to || (!seen.has(id) && seen.add(id) && reaches(id, to, seen)));
  return fetches.flatMap(({ id, after }) =>
    after.filter((before) => !after.some((other) => other !== before && reaches(other, before))).map((before) => [before, id]),
  );
}

function right(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const bend = Math.max(20, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function down(from, to) {
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y];
  const bend = Math.max(12, (y2 - y1) / 2);
  return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
}
