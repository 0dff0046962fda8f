/* One sample as a tile: its picture, the boxes in it, what it is called and how far its label is. */

import React, { memo, useState } from "react";

const ICONS = {
  labeled: "M12.6 2.6A2 2 0 0 0 11.2 2H4a2 2 0 0 0-2 2v7.2a2 2 0 0 0 .6 1.4l8.7 8.7a2.4 2.4 0 0 0 3.4 0l6.6-6.6a2.4 2.4 0 0 0 0-3.4zM7.5 7.5h.01",
  verified: "M20 6 9 17l-5-5",
  rejected: "M18 6 6 18M6 6l12 12",
  withdrawn: "M4.9 4.9l14.2 14.2M22 12a10 10 0 1 1-20 0 10 10 0 0 1 20 0",
};
const STATUS = {
  labeled: ["Labeled, waiting for verification", "indigo"],
  verified: ["Verified", "green"],
  rejected: ["Rejected", "red"],
  withdrawn: ["Withdrawn: in no later version", "gray"],
};
const MOST_BOXES = 60;
const TINY_PIXELS = 64;

export function statusOf(item) {
  if (item.withdrawn_at) return "withdrawn";
  if (item.rejection_reason) return "rejected";
  if (item.is_verified) return "verified";
  return item.is_labeled ? "labeled" : "unlabeled";
}

/** What a sample was said to be, in a few words; "" for nothing. */
export function labelOf({ is_labeled: isLabeled, labels, annotations }) {
  if (labels?.class) return labels.class;
  if (labels?.classes) return labels.classes.join(", ") || "none of them";
  if (!isLabeled) return "";
  if (!annotations?.length) return "nothing there";
  const counts = new Map();
  for (const { class: name } of annotations) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count > 1 ? `${name} \u00d7${count}` : name)).join(", ");
}

/** 0:04 or 1:02:03. */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${parts[1]}:${rest}`;
}

function Icon({ path }) {
  return (
    <svg width="13" height="13" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

function Boxes({ item, colours }) {
  if (!item.annotations?.length || !item.width || !item.height) return null;
  return (
    <svg className="ty-sample-boxes" viewBox={`0 0 ${item.width} ${item.height}`} preserveAspectRatio="xMidYMid meet" aria-hidden="true">
      {item.annotations.slice(0, MOST_BOXES).map(({ id, class: name, box: [x, y, width, height] }) => (
        <rect key={id} x={x} y={y} width={width} height={height} fill="none" stroke={colours[name] ?? "#fff"} strokeWidth="2" vectorEffect="non-scaling-stroke" />
      ))}
    </svg>
  );
}

function Picture({ item, words }) {
  const [failed, setFailed] = useState("");
  const small = item.thumbnail && item.thumbnail !== failed ? item.thumbnail : null;
  const source = small ?? (item.file_type === "video" || item.url === failed ? null : item.url);
  if (!source) return <span className="ty-sample-none">{item.file_type === "video" ? "" : "no picture"}</span>;
  const isTiny = Math.max(item.width ?? 0, item.height ?? 0) <= TINY_PIXELS;
  return <img className={isTiny ? "ty-sample-image is-pixelated" : "ty-sample-image"} src={source} alt={words} decoding="async" draggable="false" onError={() => setFailed(source)} />;
}

function Time({ item }) {
  if (item.file_type === "video") {
    return <span className="ty-sample-time" data-testid="sample-play"><svg width="9" height="10" viewBox="0 0 9 10" aria-hidden="true"><path d="M0 0l9 5-9 5z" fill="currentColor" /></svg>{item.duration_ms == null ? "video" : clock(item.duration_ms)}</span>;
  }
  return item.frame_ms == null ? null : <span className="ty-sample-time">{clock(item.frame_ms)}</span>;
}

export const SampleTile = memo(function SampleTile({ id, item, index, total, colours, pickable, isActive, isPicked, onAct }) {
  if (!item) {
    return <div className="ty-sample" role={id ? "option" : "presentation"} id={id} aria-selected={id ? false : undefined} aria-label={id ? "Loading" : undefined}><div className="ty-sample-frame ty-skeleton" /></div>;
  }
  const status = statusOf(item);
  const said = labelOf(item);
  const words = `sample ${item.id.slice(0, 8)}, ${said ? `labelled ${said}` : "no label"}`;
  const [explained, colour] = STATUS[status] ?? [];
  return (
    <div className="ty-sample" role="option" id={id} aria-selected={isPicked} aria-setsize={total} aria-posinset={index + 1} aria-label={explained ? `${words}, ${explained}` : words}
      data-testid="sample" data-index={index} data-id={item.id} data-active={isActive} data-selected={isPicked} data-status={status}>
      <div className="ty-sample-frame">
        <div className="ty-sample-open" data-testid="sample-open" onClick={() => onAct("open", index)}>
          <Picture item={item} words="" />
          <Boxes item={item} colours={colours} />
        </div>
        {pickable ? <div className="ty-sample-check" data-testid="sample-select" onClick={(event) => onAct("toggle", index, event.shiftKey)}><span className="ty-sample-tick" data-on={isPicked}>{isPicked ? <Icon path={ICONS.verified} /> : null}</span></div> : null}
        {explained ? <span className="ty-sample-mark" data-accent-color={colour} title={explained}><Icon path={ICONS[status]} /></span> : null}
        {item.near_group ? <span className="ty-sample-near" title="Another sample looks nearly the same">≈</span> : null}
        <Time item={item} />
      </div>
      <div className="ty-sample-caption">
        {colours[said] ? <span className="ty-sample-dot" style={{ background: colours[said] }} /> : null}
        <span className={said ? "ty-sample-label" : "ty-sample-label is-none"} title={said || undefined}>{said || "no label"}</span>
      </div>
    </div>
  );
});
