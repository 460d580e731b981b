// Numbers as people read them.

/** `0.4 ms`, `12 ms`, `1.25 s`. */
export function millis(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** `312 B`, `4.2 KB`. */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} KB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** `1 fetch`, `3 fetches`. */
export function count(number, noun) {
  const plural = /(ch|s|x)$/.test(noun) ? `${noun}es` : /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${number} ${number === 1 ? noun : plural}`;
}

/** `a, b and c`. */
export function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** `a, b, c and 4 more`. */
export function shortened(names, most) {
  return names.length > most + 1 ? `${names.slice(0, most).join(", ")} and ${names.length - most} more` : listed(names);
}

/** A path of an answer: `me.orders.0.total`. */
export function path(segments) {
  return (segments ?? []).join(".");
}
