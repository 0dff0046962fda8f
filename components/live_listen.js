/* From messages to "look again": what a page's state is told, and how often.
 *
 * Rules: a burst is told once, with its last message, and then not again for `everyMs`; the last message is always told.
 * Once the server watches the topics the page is told too (with empty data): what was published after the page read its
 * data and before that moment was heard by nobody. After a drop the page is asked to read everything anew.
 */

import { subscribe } from "./live_socket.js";

const SETTLE_MS = 50; // messages of one change come together; so do the server's answers to several subscriptions

/** Listen to `topics`; `handlers()` are the present {onMessage(topic, data), onReconnect()}. Returns the way to stop. */
export function listen(topics, everyMs, handlers) {
  let last = null;
  let timer = 0;
  let lastTold = -Infinity;
  const tell = () => {
    timer = 0;
    lastTold = performance.now();
    handlers().onMessage?.(...last);
  };
  const hear = (topic, data) => {
    last = [topic, data];
    if (!timer) timer = setTimeout(tell, Math.max(SETTLE_MS, everyMs - (performance.now() - lastTold)));
  };
  const stops = topics.map((topic, index) => {
    let isBack = false;
    return subscribe(topic, {
      onOpen: () => {
        if (!isBack) hear(topic, {});
        else if (index === 0) handlers().onReconnect?.();
        isBack = true;
      },
      onMessage: (data) => {
        const { points, ...rest } = data ?? {}; // curves have their own way; a state must not carry them
        if (points && Object.keys(rest).length === 0) return;
        hear(topic, rest);
      },
    });
  });
  return () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
  };
}
