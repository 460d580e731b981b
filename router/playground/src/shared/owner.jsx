// A subgraph's name with its colour.

export function hue(number) {
  return `hue-${number % 8}`;
}

export function Owner({ name, hueClass }) {
  return <span className={`owner ${hueClass}`}>{name}</span>;
}
