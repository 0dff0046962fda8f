/* Saving behind the person's back: labels wait in a queue and go out one after the other, over a slow network too.
 *
 * Rules: of one sample only the newest value waits; its ETag is the one that the last save answered with, or else the
 * one it was made from; an unreached server is asked again with growing pauses, and at once when the network is back;
 * a refusal stops that sample and is told, with the value, to whoever decides what becomes of it.
 */

import { Refused, Unreached } from "./label_api.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** A queue. `put(id, value, {etag, token})` saves; `tell(id, state)` hears {is: waiting|saving|saved|refused|unreached, …}. */
export function saver({ put, tell, timers = globalThis }) {
  const waiting = new Map(); // sample id → {value, etag, token}, the oldest first
  const tags = new Map(); // sample id → ETag after our own last save
  let busy = null;
  let pause = FIRST_PAUSE_MS;
  let timer = 0;

  async function work() {
    if (busy || waiting.size === 0) return;
    const [id, wish] = waiting.entries().next().value;
    waiting.delete(id);
    busy = id;
    tell(id, { is: "saving" });
    try {
      const saved = await put(id, wish.value, { etag: tags.get(id) ?? wish.etag, token: wish.token });
      tags.set(id, saved.etag);
      pause = FIRST_PAUSE_MS;
      if (!waiting.has(id)) tell(id, { is: "saved", sample: saved, value: wish.value });
    } catch (failure) {
      if (!(failure instanceof Unreached)) {
        waiting.delete(id);
        if (!(failure instanceof Refused)) console.error(failure);
        tell(id, { is: "refused", failure, value: wish.value });
      } else {
        if (!waiting.has(id)) again(id, wish);
        tell(id, { is: "unreached", failure });
        busy = null;
        timer = timers.setTimeout(work, pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        return;
      }
    }
    busy = null;
    work();
  }

  /** Back to the head of the queue, where it was. */
  function again(id, wish) {
    const rest = [...waiting];
    waiting.clear();
    for (const [key, value] of [[id, wish], ...rest]) waiting.set(key, value);
  }

  return {
    /** Save `value` of a sample as soon as possible. */
    save(id, value, { etag, token }) {
      waiting.delete(id);
      waiting.set(id, { value, etag, token });
      tell(id, { is: "waiting" });
      if (!timer || pause === FIRST_PAUSE_MS) work();
    },
    /** The network is back, or may be. */
    hurry() {
      timers.clearTimeout(timer);
      timer = 0;
      work();
    },
    /** The sample was read anew: what was known of its tag no longer counts. */
    forget(id) {
      tags.delete(id);
      waiting.delete(id);
    },
    /** How many samples are not saved yet. */
    get pending() {
      return waiting.size + (busy ? 1 : 0);
    },
    isPending: (id) => busy === id || waiting.has(id),
  };
}
