/* The stage: the image, its boxes, zoom and pan, crosshair. Boxes are drawn by label_layer.js.
 *
 * Mouse: drag draws, the wheel zooms, the middle button or Space and drag pan. Touch: one finger draws, two pinch and pan.
 */

import React, { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import "@annotorious/annotorious/annotorious.css";
import { boxLayer } from "./label_layer.js";
import { fitted, panned, pinched, zoomed } from "./label_view.js";

const MOST_TAGS = 150;
const sizeOf = (element) => [element.clientWidth, element.clientHeight];

/** The view of the present image, and what changes it. A new image is shown whole. */
function useView(stage, image, sampleId) {
  const [view, setView] = useState(null);
  const isFitted = useRef(true);
  const change = (how) => {
    isFitted.current = false;
    setView((now) => now && how(now, image, sizeOf(stage.current)));
  };
  const fit = () => {
    isFitted.current = true;
    if (stage.current && image) setView(fitted(image, sizeOf(stage.current)));
  };
  useLayoutEffect(fit, [sampleId, image?.[0], image?.[1]]);
  useEffect(() => {
    const watch = new ResizeObserver(() => isFitted.current && fit());
    watch.observe(stage.current);
    return () => watch.disconnect();
  }, [image?.[0], image?.[1]]);
  return { view, change, fit };
}

/** Wheel, middle button, Space and two fingers. */
function useGestures(stage, change, layer) {
  const latest = useRef({});
  latest.current = { change, layer };
  useEffect(() => {
    const element = stage.current;
    const fingers = new Map();
    let panning = null;
    let isSpace = false;
    const place = (event) => {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const stop = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    const wheel = (event) => {
      event.preventDefault();
      const pace = event.deltaMode === 1 ? 30 : 1;
      if (event.shiftKey) latest.current.change((view, image, size) => panned(view, -(event.deltaX || event.deltaY) * pace, 0, image, size));
      else latest.current.change((view, image, size) => zoomed(view, Math.exp(-event.deltaY * pace * 0.0016), place(event), image, size));
    };
    const down = (event) => {
      if (event.pointerType === "touch") {
        fingers.set(event.pointerId, place(event));
        if (fingers.size < 2) return;
        latest.current.layer.current?.cancel();
        stop(event);
      } else if (event.button === 1 || (isSpace && event.button === 0)) {
        panning = place(event);
        element.setPointerCapture(event.pointerId);
        stop(event);
      }
    };
    const move = (event) => {
      if (panning) {
        const now = place(event);
        const [dx, dy] = [now[0] - panning[0], now[1] - panning[1]];
        panning = now;
        latest.current.change((view, image, size) => panned(view, dx, dy, image, size));
        stop(event);
      } else if (fingers.size >= 2 && fingers.has(event.pointerId)) {
        const before = [...fingers.values()].slice(0, 2);
        fingers.set(event.pointerId, place(event));
        const after = [...fingers.values()].slice(0, 2);
        latest.current.change((view, image, size) => pinched(view, before, after, image, size));
        stop(event);
      } else if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place(event));
    };
    const up = (event) => {
      const wasPinch = fingers.size >= 2;
      fingers.delete(event.pointerId);
      if (panning || wasPinch) stop(event);
      panning = null;
    };
    const key = (event) => {
      if (event.code !== "Space" || /^(INPUT|TEXTAREA|SELECT|BUTTON|A)$/.test(event.target.tagName)) return;
      isSpace = event.type === "keydown";
      element.dataset.hand = isSpace ? "yes" : "no";
      event.preventDefault();
    };
    element.addEventListener("wheel", wheel, { passive: false });
    const listeners = [["pointerdown", down], ["pointermove", move], ["pointerup", up], ["pointercancel", up]];
    for (const [name, listener] of listeners) element.addEventListener(name, listener, true);
    window.addEventListener("keydown", key);
    window.addEventListener("keyup", key);
    return () => {
      element.removeEventListener("wheel", wheel);
      for (const [name, listener] of listeners) element.removeEventListener(name, listener, true);
      window.removeEventListener("keydown", key);
      window.removeEventListener("keyup", key);
    };
  }, []);
}

function Crosshair({ stage }) {
  const lines = useRef(null);
  useEffect(() => {
    const element = stage.current;
    const move = (event) => {
      const box = element.getBoundingClientRect();
      lines.current?.style.setProperty("--x", `${event.clientX - box.left}px`);
      lines.current?.style.setProperty("--y", `${event.clientY - box.top}px`);
    };
    element.addEventListener("pointermove", move, true);
    return () => element.removeEventListener("pointermove", move, true);
  }, []);
  return <div className="ty-cross" ref={lines} aria-hidden="true"><i /><b /></div>;
}

/** The names of the boxes' classes, over their upper left corners. */
function Tags({ boxes, selected, colours, size }) {
  const tagged = boxes.length > MOST_TAGS ? boxes.filter((box) => box.id === selected) : boxes;
  return (
    <div className="ty-tags" aria-hidden="true">
      {tagged.map((box) => (
        <span key={box.id} data-selected={box.id === selected} style={{ left: `${(box.box[0] / size[0]) * 100}%`, top: `${(box.box[1] / size[1]) * 100}%`, "--c": colours.get(box.class) }}>
          {box.class}
        </span>
      ))}
    </div>
  );
}

/** What a reviewer marked: where the label is wrong. */
function Meant({ region: [x, y, width, height], size }) {
  const part = (length, whole) => `${(length / whole) * 100}%`;
  const style = { left: part(x, size[0]), top: part(y, size[1]), width: part(width, size[0]), height: part(height, size[1]) };
  return <div className="ty-meant" style={style} aria-hidden="true" data-testid="label-meant" />;
}

export function LabelCanvas({ ref, sample, picture, boxes, selected, colours, editable, hasBoxes, look, meant, onDrawn, onReshaped, onSelect }) {
  const stage = useRef(null);
  const frame = useRef(null);
  const layer = useRef(null);
  const handlers = useRef({});
  handlers.current = { onDrawn, onReshaped, onSelect };
  const isImage = picture instanceof HTMLImageElement;
  const size = isImage ? [picture.naturalWidth, picture.naturalHeight] : null;
  const { view, change, fit } = useView(stage, size, sample.id);
  useGestures(stage, change, layer);
  useImperativeHandle(ref, () => ({
    fit,
    zoom: (factor) => change((now, image, [across, down]) => zoomed(now, factor, [across / 2, down / 2], image, [across, down])),
    actual: () => change((now, image, [across, down]) => zoomed(now, 1 / now.scale, [across / 2, down / 2], image, [across, down])),
    pan: (dx, dy) => change((now, image, stageSize) => panned(now, dx, dy, image, stageSize)),
    /** The part of the image that is seen, as [x, y, width, height]. */
    seen: () => {
      const [across, down] = sizeOf(stage.current);
      return [-view.x / view.scale, -view.y / view.scale, across / view.scale, down / view.scale];
    },
  }));

  useLayoutEffect(() => {
    if (!isImage) return undefined;
    frame.current.append(picture);
    if (!hasBoxes) return () => picture.remove();
    const on = {
      drawn: (rectangle) => handlers.current.onDrawn(rectangle),
      reshaped: (id, rectangle) => handlers.current.onReshaped(id, rectangle),
      selected: (id) => handlers.current.onSelect(id),
    };
    layer.current = boxLayer(picture, { colours, on });
    return () => {
      layer.current.remove();
      layer.current = null;
      picture.remove();
    };
  }, [picture, hasBoxes, colours]);
  useLayoutEffect(() => layer.current?.show(boxes, selected), [picture, boxes, selected, colours]);
  useEffect(() => layer.current?.setEditable(editable), [picture, editable, colours]);

  const shown = view && size ? { width: size[0] * view.scale, height: size[1] * view.scale, transform: `translate(${view.x}px, ${view.y}px)` } : { visibility: "hidden" };
  const style = { ...shown, "--look": `brightness(${look.brightness}) contrast(${look.contrast})` };
  return (
    <div className="ty-stage" ref={stage} data-testid="label-stage" data-cross={look.crosshair} data-scale={view?.scale} data-editable={editable}>
      <div className="ty-plane" style={style} data-sharp={view && view.scale >= 3}>
        <div ref={frame} className="ty-plane-image" data-testid="label-image" />
        {size && meant && <Meant region={meant} size={size} />}
        {size && hasBoxes && <Tags boxes={boxes} selected={selected} colours={colours} size={size} />}
      </div>
      {sample.file_type === "video" && <video className="ty-clip" src={sample.url} controls />}
      {picture === "broken" && <p className="ty-stage-note" role="alert">This image cannot be shown: the file is damaged, or the store does not answer.</p>}
      {look.crosshair && <Crosshair stage={stage} />}
    </div>
  );
}
