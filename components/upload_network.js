/* The requests of an upload, and when to try again. Nothing here knows what is uploaded.
 *
 * A `Failure` says what to do next: `again` (the connection, a busy server; after `wait` ms if the server said so),
 * `expired` (ask for a new place), or neither: nothing but a person helps, and the message says what happened. `problem` is
 * what the API answered.
 */

const LONGEST_MS = 30000;
const FIRST_MS = 500;
const SLOW_ANSWER_MS = 180000; // a batch of large pictures is decoded before it is answered

export class Failure extends Error {
  constructor(message, { again = false, expired = false, status = 0, wait = 0, problem = {} } = {}) {
    super(message);
    Object.assign(this, { name: "Failure", again, expired, status, wait, problem });
  }
}

/** How long to wait before attempt `number` (0, 1, …): doubling, and never everybody at the same moment. */
export function pauseBefore(number, random = Math.random) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** number) * (0.5 + random() / 2);
}

const transient = (status) => status === 0 || status === 408 || status === 425 || status === 429 || status >= 500;

/** PUT `blob` to a signed address; tells how many bytes are sent. Rejects with a `Failure`, or an AbortError. */
export function put(url, blob, { signal, onSent = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const end = (call) => (value) => {
      signal?.removeEventListener("abort", stop);
      call(value);
    };
    const fail = end(reject);
    request.open("PUT", url);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      const { status } = request;
      if (status === 200) end(resolve)(request.getResponseHeader("etag"));
      else fail(new Failure(`The store answered ${status}.`, { status, again: transient(status), expired: status === 400 || status === 403 }));
    };
    request.onerror = () => fail(new Failure("The store cannot be reached.", { again: true }));
    request.onabort = () => fail(new DOMException("stopped", "AbortError"));
    if (signal?.aborted) return fail(new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", stop);
    request.send(blob);
  });
}

/** POST JSON to our own API as the person who is signed in. `key` makes a repetition the same request. */
export async function post(path, body, { signal, key } = {}) {
  const headers = { "content-type": "application/json", ...(key ? { "idempotency-key": key } : {}) };
  const signals = [AbortSignal.timeout(SLOW_ANSWER_MS), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin", signal: AbortSignal.any(signals) });
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw new Failure("The server cannot be reached.", { again: true });
  }
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  const { status } = answer;
  const wait = Number(answer.headers.get("retry-after") || 0) * 1000;
  const message = status === 401 ? "You are signed out. Sign in again, then choose the same files: what is in already is not sent again." : problem.detail || problem.title || `The server answered ${status}.`;
  throw new Failure(message, { status, again: transient(status), wait, problem });
}

/** Resolves after `ms`, or as soon as `signal` aborts. */
export const sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/** Resolves once the browser believes that it is online, or as soon as `signal` aborts. */
export const online = (signal) =>
  new Promise((resolve) => {
    if (navigator.onLine !== false || signal?.aborted) return resolve();
    const done = () => (removeEventListener("online", done), resolve());
    addEventListener("online", done);
    signal?.addEventListener("abort", done, { once: true });
  });

/** Do `work` until it succeeds, waiting longer each time and for the connection. What cannot succeed is thrown. */
export async function persistently(work, { signal, onTrouble = () => {}, random } = {}) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await work();
      if (attempt > 0) onTrouble("");
      return result;
    } catch (failure) {
      if (signal?.aborted || !failure.again) throw failure;
      onTrouble(failure.message);
      await online(signal);
      await sleep(Math.max(failure.wait, pauseBefore(attempt, random)), signal);
      if (signal?.aborted) throw new DOMException("stopped", "AbortError");
    }
  }
}
