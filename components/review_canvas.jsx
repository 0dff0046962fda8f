/* One picture under review: its boxes drawn over it, keys for the decision, and a place that is marked by dragging.

The picture keeps its proportions and never more than the height it is given, so that the buttons stay where they are.
Boxes and the marked region are in pixels of the upright picture: the SVG has its size as view box. */

import React, { useEffect, useRef, useState } from "react";

const KEYS = { a: "accept", f: "fix", r: "reject", j: "next", k: "previous" };
const isTyping = (element) => element?.closest?.("input, textarea, select, [contenteditable=true], [role=dialog]");

function useKeys(onAction) {
  const latest = useRef(onAction);
  latest.current = onAction;
  useEffect(() => {
    const press = (event) => {
      const action = KEYS[event.key.toLowerCase()];
      if (!action || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (isTyping(event.target) || document.querySelector("[role=dialog]")) return;
      event.preventDefault();
      latest.current?.(action);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

/** From one corner to another, inside the picture, to a tenth of a pixel; null if it has no area. */
export function regionOf(from, to, width, height) {
  const clamp = (value, limit) => Math.min(Math.max(value, 0), limit);
  const [x1, x2] = [from.x, to.x].map((x) => clamp(x, width)).sort((a, b) => a - b);
  const [y1, y2] = [from.y, to.y].map((y) => clamp(y, height)).sort((a, b) => a - b);
  const tenth = (value) => Math.floor(value * 10) / 10;
  const region = [tenth(x1), tenth(y1), tenth(x2 - x1), tenth(y2 - y1)];
  return region[2] >= 1 && region[3] >= 1 ? region : null;
}

function useDrag(width, height, onRegion) {
  const svg = useRef(null);
  const [start, setStart] = useState(null);
  const [drawn, setDrawn] = useState(null);
  const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.current.getScreenCTM().inverse());
  const handlers = {
    onPointerDown: (event) => {
      if (event.button !== 0) return;
      svg.current.setPointerCapture(event.pointerId);
      setStart(place(event));
      setDrawn(null);
    },
    onPointerMove: (event) => start && setDrawn(regionOf(start, place(event), width, height)),
    onPointerUp: () => {
      if (!start) return;
      setStart(null);
      onRegion?.(drawn ?? []);
      setDrawn(null);
    },
    onPointerCancel: () => { setStart(null); setDrawn(null); },
  };
  return [svg, start ? drawn : null, handlers];
}

function Box({ box: [x, y, width, height], name, colour, unit }) {
  return (
    <g data-testid="review-box" style={{ color: colour }}>
      <rect x={x} y={y} width={width} height={height} className="ty-review-box" />
      <text x={x + 3 * unit} y={y > 14 * unit ? y - 4 * unit : y + 13 * unit} fontSize={12 * unit} className="ty-review-name">{name}</text>
      <title>{`${name}, ${Math.round(width)} × ${Math.round(height)} pixels at ${Math.round(x)}, ${Math.round(y)}`}</title>
    </g>
  );
}

export function ReviewCanvas({ src, alt, width, height, boxes = [], colours = {}, region = [], onRegion, onAction, ...rest }) {
  useKeys(onAction);
  const [svg, drawn, handlers] = useDrag(width, height, onRegion);
  const shown = drawn ?? (region?.length === 4 ? region : null);
  const unit = Math.max(width, height) / 640; // so that names are as large on a large picture as on a small one
  return (
    <div {...rest} className="ty-review-canvas" style={{ "--ty-ratio": (width || 4) / (height || 3) }}>
      <img key={src} src={src} alt={alt} draggable={false} className={Math.max(width, height) <= 64 ? "is-pixelated" : ""} />
      <svg ref={svg} viewBox={`0 0 ${width || 1} ${height || 1}`} aria-hidden="true" data-testid="review-overlay" {...handlers}>
        {boxes.map((box) => <Box key={box.id} box={box.box} name={box.class} colour={colours[box.class] ?? "#6e56cf"} unit={unit} />)}
        {shown && <rect x={shown[0]} y={shown[1]} width={shown[2]} height={shown[3]} className="ty-review-region" data-testid="review-region" />}
      </svg>
    </div>
  );
}
