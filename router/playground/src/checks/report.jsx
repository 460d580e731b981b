// What a check found: whether the graph composes, what changes, and which known operations break.
import { count } from "../shared/format.js";

const VERDICT = { pass: "Nothing is in the way", warn: "It works, with remarks", fail: "Don't ship this" };

export function Report({ result, subgraph, goTo }) {
  if (result.failure) return <p className="notice bad">{result.failure}</p>;
  const { report } = result;
  const { composition, changes, operations, problems, plans } = report;
  const errors = [...problems, ...(composition?.errors ?? [])];
  const worst = ["breaking", "dangerous", "safe"];
  const sorted = [...changes].sort((a, b) => worst.indexOf(a.severity) - worst.indexOf(b.severity));
  return (
    <>
      <p className={`verdict ${report.verdict}`} data-hook="verdict">
        <strong>{VERDICT[report.verdict]}</strong> {numbers(report)}
      </p>
      <Group title="It does not compose" list={errors}>
        {(error) => <Diagnostic key={JSON.stringify(error)} error={error} subgraph={subgraph} goTo={goTo} />}
      </Group>
      <Group title="Operations that break" list={operations?.broken ?? []}>
        {(operation) => (
          <li key={operation.id} data-hook="broken">
            <b>{operation.id}</b> <span className="quiet">{operation.file}</span>
            {operation.errors.slice(0, 3).map((error, index) => (
              <div key={index}>{error.message}</div>
            ))}
          </li>
        )}
      </Group>
      <Group title="Changes" list={sorted.slice(0, 300)}>
        {(change) => (
          <li key={change.id}>
            <span className={`tag ${change.severity}`}>{change.severity}</span> {change.message} <Place of={change} subgraph={subgraph} goTo={goTo} />
            <div className="quiet">{change.reason}</div>
          </li>
        )}
      </Group>
      <Group title="Plans that change" list={plans}>
        {(plan) => (
          <li key={plan.operation ?? plan.id}>
            <b>{plan.operation ?? plan.id}</b>{" "}
            <span className="quiet">
              {count(plan.before?.fetches ?? 0, "fetch")} before, {plan.after?.fetches ?? 0} after
            </span>
          </li>
        )}
      </Group>
      <Group title="Remarks" list={[...(composition?.hints ?? []), ...report.warnings, ...report.lint]}>
        {(hint) => <Diagnostic key={JSON.stringify(hint)} error={hint} subgraph={subgraph} goTo={goTo} />}
      </Group>
    </>
  );
}

function numbers({ composition, changes, operations, summary }) {
  if (composition && !composition.ok) return `${count(composition.errors.length, "problem")} of composition.`;
  const parts = [count(changes.length, "change"), `${summary.breaking} breaking`, `${summary.dangerous} dangerous`];
  if (operations) parts.push(`${operations.broken.length} of ${count(operations.total, "known operation")} break`);
  return `${parts.join(", ")}.`;
}

function Group({ title, list, children }) {
  if (!list?.length) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul className="plain findings">{list.map(children)}</ul>
    </>
  );
}

function Diagnostic({ error, subgraph, goTo }) {
  return (
    <li data-hook="diagnostic">
      <code>{error.code ?? error.rule}</code> {error.message} <Place of={error} subgraph={subgraph} goTo={goTo} />
      {error.help ? <div className="quiet">{error.help}</div> : null}
    </li>
  );
}

/** A link to the line of the schema that is edited; for other schemas, where it is. */
function Place({ of, subgraph, goTo }) {
  const place = (of.locations ?? (of.location ? [of.location] : [])).find(({ side }) => side !== "old");
  if (!place) return null;
  if (place.subgraph !== subgraph) return <span className="quiet">{`${place.subgraph ?? place.file}, line ${place.line}`}</span>;
  return (
    <button type="button" className="link" onClick={() => goTo(place.line)}>
      line {place.line}
    </button>
  );
}
