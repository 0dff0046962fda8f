/* Live curves: a snapshot by REST, then points from the shared socket, drawn once per animation frame.
 *
 * Rules: per series a point is taken only when its step is newer than the last one held, so a snapshot and the stream
 * may overlap; a series holds at most LIMIT points (older ones are thinned to every second); the zoom a person chose
 * stays; without Plotly (chunk not loaded, browser too old) the latest values are still told in words.
 */

import React, { useCallback, useEffect, useId, useMemo, useRef, useState } from "react";
import { subscribe } from "./live_socket.js";
import { useThemeColours } from "./theme_colours.js";

const LIMIT = 5000;
const SMOOTHING = 0.85;
const FINISHED = new Set(["completed", "failed", "cancelled"]);
const STATE_WORDS = { live: "Live", connecting: "Connecting", reconnecting: "Reconnecting", finished: "Finished" };

const wordFor = (name) => {
  const words = name.replaceAll("_", " ").replace(/^val /, "validation ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

function showValue(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(2);
  return value.toFixed(size < 10 ? 4 : 1);
}

function thin(series) {
  if (series.step.length <= LIMIT) return false;
  const last = series.step.length - 1;
  const keep = (_, index) => index % 2 === 0 || index === last;
  series.step = series.step.filter(keep);
  series.value = series.value.filter(keep);
  return true;
}

/** Exponential moving average with the bias of the first points removed (as TensorBoard draws it). */
function smooth(values) {
  let mean = 0;
  let weight = 1;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    mean = mean * SMOOTHING + value * (1 - SMOOTHING);
    weight *= SMOOTHING;
    return mean / (1 - weight);
  });
}

function layoutFor(colours, { yLabel, logY, xLabel, height }) {
  const axis = {
    gridcolor: colours.hair, linecolor: colours.line, zeroline: false, tickfont: { size: 11, color: colours.soft },
    ticks: "", automargin: true, fixedrange: false,
  };
  return {
    height, autosize: true, uirevision: "keep", showlegend: false, hovermode: "x unified", dragmode: "zoom",
    margin: { l: 52, r: 12, t: 6, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 12, color: colours.ink },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.line, font: { color: colours.ink, size: 12 } },
    xaxis: { ...axis, title: { text: xLabel, font: { size: 11, color: colours.soft }, standoff: 8 }, rangemode: "tozero" },
    yaxis: {
      ...axis, title: { text: yLabel, font: { size: 11, color: colours.soft }, standoff: 8 }, type: logY ? "log" : "linear",
    },
  };
}

function tracesFor(names, store, colours, smoothing, hidden) {
  return names.flatMap((name, index) => {
    const series = store[name];
    const colour = colours.curves[index % colours.curves.length];
    const few = series.step.length < 60;
    const base = {
      type: "scatter", x: series.step, name: wordFor(name), visible: !hidden.has(name),
      mode: few ? "lines+markers" : "lines", marker: { size: 4 }, connectgaps: true,
    };
    const raw = {
      ...base, y: series.value, line: { color: colour, width: smoothing ? 1 : 1.75 }, opacity: smoothing ? 0.28 : 1,
      hoverinfo: smoothing ? "skip" : "all",
    };
    return smoothing ? [raw, { ...base, mode: "lines", y: smooth(series.value), line: { color: colour, width: 2 } }] : [raw];
  });
}

/** Points of all series, outside React: they change many times a second and nothing but the plot looks at them. */
function useSeries(topic, snapshotUrl, names, onDrawn) {
  const store = useRef({});
  const [link, setLink] = useState(topic ? "connecting" : "finished");
  const [problem, setProblem] = useState("");
  const key = names.join(",");

  useEffect(() => {
    const wanted = key ? key.split(",") : [];
    store.current = Object.fromEntries(wanted.map((name) => [name, { step: [], value: [] }]));
    let gone = false;
    let finished = false;
    let frame = 0;
    let fresh = {};
    let rebuilt = true;
    const abort = new AbortController();

    const draw = () => {
      frame = 0;
      if (gone) return;
      onDrawn(rebuilt ? null : fresh);
      fresh = {};
      rebuilt = false;
    };
    const drawSoon = () => { if (!frame) frame = requestAnimationFrame(draw); };

    const add = (name, step, value) => {
      const series = store.current[name];
      if (!series || !Number.isFinite(step)) return;
      if (series.step.length && step <= series.step[series.step.length - 1]) return;
      series.step.push(step);
      series.value.push(Number.isFinite(value) ? value : null);
      const list = (fresh[name] ??= { x: [], y: [] });
      list.x.push(step);
      list.y.push(Number.isFinite(value) ? value : null);
      if (thin(series)) rebuilt = true;
    };

    const snapshot = async () => {
      if (!snapshotUrl) return;
      try {
        const answer = await fetch(snapshotUrl, { credentials: "same-origin", signal: abort.signal });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        const body = await answer.json();
        for (const name of wanted) {
          const points = body.series?.[name];
          points?.step.forEach((step, index) => add(name, step, points.value[index]));
        }
        setProblem("");
        drawSoon();
      } catch (error) {
        if (!gone) setProblem(`The curves could not be loaded: ${error.message}.`);
      }
    };

    const stop = topic ? subscribe(topic, {
      onOpen: snapshot,
      onState: (state) => {
        if (finished) return;
        setLink(state === "open" ? "live" : state === "waiting" ? "reconnecting" : "connecting");
      },
      onMessage: (data) => {
        for (const point of data?.points ?? []) add(point.name, point.step, point.value);
        if (FINISHED.has(data?.status)) {
          finished = true;
          setLink("finished");
        }
        if (data?.points?.length) drawSoon();
      },
    }) : null;
    drawSoon();
    snapshot(); // history does not wait for the socket
    return () => {
      gone = true;
      abort.abort();
      cancelAnimationFrame(frame);
      stop?.();
    };
  }, [topic, snapshotUrl, key, onDrawn]);

  return [store, link, problem];
}

function LinkMark({ link }) {
  return (
    <span className="ty-live" data-link={link} data-testid="live-mark" role="status">
      <span className="ty-live-dot" aria-hidden="true" />
      {STATE_WORDS[link]}
    </span>
  );
}

export function LiveChart({
  topic = "", snapshotUrl = "", names = [], title = "", yLabel = "", xLabel = "step", height = 260, logY = false,
  finished = false, smoothable = true, ...rest
}) {
  const plot = useRef(null);
  const plotly = useRef(null);
  const headingId = useId();
  const colours = useThemeColours(plot);
  const [ready, setReady] = useState(false);
  const [smoothing, setSmoothing] = useState(false);
  const [hidden, setHidden] = useState(() => new Set());
  const [latest, setLatest] = useState({});
  const look = useRef({});
  look.current = { colours, smoothing, hidden, names, yLabel, xLabel, logY, height };

  const tellLatest = useCallback((store) => {
    setLatest((old) => {
      const next = {};
      for (const name of look.current.names) {
        const series = store[name];
        if (series?.step.length) next[name] = { step: series.step.at(-1), value: series.value.at(-1) };
      }
      return JSON.stringify(old) === JSON.stringify(next) ? old : next;
    });
  }, []);

  const storeRef = useRef({});
  const redraw = useCallback(() => {
    const now = look.current;
    if (!plotly.current || !plot.current || !now.colours) return;
    const traces = tracesFor(now.names, storeRef.current, now.colours, now.smoothing, now.hidden);
    plotly.current.react(plot.current, traces, layoutFor(now.colours, now), { responsive: true, displayModeBar: false });
  }, []);

  const onDrawn = useCallback((fresh) => {
    const now = look.current;
    tellLatest(storeRef.current);
    if (!fresh || now.smoothing || !plot.current?.data?.length) return redraw();
    const indices = now.names.map((name, index) => (fresh[name] ? index : -1)).filter((index) => index >= 0);
    if (!indices.length) return undefined;
    const held = storeRef.current[now.names[indices[0]]].step.length;
    if (held < 80) return redraw(); // markers come off and axes settle while the curve is young
    // The plot shares no arrays with the store after extendTraces; the store stays the truth for the next redraw.
    return redrawOrExtend(plotly.current, plot.current, now.names, indices, fresh, redraw);
  }, [redraw, tellLatest]);

  const [store, link, problem] = useSeries(topic, snapshotUrl, names, onDrawn);
  storeRef.current = store.current;
  const nameKey = names.join(",");

  useEffect(() => {
    let gone = false;
    import("plotly.js-cartesian-dist-min").then((module) => {
      if (gone) return;
      plotly.current = module.default ?? module;
      setReady(true);
    });
    return () => { gone = true; };
  }, []);
  useEffect(() => { storeRef.current = store.current; redraw(); },
    [ready, colours, smoothing, hidden, nameKey, yLabel, xLabel, logY, height, redraw, store]);
  useEffect(() => {
    const element = plot.current;
    return () => { if (element && plotly.current) plotly.current.purge(element); };
  }, []);

  const empty = Object.keys(latest).length === 0;
  const spoken = useMemo(
    () => `${title}. ${names.filter((name) => latest[name]).map((name) => `${wordFor(name)} ${showValue(latest[name].value)} at step ${latest[name].step}`).join(", ") || "No points yet"}.`,
    [title, nameKey, latest],
  );
  const toggle = (name) => setHidden((old) => {
    const next = new Set(old);
    if (!next.delete(name)) next.add(name);
    return next;
  });

  return (
    <section {...rest} className={`ty-chart ${rest.className ?? ""}`} aria-labelledby={headingId}>
      <header className="ty-chart-head">
        <h3 id={headingId} className="ty-chart-title">{title}</h3>
        <LinkMark link={finished ? "finished" : link} />
        <span className="ty-grow" />
        {smoothable && (
          <button type="button" className="ty-toggle" aria-pressed={smoothing} onClick={() => setSmoothing((on) => !on)}>
            Smooth
          </button>
        )}
      </header>
      <ul className="ty-legend" aria-label="Curves">
        {names.map((name, index) => (
          <li key={name}>
            <button type="button" className="ty-legend-item" aria-pressed={!hidden.has(name)} onClick={() => toggle(name)}
              title={hidden.has(name) ? "Show this curve" : "Hide this curve"}>
              <span className="ty-legend-line" style={{ background: colours?.curves[index % colours.curves.length] }} aria-hidden="true" />
              {wordFor(name)}
              <span className="ty-legend-value">{latest[name] ? showValue(latest[name].value) : "–"}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="ty-chart-plot" style={{ height }}>
        <div ref={plot} role="img" aria-label={spoken} style={{ height }} data-testid="live-chart-plot" data-points={Object.values(latest).reduce((most, point) => Math.max(most, point.step), -1)} />
        {problem ? <p className="ty-chart-note" role="alert">{problem}</p>
          : empty && <p className="ty-chart-note">{(finished || link === "finished") ? "No points were recorded" : "No points yet: the curve starts with the first report"}</p>}
      </div>
    </section>
  );
}

function redrawOrExtend(Plotly, element, names, indices, fresh, redraw) {
  if (element.data.length !== names.length) return redraw();
  const x = indices.map((index) => fresh[names[index]].x);
  const y = indices.map((index) => fresh[names[index]].y);
  return Plotly.extendTraces(element, { x, y }, indices);
}
