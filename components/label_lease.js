/* Holding a sample while it is open: take its lease, renew it, and notice at once when it is lost.
 *
 * States: asking, held {token}, refused {holder, until, yours}, lost {holder, until, yours}, unsure (the server does not
 * answer; the lease may be over by now). Renewed three times in its life; the server's live channel says when to look.
 */

import { Refused } from "./label_api.js";

const ASK_AGAIN_MS = 3000;

/** Hold `id` until `end()`. `tell(state)` hears every change; `given` is a lease that came with the sample. */
export function hold({ api, id, tell, given = null, timers = globalThis }) {
  let token = null;
  let ended = false;
  let timer = 0;
  let questions = Promise.resolve(); // one after the other: an overtaken answer would call a lease lost that was just taken
  let state = { is: "asking" };

  const become = (next) => {
    if (ended) return;
    state = next;
    tell(next);
  };
  const later = (milliseconds) => {
    timers.clearTimeout(timer);
    if (!ended) timer = timers.setTimeout(look, milliseconds);
  };
  const has = (lease) => {
    token = lease.token;
    if (state.is !== "held") become({ is: "held", token });
    later((lease.seconds * 1000) / 3);
  };

  function look(takeOver = false) {
    questions = questions.then(() => ask(takeOver));
    return questions;
  }

  async function ask(takeOver) {
    if (ended) return;
    try {
      const lease = await api.lease(id, { ...(token ? { token } : {}), ...(takeOver === true ? { take_over: true } : {}) });
      if (ended) void api.release(id, lease.token).catch(() => {});
      else has(lease);
    } catch (failure) {
      if (ended) return;
      if (!(failure instanceof Refused)) {
        if (token) become({ is: "unsure", token });
        later(ASK_AGAIN_MS);
        return;
      }
      const { holder = "", until = null, yours = false } = failure.problem;
      become({ is: token || state.is === "lost" ? "lost" : "refused", holder, until, yours, message: failure.message });
      token = null;
      if (!yours) later(Math.max(Date.parse(until ?? "") - Date.now() || 0, ASK_AGAIN_MS)); // then it may be free
    }
  }

  if (given) has(given); // `seconds` says how soon it is renewed for the first time
  else void look();
  return {
    look: () => look(),
    takeOver: () => look(true),
    get token() {
      return token;
    },
    /** Let go of it, so that the next person need not wait. */
    async end() {
      ended = true;
      timers.clearTimeout(timer);
      if (token) await api.release(id, token).catch(() => {}); // it ends by itself, too
    },
    /** Stop here; who goes on with it gets the lease. */
    handOn() {
      ended = true;
      timers.clearTimeout(timer);
      return token ? { token, seconds: 1 } : null;
    },
  };
}
