// The axis of the waterfall. Knows no page.

/** Ticks from 0 to the end, at 1, 2 or 5 times a power of ten, so that there are few. */
export function ticks(end, most = 5) {
  if (!(end > 0)) return [0];
  const rough = end / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
  const count = Math.floor(end / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}

/** The bars of each fetch, one for each time that it was made, in percent of the whole time. One that took almost no time can still be seen. */
export function bars(fetches) {
  const end = Math.max(0.001, ...fetches.flatMap(({ timings }) => timings.map(({ startMs, tookMs }) => startMs + tookMs)));
  const percent = (ms) => (100 * ms) / end;
  return {
    end,
    ticks: ticks(end).map((ms) => ({ ms, left: percent(ms) })),
    bars: new Map(
      fetches
        .filter(({ timings }) => timings.length > 0)
        .map(({ id, timings }) => [
          id,
          timings.map(({ startMs, tookMs, failure }) => ({ left: Math.min(percent(startMs), 99.4), width: Math.max(percent(tookMs), 0.6), hasFailed: failure != null })),
        ]),
    ),
  };
}
