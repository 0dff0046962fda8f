/* The form of the approval signer. Key file and passphrase never leave it; only {keyid, signature} does.
 * What it says about the list is read from the bytes to be signed (sign_payload.js), never from the page.
 */

import React, { useEffect, useId, useMemo, useState } from "react";
import { environmentProblem, readKeyFile, signWithFile } from "./sign_key.js";
import { Refusal, differences, readPayload, remember, remembered } from "./sign_payload.js";

function useProposal(payloadBase64, target) {
  const [memory, setMemory] = useState(null); // read after mounting: the prerendered page has no storage
  useEffect(() => setMemory(remembered(localStorage)), [payloadBase64]);
  return useMemo(() => {
    if (!payloadBase64 || !memory) return { proposal: null, changes: null, problem: "" };
    try {
      const proposal = readPayload(payloadBase64, target);
      return { proposal, changes: differences(proposal, memory), problem: "" };
    } catch (error) {
      return { proposal: null, changes: null, problem: error.message };
    }
  }, [payloadBase64, target, memory]);
}

function Facts({ proposal }) {
  const { entry } = proposal;
  const custom = entry?.custom ?? {};
  const rows = [
    ["Bundle", entry && <code>{entry.path}</code>],
    ["sha256", entry && <code className="ty-wrap">{entry.sha256}</code>],
    ["Size", entry && `${entry.length.toLocaleString("en")} bytes`],
    ["For", entry && (custom.organization_id == null ? "every organization" : `organization ${custom.organization_id}`)],
    ["Edge server", custom.min_edge_version && `${custom.min_edge_version} or later`],
    ["List", `version ${proposal.version}, valid until ${String(proposal.expires).slice(0, 10)}`],
  ].filter(([, value]) => value);
  return (
    <dl className="ty-facts ty-sign-facts" aria-label="Read from the bytes to be signed">
      {rows.map(([label, value]) => <div className="ty-fact" key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function Entries({ title, entries }) {
  if (!entries.length) return null;
  return (
    <div className="ty-sign-entries">
      <b>{title}</b>
      <ul>{entries.map((entry) => (
        <li key={entry.path ?? entry}><code>{entry.path ?? entry}</code>{entry.sha256 && <code className="ty-muted" title={entry.sha256}>{entry.sha256.slice(0, 12)}…</code>}</li>
      ))}</ul>
    </div>
  );
}

/** The rest of the list: silent when this browser knows it, a question when it does not. */
function Others({ proposal, changes, confirmed, onConfirm }) {
  if (!proposal.others.length && !changes.any) return null;
  if (!changes.any) {
    return (
      <details className="ty-sign-more">
        <summary>{proposal.others.length} other {proposal.others.length === 1 ? "version stays" : "versions stay"} approved, unchanged</summary>
        <Entries title="" entries={proposal.others} />
      </details>
    );
  }
  return (
    <div className="ty-callout is-quiet" data-accent-color="amber" data-testid="sign-others">
      <div className="ty-callout-text">
        {changes.older > 0 && <p>This browser signed version {changes.older} of the list before, and the server now offers version {proposal.version}. Unless the server was set up anew, it shows an old state: do not sign.</p>}
        <Entries title="CHANGED content under an approved version" entries={changes.changed} />
        <Entries title="Also in this list, not yet seen in this browser" entries={changes.unknown} />
        <Entries title="No longer approved" entries={changes.gone} />
        <label className="ty-check">
          <input type="checkbox" checked={confirmed} onChange={(event) => onConfirm(event.target.checked)} data-testid="sign-confirm-others" />
          I have checked this; my signature covers all of it
        </label>
      </div>
    </div>
  );
}

function KeyFileField({ id, file, disabled, onChoose }) {
  return (
    <label className="ty-file" htmlFor={id} data-chosen={file ? "yes" : "no"}>
      <span className="ty-field-label">Your key file</span>
      <input id={id} type="file" className="ty-hidden" disabled={disabled} data-testid="sign-key-file"
        onChange={(event) => onChoose(event.target.files?.[0] ?? null)} />
      <span className="ty-file-box">
        <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true"><circle cx="5" cy="11" r="2.8" /><path d="M7 9l6.5-6.5M11 5l2 2M9.2 6.8l1.3 1.3" /></svg>
        <span className="ty-file-name">{file ? file.name : "Choose a key file"}</span>
        <span className="ty-file-action" aria-hidden="true">{file ? "Change" : "Browse"}</span>
      </span>
    </label>
  );
}

function PassphraseField({ id, value, disabled, invalid, errorId, onChange }) {
  const [visible, setVisible] = useState(false);
  return (
    <div>
      <label className="ty-field-label" htmlFor={id}>Passphrase</label>
      <span className="ty-pass">
        <input id={id} type={visible ? "text" : "password"} value={value} autoComplete="off" spellCheck={false} disabled={disabled}
          data-testid="sign-passphrase" onChange={(event) => onChange(event.target.value)} aria-invalid={invalid} aria-describedby={errorId} />
        <button type="button" onClick={() => setVisible((shown) => !shown)} aria-pressed={visible}>{visible ? "Hide" : "Show"}</button>
      </span>
    </div>
  );
}

export function SignApproval({
  payloadBase64 = "", summary = "", target = "", disabled = false, submitLabel = "Sign approval", onSigned, onCancel, ...rest
}) {
  const id = useId();
  const [file, setFile] = useState(null);
  const [passphrase, setPassphrase] = useState("");
  const [confirmed, setConfirmed] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState("");
  const [environment, setEnvironment] = useState("");
  const { proposal, changes, problem } = useProposal(payloadBase64, target);
  useEffect(() => setEnvironment(environmentProblem(window)), []);
  useEffect(() => { setConfirmed(false); setError(""); }, [payloadBase64]);

  const refusal = environment || problem;
  const ready = file && passphrase && proposal && (!changes.any || confirmed) && !disabled && !working && !refusal;
  const submit = async (event) => {
    event.preventDefault();
    if (!ready) return;
    setWorking(true);
    setError("");
    try {
      const [jose, text] = await Promise.all([import("jose"), readKeyFile(file)]);
      const signed = await signWithFile(jose, { text, name: file.name, passphrase, bytes: proposal.bytes });
      remember(localStorage, proposal);
      onSigned?.(signed);
    } catch (failure) {
      setError(failure instanceof Refusal ? failure.message : `The browser could not sign: ${failure.message}`);
    } finally {
      setPassphrase("");
      setWorking(false);
    }
  };

  return (
    <form {...rest} className="ty-sign" onSubmit={submit} aria-describedby={`${id}-summary`}>
      <p id={`${id}-summary`} className="ty-sign-summary">{summary}</p>
      {proposal && <Facts proposal={proposal} />}
      {proposal && <Others proposal={proposal} changes={changes} confirmed={confirmed} onConfirm={setConfirmed} />}
      <KeyFileField id={`${id}-file`} file={file} disabled={disabled || working} onChoose={(chosen) => { setFile(chosen); setError(""); }} />
      <PassphraseField id={`${id}-pass`} value={passphrase} disabled={disabled || working} invalid={Boolean(error)} errorId={`${id}-error`}
        onChange={(text) => { setPassphrase(text); setError(""); }} />
      <div role="alert" id={`${id}-error`} className="ty-alert-slot">
        {(error || refusal) && <div className="ty-callout" data-accent-color="red" data-testid="sign-error"><div className="ty-callout-text">{error || refusal}</div></div>}
      </div>
      <p className="ty-sign-note">Key and passphrase stay in this browser. Only the signature is sent.</p>
      <div className="ty-dialog-actions">
        {onCancel && <button type="button" className="ty-button is-quiet" onClick={() => onCancel()}>Cancel</button>}
        <button type="submit" className="ty-button" disabled={!ready} data-testid="sign-submit">{working ? "Opening the key…" : submitLabel}</button>
      </div>
    </form>
  );
}
