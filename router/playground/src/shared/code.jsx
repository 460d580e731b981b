// Code that is read and not edited.
import { graphqlTokens, jsonTokens } from "../../fallback/tokens.js";

/** More is not highlighted, and still more is cut off: a page can't show it. */
const MAX_HIGHLIGHTED = 60_000;
const MAX_SHOWN = 400_000;

export function Code({ text, language, label }) {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\n… ${text.length - MAX_SHOWN} more characters` : text;
  const tokens = language === "json" ? jsonTokens : graphqlTokens;
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={label}>
      {shown.length > MAX_HIGHLIGHTED ? shown : <Tokens tokens={tokens(shown)} />}
    </pre>
  );
}

export function Tokens({ tokens }) {
  return tokens.map(({ text, kind }, index) =>
    kind ? (
      <span key={index} className={`token-${kind}`}>
        {text}
      </span>
    ) : (
      text
    ),
  );
}

export function Json({ value, label }) {
  return <Code text={typeof value === "string" ? value : JSON.stringify(value, null, 2)} language="json" label={label} />;
}
