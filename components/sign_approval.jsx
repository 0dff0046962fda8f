/* Signs an approval in the browser.
 *
 * Rules: the key file and the passphrase stay in this component and are forgotten after every attempt; only
 * {keyid, signature} leaves it. What is shown about the target is read from the very bytes that are signed.
 * The key file is an encrypted JWK: JWE compact, PBES2-HS512+A256KW, A256GCM, holding an OKP/Ed25519 private key.
 */

import React, { useEffect, useId, useMemo, useState } from "react";

const MOST_ITERATIONS = 2_000_000;
const LARGEST_KEY_FILE = 16_384;
const COMPACT_JWE = /^[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+$/;

class Refusal extends Error {}

function bytesOf(base64) {
  const standard = base64.replaceAll("-", "+").replaceAll("_", "/").replace(/\s/g, "");
  return Uint8Array.from(atob(standard), (letter) => letter.charCodeAt(0));
}

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function environmentProblem() {
  if (!window.isSecureContext) {
    return "Signing needs a secure page. Open Trainyard over https, or as http://localhost on the machine itself.";
  }
  return window.crypto?.subtle ? "" : "This browser has no WebCrypto. Use a current Chromium, Firefox or Safari.";
}

async function ed25519Problem() {
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return "";
  } catch {
    return "This browser cannot sign with Ed25519. Use Chromium 137, Firefox 129, Safari 17 or later, or sign with the command line.";
  }
}

/** What the payload says about the target; throws a Refusal when the bytes are not what the page claims. */
function readPayload(payloadBase64, target) {
  let signed;
  try {
    signed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(payloadBase64)));
  } catch {
    throw new Refusal("The server proposed bytes that are not signed metadata. Do not sign; reload the page.");
  }
  if (!target) return { version: signed.version, expires: signed.expires };
  const entry = signed._type === "targets" ? signed.targets?.[target] : undefined;
  if (!entry?.hashes?.sha256) {
    throw new Refusal(`The proposed metadata does not contain ${target}. Do not sign; ask whoever runs the server.`);
  }
  return {
    version: signed.version, expires: signed.expires, sha256: entry.hashes.sha256, length: entry.length,
    targets: Object.keys(signed.targets).length,
  };
}

async function readKeyFile(file) {
  if (file.size > LARGEST_KEY_FILE) throw new Refusal(`${file.name} is not a Trainyard key file: it is too large.`);
  const text = (await file.text()).trim();
  if (!COMPACT_JWE.test(text)) {
    throw new Refusal(`${file.name} is not a Trainyard key file. Key files are made with "trainyard keys create".`);
  }
  return text;
}

async function openKey(jose, text, passphrase, name) {
  let plaintext;
  try {
    ({ plaintext } = await jose.compactDecrypt(text, new TextEncoder().encode(passphrase), {
      keyManagementAlgorithms: ["PBES2-HS512+A256KW"], contentEncryptionAlgorithms: ["A256GCM"], maxPBES2Count: MOST_ITERATIONS,
    }));
  } catch (error) {
    if (error instanceof jose.errors.JWEDecryptionFailed) throw new Refusal("The passphrase is wrong for this key file.");
    throw new Refusal(`${name} is not a Trainyard key file, or it is damaged (${error.message}).`);
  }
  let jwk;
  try {
    jwk = JSON.parse(new TextDecoder().decode(plaintext));
  } catch {
    throw new Refusal(`${name} holds no key.`);
  } finally {
    plaintext.fill(0);
  }
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.d || !jwk.kid) {
    throw new Refusal(`${name} does not hold an Ed25519 private key with a key id.`);
  }
  const { kid } = jwk;
  return { keyid: kid, key: await jose.importJWK(jwk, "EdDSA", { extractable: false }) };
}

async function sign({ file, passphrase, payloadBase64, target }) {
  readPayload(payloadBase64, target);
  const problem = environmentProblem() || (await ed25519Problem());
  if (problem) throw new Refusal(problem);
  const jose = await import("jose");
  const { keyid, key } = await openKey(jose, await readKeyFile(file), passphrase, file.name);
  const signature = await crypto.subtle.sign("Ed25519", key, bytesOf(payloadBase64));
  return { keyid, signature: hexOf(new Uint8Array(signature)) };
}

function useWhatIsSigned(payloadBase64, target) {
  return useMemo(() => {
    if (!payloadBase64) return { facts: null, problem: "" };
    try {
      return { facts: readPayload(payloadBase64, target), problem: "" };
    } catch (error) {
      return { facts: null, problem: error.message };
    }
  }, [payloadBase64, target]);
}

function Facts({ facts, target }) {
  const rows = [
    ["Target", target && <code>{target}</code>],
    ["sha256 of the bundle", facts.sha256 && <code>{facts.sha256}</code>],
    ["Size", facts.length && `${facts.length.toLocaleString("en")} bytes`],
    ["Metadata version", String(facts.version ?? "")],
    ["Valid until", facts.expires && new Date(facts.expires).toLocaleDateString("en", { dateStyle: "long" })],
  ].filter(([, value]) => value);
  return (
    <dl className="ty-facts ty-sign-facts" aria-label="Read from the bytes to be signed">
      {rows.map(([label, value]) => <div className="ty-fact" key={label}><dt>{label}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

export function SignApproval({
  payloadBase64 = "", summary = "", target = "", disabled = false, submitLabel = "Sign approval", onSigned, onCancel, ...rest
}) {
  const id = useId();
  const [file, setFile] = useState(null);
  const [passphrase, setPassphrase] = useState("");
  const [visible, setVisible] = useState(false);
  const [working, setWorking] = useState(false);
  const [error, setError] = useState("");
  const [environment, setEnvironment] = useState("");
  const { facts, problem } = useWhatIsSigned(payloadBase64, target);
  useEffect(() => setEnvironment(environmentProblem()), []);

  const refusal = environment || problem;
  const ready = file && passphrase && facts && !disabled && !working && !refusal;
  const submit = async (event) => {
    event.preventDefault();
    if (!ready) return;
    setWorking(true);
    setError("");
    try {
      const signed = await sign({ file, passphrase, payloadBase64, target });
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
      {facts && <Facts facts={facts} target={target} />}
      <label className="ty-file" htmlFor={`${id}-file`} data-chosen={file ? "yes" : "no"}>
        <span className="ty-field-label">Your key file</span>
        <span className="ty-file-box">
          <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true"><circle cx="5" cy="11" r="2.8" /><path d="M7 9l6.5-6.5M11 5l2 2M9.2 6.8l1.3 1.3" /></svg>
          <span className="ty-file-name">{file ? file.name : "Choose a key file"}</span>
          <span className="ty-file-action">{file ? "Change" : "Browse"}</span>
        </span>
        <input id={`${id}-file`} type="file" accept=".jwe,.key,.txt,text/plain" className="ty-hidden" disabled={disabled || working}
          data-testid="sign-key-file" onChange={(event) => { setFile(event.target.files?.[0] ?? null); setError(""); }} />
      </label>
      <div>
        <label className="ty-field-label" htmlFor={`${id}-pass`}>Passphrase</label>
        <span className="ty-pass">
          <input id={`${id}-pass`} type={visible ? "text" : "password"} value={passphrase} autoComplete="off" spellCheck={false} disabled={disabled || working}
            data-testid="sign-passphrase" onChange={(event) => { setPassphrase(event.target.value); setError(""); }} aria-invalid={Boolean(error)} aria-describedby={`${id}-error`} />
          <button type="button" onClick={() => setVisible((shown) => !shown)} aria-pressed={visible}>{visible ? "Hide" : "Show"}</button>
        </span>
      </div>
      <p className="ty-sign-note">Key and passphrase stay in this browser. Only the signature is sent.</p>
      <div role="alert" id={`${id}-error`} className="ty-alert-slot">
        {(error || refusal) && <div className="ty-callout" data-accent-color="red" data-tone="error" data-testid="sign-error"><div className="ty-callout-text">{error || refusal}</div></div>}
      </div>
      <div className="ty-dialog-actions">
        {onCancel && <button type="button" className="ty-button is-quiet" onClick={() => onCancel()}>Cancel</button>}
        <button type="submit" className="ty-button" disabled={!ready} data-testid="sign-submit">{working ? "Opening the key…" : submitLabel}</button>
      </div>
    </form>
  );
}
