/* Listens to topics and tells the page's state now and then: the last message wins, none is told twice. */

import { useEffect, useRef } from "react";
import { subscribe } from "./live_socket.js";

export function LiveTopic({ topics = [], everyMs = 1000, onMessage, onReconnect }) {
  const handlers = useRef({});
  handlers.current = { onMessage, onReconnect };
  const key = topics.filter(Boolean).join(" ");

  useEffect(() => {
    const waiting = new Map();
    let timer = 0;
    let lastTold = -Infinity;
    const tell = () => {
      timer = 0;
      lastTold = performance.now();
      for (const [topic, data] of waiting) handlers.current.onMessage?.(topic, data);
      waiting.clear();
    };
    const stops = key.split(" ").filter(Boolean).map((topic, index) => {
      let opened = 0;
      return subscribe(topic, {
        onOpen: () => {
          opened += 1;
          if (opened > 1 && index === 0) handlers.current.onReconnect?.();
        },
        onMessage: (data) => {
          const { points, ...rest } = data ?? {}; // curves have their own way; a state must not carry them
          if (points && Object.keys(rest).length === 0) return;
          waiting.set(topic, rest);
          if (!timer) timer = setTimeout(tell, Math.max(0, everyMs - (performance.now() - lastTold)));
        },
      });
    });
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [key, everyMs]);

  return null;
}
