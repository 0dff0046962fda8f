/* Times that tick and digests that can be copied. One timer serves all times of a page. */

import React, { useEffect, useState } from "react";
import { serverNow } from "./server_clock.js";

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const watchers = new Set();
let timer = 0;

function useSecond() {
  const [now, setNow] = useState(0); // 0 until mounted: the prerendered page must not disagree with the browser
  useEffect(() => {
    const tell = () => setNow(serverNow());
    watchers.add(tell);
    tell();
    if (!timer) timer = setInterval(() => { if (!document.hidden) for (const call of watchers) call(); }, 1000);
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0) { clearInterval(timer); timer = 0; }
    };
  }, []);
  return now;
}

export function span(seconds) {
  const size = Math.max(0, Math.round(seconds));
  const [unit, length] = UNITS.find(([, unitLength]) => size >= unitLength) ?? UNITS[3];
  return `${Math.floor(size / length)} ${unit}`;
}

function wordsFor(seconds, ending) {
  if (ending) return seconds <= 0 ? "finishing" : `about ${span(seconds)} left`;
  if (seconds > 0) return seconds > 45 ? `in ${span(seconds)}` : "now";
  return seconds > -5 ? "just now" : `${span(-seconds)} ago`;
}

export function RelativeTime({ iso = "", missing = "never", ending = false, ...rest }) {
  const now = useSecond();
  const when = iso ? new Date(iso) : null;
  if (!when || Number.isNaN(when.getTime())) return <span {...rest}>{missing}</span>;
  const words = now ? wordsFor((when.getTime() - now) / 1000, ending) : "\u2026";
  return <time {...rest} className="ty-time" dateTime={iso} title={now ? when.toLocaleString() : undefined}>{words}</time>;
}

/** How old a fact is, "as of 12 s ago"; in other words and marked once it is older than `staleAfter` seconds (0: never). */
export function AsOf({ iso = "", word = "as of", staleAfter = 0, missing = "never heard", ...rest }) {
  const now = useSecond();
  const when = iso ? new Date(iso) : null;
  if (!when || Number.isNaN(when.getTime())) return <span {...rest} className="ty-as-of" data-stale="no">{missing}</span>;
  const age = (now - when.getTime()) / 1000;
  const isStale = now > 0 && staleAfter > 0 && age > staleAfter;
  const words = isStale ? `Stale: last heard ${span(age)} ago` : `${word} ${now ? wordsFor(-age, false) : "\u2026"}`;
  return (
    <span {...rest} className="ty-as-of" data-stale={isStale ? "yes" : "no"}>
      {isStale && (
        <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
          <circle cx="8" cy="8" r="6" /><path d="M8 4.5V8l2.5 1.5" />
        </svg>
      )}
      <time dateTime={iso} title={now ? when.toLocaleString() : undefined}>{words}</time>
    </span>
  );
}

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // plain http: the old way
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  document.body.appendChild(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused");
  return undefined;
}

export function Digest({ value = "", label = "digest", length = 12, ...rest }) {
  const [copied, setCopied] = useState("");
  useEffect(() => {
    if (!copied) return undefined;
    const reset = setTimeout(() => setCopied(""), 1600);
    return () => clearTimeout(reset);
  }, [copied]);
  if (!value) return <span className="ty-muted">–</span>;
  const onCopy = (event) => {
    event.preventDefault();
    event.stopPropagation();
    copy(value).then(() => setCopied("Copied"), () => setCopied("Press Ctrl+C"));
  };
  return (
    <span {...rest} className="ty-digest" title={value}>
      <code>{value.slice(0, length)}{value.length > length ? "…" : ""}</code>
      <button type="button" className="ty-copy" onClick={onCopy} aria-label={`Copy ${label}`} data-copied={copied ? "yes" : "no"}>
        <svg viewBox="0 0 16 16" width="13" height="13" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
          {copied ? <path d="M3 8.5l3.2 3.2L13 5" /> : <><rect x="5.5" y="5.5" width="8" height="8" rx="1.5" /><path d="M10.5 3.5v-1h-8v8h1" /></>}
        </svg>
        <span className="ty-hidden" role="status">{copied}</span>
      </button>
    </span>
  );
}
