/* One WebSocket per browser tab, shared by every live component.
 *
 * Rules: a topic is subscribed on the wire once however many components want it; `onOpen` tells a subscriber that the
 * server watches its topic from now on, for the first time and after every drop, so that it can take a fresh snapshot
 * and misses nothing; after a drop the socket comes back with back-off; a link that says nothing for longer than the
 * server ever is silent is given up (a phone that changed its network); with nobody listening it closes by itself.
 */

import { setServerNow } from "./server_clock.js";

const PATH = "/api/v1/live";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;
const LINGER_MS = 2000;
const SILENCE_MS = 45000; // the server says something at least every 30 s
export const LINK_WORDS = { live: "Live", connecting: "Connecting", reconnecting: "Reconnecting", finished: "Finished" };

const topics = new Map(); // topic -> Set of listeners
const watched = new Set(); // topics that the server said it watches
let asked = []; // topics of each subscription that the server has not answered yet, oldest first
let socket = null;
let state = "closed"; // closed | connecting | open | waiting
let delay = FIRST_DELAY_MS;
let retryTimer = 0;
let lingerTimer = 0;
let silenceTimer = 0;

/** The word for a state of the socket. */
export const linkOf = (state) => ({ open: "live", waiting: "reconnecting" })[state] ?? "connecting";

const address = () => `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${PATH}`;

function everyListener(call) {
  for (const listeners of topics.values()) for (const listener of listeners) call(listener);
}

function setState(next) {
  state = next;
  everyListener((listener) => listener.onState?.(next));
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function ask(wanted) {
  asked.push(wanted);
  send({ subscribe: wanted });
}

function answered({ subscribed: granted, now }) {
  setServerNow(now);
  asked.shift();
  for (const topic of granted) {
    if (!topics.has(topic) || asked.some((later) => later.includes(topic))) continue; // given up, and perhaps asked anew
    watched.add(topic);
    for (const listener of topics.get(topic)) listener.onOpen?.();
  }
}

function listenForSilence() {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(lost, SILENCE_MS);
}

function receive(event) {
  listenForSilence();
  let message;
  try {
    message = JSON.parse(event.data);
  } catch {
    return; // a frame that is not ours
  }
  if (message?.subscribed) answered(message);
  for (const listener of topics.get(message?.topic) ?? []) listener.onMessage?.(message.data);
}

function retryLater() {
  setState("waiting");
  const jitter = delay * (0.75 + Math.random() / 2);
  retryTimer = setTimeout(connect, jitter);
  delay = Math.min(delay * 2, LONGEST_DELAY_MS);
}

function connect() {
  clearTimeout(retryTimer);
  if (socket || topics.size === 0) return;
  setState("connecting");
  const mine = new WebSocket(address());
  socket = mine;
  mine.onopen = () => {
    delay = FIRST_DELAY_MS;
    asked = [];
    watched.clear();
    ask([...topics.keys()]);
    listenForSilence();
    setState("open");
  };
  mine.onmessage = receive;
  mine.onclose = () => {
    if (socket === mine) lost();
  };
}

/** The link is gone, whether or not the browser has noticed yet. */
function lost() {
  clearTimeout(silenceTimer);
  const old = socket;
  if (!old) return;
  socket = null;
  old.onclose = old.onmessage = old.onopen = null;
  old.close();
  if (topics.size > 0) retryLater();
  else setState("closed");
}

function closeWhenUnused() {
  clearTimeout(lingerTimer);
  lingerTimer = setTimeout(() => {
    if (topics.size > 0) return;
    clearTimeout(retryTimer);
    lost();
    state = "closed";
  }, LINGER_MS);
}

if (typeof window !== "undefined") {
  // A machine that wakes up or gets its network back should not wait for the back-off.
  window.addEventListener("online", () => {
    if (state !== "waiting") return;
    delay = FIRST_DELAY_MS;
    connect();
  });
  window.addEventListener("offline", lost);
}

/** Listen to a topic. `listener` may have onOpen(), onMessage(data), onState(state). Returns the way to stop. */
export function subscribe(topic, listener) {
  const listeners = topics.get(topic) ?? new Set();
  const isNew = listeners.size === 0;
  listeners.add(listener);
  topics.set(topic, listeners);
  const before = state;
  if (state === "open") {
    if (isNew) ask([topic]);
    else if (watched.has(topic)) queueMicrotask(() => listeners.has(listener) && listener.onOpen?.());
  } else {
    connect();
  }
  if (state === before) listener.onState?.(state); // else it was told just now
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || topics.get(topic) !== listeners) return;
    topics.delete(topic);
    watched.delete(topic);
    send({ unsubscribe: [topic] });
    if (topics.size === 0) closeWhenUnused();
  };
}
