/* One large file, straight into the store: the API opens a place for it, the browser puts it there in parts, and only
 * then the page's state is told its key. A part that fails is put again; nothing goes through the web process.
 */

import React, { useEffect, useId, useRef, useState } from "react";

const TRIES = 5;
const PAUSE_MS = 1000;
const PARALLEL = 3;
const ENDINGS = ".zip,.tar,.tar.gz,.tgz";

async function ask(url, body, signal) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
    signal,
  });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(value.detail || value.title || `The server answered with status ${answer.status}.`);
  return value;
}

/** PUT a blob; resolves with its ETag. XMLHttpRequest, because fetch tells nothing of its progress. */
function put(url, blob, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () =>
      request.status === 200
        ? resolve(request.getResponseHeader("etag") || "")
        : reject(new Error(`The store answered with status ${request.status}.`));
    request.onerror = () => reject(new Error("The store does not answer. Check the connection."));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(blob);
  });
}

async function patiently(action, signal) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await action();
    } catch (failure) {
      if (signal.aborted || tried >= TRIES) throw failure;
      await new Promise((done) => setTimeout(done, PAUSE_MS * tried));
    }
  }
}

/** Put the file; resolves with its key. */
async function send(base, file, signal, onProgress) {
  const { slots } = await ask(`${base}/uploads`, { count: 1, size: file.size }, signal);
  const slot = slots[0];
  const parts = slot.parts.length ? slot.parts : [{ number: 1, first: 0, size: file.size, url: slot.url }];
  const sent = new Map();
  const etags = new Map();
  const waiting = [...parts];
  const told = (number, bytes) => {
    sent.set(number, bytes);
    onProgress([...sent.values()].reduce((sum, count) => sum + count, 0));
  };
  const worker = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      const blob = file.slice(part.first, part.first + part.size);
      const { number, url, size } = part;
      etags.set(number, await patiently(() => put(url, blob, signal, (bytes) => told(number, bytes)), signal));
      told(number, size);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  if (slot.multipart_id) {
    const done = [...etags].map(([number, etag]) => ({ number, etag }));
    await ask(`${base}/uploads/complete`, { upload_key: slot.upload_key, multipart_id: slot.multipart_id, parts: done }, signal);
  }
  return slot.upload_key;
}

const megabytes = (bytes) => `${(bytes / 1e6).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;

export function ArchiveUpload({ base, onUploaded, disabled = false }) {
  const [state, setState] = useState({ kind: "idle" });
  const stop = useRef(null);
  const field = useRef(null);
  const id = useId();
  useEffect(() => () => stop.current?.abort(), []);

  const begin = async (file) => {
    if (!file || stop.current) return;
    const control = new AbortController();
    stop.current = control;
    setState({ kind: "sending", name: file.name, size: file.size, sent: 0 });
    try {
      const key = await send(base, file, control.signal, (sent) => setState((now) => ({ ...now, sent })));
      setState({ kind: "idle" });
      onUploaded?.(key, file.name);
    } catch (failure) {
      setState(control.signal.aborted ? { kind: "idle" } : { kind: "failed", text: failure.message });
    } finally {
      stop.current = null;
      if (field.current) field.current.value = "";
    }
  };

  const drop = (event) => {
    event.preventDefault();
    if (!disabled) begin(event.dataTransfer.files[0]);
  };
  const sending = state.kind === "sending";
  const percent = sending && state.size ? Math.min(100, Math.round((state.sent / state.size) * 100)) : 0;
  return (
    <div className="ty-drop" data-testid="archive-drop" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {sending ? (
        <>
          <div className="ty-drop-line">
            <strong>{state.name}</strong>
            <span className="ty-second" aria-live="polite">{`${megabytes(state.sent)} of ${megabytes(state.size)}, ${percent} %`}</span>
          </div>
          <progress max="100" value={percent} aria-label={`Upload of ${state.name}`} />
          <button type="button" className="ty-quiet" onClick={() => stop.current?.abort()} data-testid="archive-stop">
            Stop
          </button>
        </>
      ) : (
        <>
          <label htmlFor={id} className="ty-drop-choose" data-disabled={disabled || undefined}>
            Choose an archive
          </label>
          <input
            ref={field}
            id={id}
            type="file"
            accept={ENDINGS}
            disabled={disabled}
            className="ty-drop-field"
            data-testid="archive-file"
            onChange={(event) => begin(event.target.files[0])}
          />
          <span className="ty-second">or drop a .zip, .tar or .tar.gz here</span>
          {state.kind === "failed" ? (
            <span role="alert" className="ty-drop-problem">
              {state.text} Nothing was imported; choose it again.
            </span>
          ) : null}
        </>
      )}
    </div>
  );
}
