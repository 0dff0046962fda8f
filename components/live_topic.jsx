/* Listens to topics and tells the page's state now and then; how is in live_listen.js. */

import { useEffect, useRef } from "react";
import { listen } from "./live_listen.js";

export function LiveTopic({ topics = [], everyMs = 1000, onMessage, onReconnect }) {
  const handlers = useRef({});
  handlers.current = { onMessage, onReconnect };
  const key = topics.filter(Boolean).join(" ");
  useEffect(() => listen(key.split(" ").filter(Boolean), everyMs, () => handlers.current), [key, everyMs]);
  return null;
}
