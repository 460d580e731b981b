// The form that signs the page's user in, as router.yaml says, and who is signed in.
import { useRef, useState } from "react";

import { signIn, signOut, signedIn, withSession } from "./query/session.js";
import { useStore } from "./shared/use-store.js";
import { messages, valueAt } from "./sign-in-answer.js";

export function SignIn({ config, endpoint }) {
  const { session } = useStore(signedIn);
  const dialog = useRef(null);
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  if (session) {
    return (
      <span className="session" data-hook="session">
        <span className="quiet">{session.user ?? "signed in"}</span>
        <button type="button" onClick={signOut}>
          Sign out
        </button>
      </span>
    );
  }
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure("");
    const variables = Object.fromEntries(new FormData(event.target));
    try {
      signIn(await ask(config, endpoint, variables));
      dialog.current.close();
    } catch (error) {
      setFailure(error.message);
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" onClick={() => dialog.current.showModal()} data-hook="sign-in">
        Sign in
      </button>
      <dialog ref={dialog} aria-label="Sign in" className="sign-in">
        <form onSubmit={submit}>
          <h2>Sign in</h2>
          {config.fields.map(({ variable, label, secret }, index) => (
            <label key={variable}>
              {label}
              <input name={variable} type={secret ? "password" : "text"} autoComplete={secret ? "current-password" : "username"} required autoFocus={index === 0} />
            </label>
          ))}
          <p role="alert" className="bad">
            {failure}
          </p>
          <p className="quiet">Requests of this tab then have the header {config.header}, unless the editor has one.</p>
          <div className="buttons">
            <button type="button" onClick={() => dialog.current.close()}>
              Cancel
            </button>
            <button type="submit" className="primary" disabled={isBusy}>
              Sign in
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}

/** Sends the mutation. The session, or an error with what the answer says. */
async function ask(config, endpoint, variables) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { ...withSession({}), accept: "application/graphql-response+json, application/json;q=0.9", "content-type": "application/json" },
    body: JSON.stringify({ query: config.mutation, variables }),
  });
  const answer = await response.json();
  const token = valueAt(answer, config.token);
  if (typeof token !== "string") throw new Error(messages(answer).join(" ") || `The answer has no token at ${config.token}.`);
  return { user: config.user ? valueAt(answer, config.user) : null, headers: { [config.header]: `${config.prefix}${token}` } };
}
