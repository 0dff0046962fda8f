/* World map of edge servers: SVG from a file of our own, no tiles, no external request.
 *
 * Rules: a marker says its health by colour, glyph and words; everything the mouse can do the keyboard can do;
 * sites that would overlap are drawn as one marker with a number until one zooms in; a site without a place is listed
 * under the map and never guessed.
 */

import React, { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { geoGraticule10, geoNaturalEarth1, geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";

const WIDTH = 960;
const HEIGHT = 470;
const CLOSEST = 240;
const OVERLAP = 22; // screen units between the middles of two markers
const HEALTH = {
  offline: { word: "Offline", order: 3 }, late: { word: "Late", order: 2 },
  ok: { word: "Healthy", order: 1 }, never: { word: "Not enrolled", order: 0 },
};
const GLYPH = {
  ok: "M-3.4 .2l2.4 2.5 4.5-5", late: "M0-3.8v4.4M0 3.4v.3", offline: "M-2.8-2.8l5.6 5.6M2.8-2.8l-5.6 5.6", never: "M-3 0h6",
};

const projection = geoNaturalEarth1().fitExtent([[6, 6], [WIDTH - 6, HEIGHT - 6]], { type: "Sphere" });
const path = geoPath(projection);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const placed = (site) => Number.isFinite(site.latitude) && Number.isFinite(site.longitude);
const healthOf = (site) => (site.health in HEALTH ? site.health : "never");

function bounded({ k, x, y }) {
  return { k, x: clamp(x, WIDTH * (1 - k), 0), y: clamp(y, HEIGHT * (1 - k), 0) };
}

function zoomedAt(view, factor, [px, py]) {
  const k = clamp(view.k * factor, 1, CLOSEST);
  return bounded({ k, x: px - (px - view.x) * (k / view.k), y: py - (py - view.y) * (k / view.k) });
}

function fitted(points) {
  if (!points.length) return { k: 1, x: 0, y: 0 };
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const spanX = Math.max(...xs) - Math.min(...xs);
  const spanY = Math.max(...ys) - Math.min(...ys);
  const k = clamp(Math.min((WIDTH * 0.72) / Math.max(spanX, 1), (HEIGHT * 0.6) / Math.max(spanY, 1)), 1, 5);
  const x = WIDTH / 2 - ((Math.max(...xs) + Math.min(...xs)) / 2) * k;
  const y = HEIGHT / 2 - ((Math.max(...ys) + Math.min(...ys)) / 2) * k;
  return bounded({ k, x, y });
}

function clustered(sites, view, unit) {
  const groups = [];
  for (const site of sites) {
    const x = site.point[0] * view.k + view.x;
    const y = site.point[1] * view.k + view.y;
    const near = groups.find((group) => Math.hypot(group.x - x, group.y - y) < OVERLAP * unit);
    if (near) near.sites.push(site);
    else groups.push({ x, y, sites: [site] });
  }
  return groups;
}

function ago(iso) {
  if (!iso) return "no heartbeat yet";
  const seconds = Math.max(0, (Date.now() - new Date(iso).getTime()) / 1000);
  if (seconds < 90) return `heartbeat ${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `heartbeat ${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `heartbeat ${Math.round(seconds / 3600)} h ago` : `heartbeat ${Math.round(seconds / 86400)} d ago`;
}

const spoken = (site) => `${site.name}: ${HEALTH[healthOf(site)].word}, ${site.version || "no model"}, ${ago(site.last_heartbeat_at)}`;

/** Width in pixels, so that markers keep their size on the screen however small the map is. */
function useWidth(ref) {
  const [width, setWidth] = useState(WIDTH);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width || WIDTH));
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

function Marker({ group, unit, selected, onOpen, onPoint }) {
  const worst = group.sites.reduce((a, b) => (HEALTH[healthOf(b)].order > HEALTH[healthOf(a)].order ? b : a));
  const health = healthOf(worst);
  const many = group.sites.length > 1;
  const chosen = group.sites.some((site) => site.id === selected);
  const label = many ? `${group.sites.map((site) => site.name).join(", ")}: ${group.sites.length} edge servers, worst: ${HEALTH[health].word}` : spoken(group.sites[0]);
  const radius = many ? 12 : 9;
  return (
    <g
      className="ty-marker" data-health={health} data-selected={chosen} data-testid={many ? "map-cluster" : "map-site"}
      data-site={many ? undefined : group.sites[0].id} role="button" tabIndex={0} aria-label={label} aria-pressed={chosen}
      transform={`translate(${group.x},${group.y}) scale(${unit})`}
      onClick={() => onOpen(group)} onPointerEnter={() => onPoint(group)} onPointerLeave={() => onPoint(null)}
      onFocus={() => onPoint(group)} onBlur={() => onPoint(null)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onOpen(group);
      }}
    >
      {chosen && <circle className="ty-marker-ring" r={radius + 5} />}
      <circle className="ty-marker-dot" r={radius} />
      {many ? <text className="ty-marker-count" dy="3.8" textAnchor="middle">{group.sites.length}</text>
        : <path className="ty-marker-glyph" d={GLYPH[health]} />}
    </g>
  );
}

function Tooltip({ group, width }) {
  const left = clamp((group.x / WIDTH) * 100, 12, 88);
  const below = group.y / HEIGHT < 0.3;
  const shown = group.sites.slice(0, 5);
  return (
    <div className="ty-map-tip" data-below={below} style={{ left: `${left}%`, top: `${(group.y / HEIGHT) * 100}%`, maxWidth: width * 0.8 }} aria-hidden="true">
      {shown.map((site) => (
        <div key={site.id} className="ty-map-tip-site">
          <strong>{site.name}</strong>
          <span data-health={healthOf(site)} className="ty-health-word">{HEALTH[healthOf(site)].word}</span>
          <span className="ty-map-tip-more">{site.version || "no model loaded"} · {ago(site.last_heartbeat_at)}</span>
        </div>
      ))}
      {group.sites.length > shown.length && <span className="ty-map-tip-more">and {group.sites.length - shown.length} more</span>}
    </div>
  );
}

function Legend({ sites }) {
  const counts = Object.keys(HEALTH).map((health) => [health, sites.filter((site) => healthOf(site) === health).length]);
  return (
    <ul className="ty-map-legend" aria-label="Edge servers by health">
      {counts.filter(([, count]) => count > 0).map(([health, count]) => (
        <li key={health} data-health={health}>
          <svg viewBox="-9 -9 18 18" width="14" height="14" className="ty-marker" data-health={health} aria-hidden="true">
            <circle className="ty-marker-dot" r="7.5" /><path className="ty-marker-glyph" d={GLYPH[health]} />
          </svg>
          {HEALTH[health].word} <b>{count}</b>
        </li>
      ))}
    </ul>
  );
}

/** Dragging and pinching with pointer events; a drag does not count as a click on a marker. */
function useDrag(svg, setView) {
  const pointers = useRef(new Map());
  const toMap = useCallback((event) => {
    const box = svg.current.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
  }, [svg]);
  const onPointerDown = (event) => {
    pointers.current.set(event.pointerId, toMap(event));
  };
  const onPointerMove = (event) => {
    const held = pointers.current;
    if (!held.has(event.pointerId)) return;
    const before = held.get(event.pointerId);
    const now = toMap(event);
    if (held.size === 1) {
      if (Math.hypot(now[0] - before[0], now[1] - before[1]) < 2) return;
      if (!svg.current.hasPointerCapture(event.pointerId)) svg.current.setPointerCapture(event.pointerId);
      setView((view) => bounded({ k: view.k, x: view.x + now[0] - before[0], y: view.y + now[1] - before[1] }));
    } else {
      const other = [...held.entries()].find(([id]) => id !== event.pointerId)[1];
      const factor = Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1]));
      setView((view) => zoomedAt(view, factor, [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]));
    }
    held.set(event.pointerId, now);
  };
  const release = (event) => pointers.current.delete(event.pointerId);
  return { toMap, handlers: { onPointerDown, onPointerMove, onPointerUp: release, onPointerCancel: release, onPointerLeave: release } };
}

export function EdgeMap({ worldUrl, sites = [], selected = "", height, onSelect, ...rest }) {
  const svg = useRef(null);
  const [world, setWorld] = useState(null);
  const [problem, setProblem] = useState("");
  const [view, setView] = useState({ k: 1, x: 0, y: 0 });
  const [pointed, setPointed] = useState(null);
  const width = useWidth(svg);
  const touched = useRef(false);

  useEffect(() => {
    const abort = new AbortController();
    fetch(worldUrl, { signal: abort.signal })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the server answered ${answer.status}`))))
      .then((topology) => {
        const { countries } = topology.objects;
        setWorld({ land: path(feature(topology, countries)), borders: path(mesh(topology, countries, (a, b) => a !== b)) });
      })
      .catch((error) => { if (error.name !== "AbortError") setProblem(`The map could not be loaded: ${error.message}.`); });
    return () => abort.abort();
  }, [worldUrl]);

  const located = useMemo(() => sites.filter(placed).map((site) => ({ ...site, id: String(site.id), point: projection([site.longitude, site.latitude]) })), [sites]);
  const homeless = sites.filter((site) => !placed(site));
  const placesKey = located.map((site) => site.point.join(",")).join(";");
  const fit = useCallback(() => setView(fitted(located.map((site) => site.point))), [placesKey]);
  useEffect(() => { if (!touched.current) fit(); }, [fit]);

  const change = useCallback((next) => { touched.current = true; setPointed(null); setView(next); }, []);
  const { toMap, handlers } = useDrag(svg, change);
  useEffect(() => { // React's wheel listeners are passive; this one must keep the page still
    const element = svg.current;
    const onWheel = (event) => {
      event.preventDefault();
      change((old) => zoomedAt(old, Math.exp(-event.deltaY * 0.0022), toMap(event)));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [change, toMap]);

  const unit = WIDTH / Math.max(width, 200);
  const groups = clustered(located, view, unit);
  const middle = [WIDTH / 2, HEIGHT / 2];
  const pan = (dx, dy) => change((old) => bounded({ k: old.k, x: old.x + dx, y: old.y + dy }));
  const open = (group) => {
    const [first] = group.sites;
    const onePlace = group.sites.every((site) => site.point.join() === first.point.join());
    if (!onePlace && view.k < CLOSEST) change((old) => zoomedAt(old, 2.6, [group.x, group.y]));
    else { // nothing to look closer at: each press takes the next one
      const next = group.sites.findIndex((site) => site.id === String(selected)) + 1;
      onSelect?.(group.sites[next % group.sites.length].id);
    }
  };
  const onKeyDown = (event) => {
    const step = 60;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (moves[event.key]) pan(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") change((old) => zoomedAt(old, 1.6, middle));
    else if (event.key === "-") change((old) => zoomedAt(old, 1 / 1.6, middle));
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  };
  const tools = [
    ["Zoom in", "M8 3v10M3 8h10", () => change((old) => zoomedAt(old, 1.6, middle))],
    ["Zoom out", "M3 8h10", () => change((old) => zoomedAt(old, 1 / 1.6, middle))],
    ["Fit to edge servers", "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3", () => { touched.current = false; setPointed(null); fit(); }],
  ];
  const showing = pointed && groups.find((group) => group.sites[0].id === pointed);

  return (
    <div {...rest} className={`ty-map ${rest.className ?? ""}`}>
      <div className="ty-map-stage" onKeyDown={onKeyDown}>
        <svg ref={svg} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={`Map of ${located.length} edge servers. Arrow keys move, plus and minus zoom, 0 fits.`} {...handlers}>
          <g transform={`translate(${view.x},${view.y}) scale(${view.k})`} aria-hidden="true">
            <path className="ty-map-sea" d={path({ type: "Sphere" })} />
            <path className="ty-map-grid" d={path(geoGraticule10())} />
            {world && <path className="ty-map-land" d={world.land} />}
            {world && <path className="ty-map-borders" d={world.borders} />}
          </g>
          {groups.map((group) => (
            <Marker key={group.sites[0].id} group={group} unit={unit} selected={String(selected)} onOpen={open} onPoint={(now) => setPointed(now ? now.sites[0].id : null)} />
          ))}
        </svg>
        {showing && <Tooltip group={showing} width={width} />}
        <div className="ty-map-tools">
          {tools.map(([label, d, act]) => (
            <button key={label} type="button" aria-label={label} title={label} onClick={act}>
              <svg viewBox="0 0 16 16" width="15" height="15" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" aria-hidden="true"><path d={d} /></svg>
            </button>
          ))}
        </div>
        {problem && <p className="ty-map-note" role="alert">{problem}</p>}
      </div>
      <div className="ty-map-foot">
        <Legend sites={sites} />
        {homeless.length > 0 && <span className="ty-muted">Without a place: {homeless.map((site) => site.name).join(", ")}</span>}
      </div>
    </div>
  );
}
