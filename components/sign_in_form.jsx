/* Signing in and out. Both go to the API, which alone sets and clears the HttpOnly cookie, and both end in a full page
 * load, because the event socket shows its cookie only when it connects.
 */

import React, { useEffect, useId, useRef, useState } from "react";
import { ownPath } from "./own_path.js";
import { inWords as problemInWords } from "./sign_in_problems.js";

const SLOW_ANSWER_MS = 15000;
const BARE = { outline: "none", flex: 1, minWidth: 0 }; // the box around the input shows the focus

const destination = () => ownPath(new URLSearchParams(location.search).get("next"), location.origin);

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: body ? { "content-type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
    credentials: "same-origin",
    signal: AbortSignal.timeout(SLOW_ANSWER_MS),
  });
  if (answer.ok) return;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 422) throw new Error("Enter your e-mail address and your password.");
  throw new Error(problem.detail || problem.title || `The server answered with status ${answer.status}. Try again in a moment.`);
}

const inWords = (failure) =>
  failure.name === "TimeoutError" || failure instanceof TypeError ? "The server does not answer. Check the connection and try again." : failure.message;

/** What the button of single sign-on says: undefined while unknown, null where there is none. */
function useSingleSignOn(url) {
  const [label, setLabel] = useState(undefined);
  useEffect(() => {
    const left = new AbortController();
    fetch(url, { signal: AbortSignal.any([left.signal, AbortSignal.timeout(SLOW_ANSWER_MS)]) })
      .then((answer) => answer.json())
      .then((methods) => setLabel(methods.oidc?.label ?? null))
      .catch(() => left.signal.aborted || setLabel(null)); // passwords work all the same
    return () => left.abort();
  }, [url]);
  return label;
}

/** The problem that single sign-on came back with. It is taken out of the address, so that a reload does not tell it again. */
function useProblem() {
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const url = new URL(location.href);
    const code = url.searchParams.get("problem");
    if (code === null) return;
    setProblem(problemInWords(code));
    url.searchParams.delete("problem");
    history.replaceState(history.state, "", url);
  }, []);
  return [problem, () => setProblem("")];
}

/** A place in which either the button or, where there is none, `children` appear; it has the room of both from the start. */
function OtherWays({ label, startUrl, children }) {
  const shown = (visible) => ({ visibility: visible ? "visible" : "hidden" });
  return (
    <div className="ty-ways">
      <div style={shown(label === null)}>{children}</div>
      <a className="ty-button" style={shown(Boolean(label))} title={label || undefined} data-testid="sign-in-oidc"
        href={label ? `${startUrl}?${new URLSearchParams({ next: destination() })}` : undefined}>
        <span>{label || "Single sign-on"}</span>
      </a>
    </div>
  );
}

export function SignInForm({ actionUrl = "/api/v1/auth/sign-in", methodsUrl = "/api/v1/auth/methods", startUrl = "/api/v1/auth/oidc/start", children, ...rest }) {
  const id = useId();
  const password = useRef(null);
  const [error, setError] = useState("");
  const [working, setWorking] = useState(false);
  const [visible, setVisible] = useState(false);
  const [problem, forgetProblem] = useProblem();
  const label = useSingleSignOn(methodsUrl);

  const submit = async (event) => {
    event.preventDefault();
    if (working) return;
    const fields = new FormData(event.currentTarget);
    setWorking(true);
    setError("");
    forgetProblem();
    try {
      await post(actionUrl, { email: fields.get("email"), password: fields.get("password") });
      location.replace(destination()); // the button stays busy until the next page is there
    } catch (failure) {
      setError(inWords(failure));
      setWorking(false);
      password.current?.select();
    }
  };

  return (
    <form {...rest} className="ty-sign" onSubmit={submit} noValidate method="post">
      <div role="alert" className="ty-alert-slot">
        {problem && <div className="ty-callout" data-accent-color="amber" data-testid="sign-in-problem"><div className="ty-callout-text">{problem}</div></div>}
      </div>
      <div>
        <label className="ty-field-label" htmlFor={`${id}-email`}>E-mail</label>
        <span className="ty-pass">
          <input id={`${id}-email`} name="email" type="email" size={1} autoComplete="username" autoFocus spellCheck={false} required style={BARE} data-testid="sign-in-email"
            aria-invalid={Boolean(error)} aria-describedby={`${id}-error`} onChange={() => error && setError("")} />
        </span>
      </div>
      <div>
        <label className="ty-field-label" htmlFor={`${id}-password`}>Password</label>
        <span className="ty-pass">
          <input ref={password} id={`${id}-password`} name="password" type={visible ? "text" : "password"} size={1} autoComplete="current-password" required
            style={BARE} data-testid="sign-in-password" aria-invalid={Boolean(error)} aria-describedby={`${id}-error`} onChange={() => error && setError("")} />
          <button type="button" onClick={() => setVisible((shown) => !shown)} aria-pressed={visible}>{visible ? "Hide" : "Show"}</button>
        </span>
      </div>
      <div role="alert" id={`${id}-error`} className="ty-alert-slot">
        {error && <div className="ty-callout" data-accent-color="red" data-testid="sign-in-error"><div className="ty-callout-text">{error}</div></div>}
      </div>
      <button type="submit" className="ty-button" disabled={working} data-testid="sign-in-submit">{working ? "Signing in…" : "Sign in"}</button>
      <OtherWays label={label} startUrl={startUrl}>{children}</OtherWays>
    </form>
  );
}

/** End the session and start over at the sign-in page, whatever the server says. */
export async function signOut() {
  try {
    await post("/api/v1/auth/sign-out");
  } finally {
    location.replace("/sign-in");
  }
}
