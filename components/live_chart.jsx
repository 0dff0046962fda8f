/* Live curves: a snapshot by REST, then points from the tab's one socket, drawn at most once per animation frame.
 *
 * Rules: the zoom a person chose stays; light and dark follow the theme; without Plotly (chunk not loaded) the latest
 * values are still told in words; the size is fixed from the first paint, so nothing jumps.
 */

import React, { useCallback, useEffect, useId, useRef, useState } from "react";
import { LiveSeries, colourIndices, showValue, smooth, wordFor } from "./live_series.js";
import { LINK_WORDS, linkOf, subscribe } from "./live_socket.js";
import { useThemeColours } from "./theme_colours.js";

const YOUNG = 80; // points below which the whole plot is drawn anew: dots come off and axes settle
const RETRY_MS = 5000;
const FINISHED = new Set(["completed", "failed", "cancelled"]);

function layoutFor({ colours, yLabel, xLabel, logY, height }) {
  const title = (text) => ({ text, font: { size: 11, color: colours.soft }, standoff: 8 });
  const axis = {
    gridcolor: colours.hair, linecolor: colours.line, zeroline: false, tickfont: { size: 11, color: colours.soft },
    ticks: "", automargin: true,
  };
  return {
    height, autosize: true, uirevision: "keep", showlegend: false, hovermode: "x unified", dragmode: "zoom",
    margin: { l: 48, r: 12, t: 8, b: 36 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 12, color: colours.ink },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.line, font: { color: colours.ink, size: 12 } },
    xaxis: { ...axis, title: title(xLabel), rangemode: "tozero" },
    yaxis: { ...axis, title: title(yLabel), type: logY ? "log" : "linear", nticks: 6, hoverformat: ".4~g" },
  };
}

function tracesFor({ names, colours, smoothing, hidden }, points) {
  const indices = colourIndices(names);
  return names.flatMap((name, place) => {
    const { step, value } = points.series[name] ?? { step: [], value: [] };
    const color = colours.curves[indices[place] % colours.curves.length];
    // Copies: Plotly appends to the arrays it is given.
    const base = { type: "scatter", x: step.slice(), name: wordFor(name), visible: !hidden.has(name), marker: { size: 4, color } };
    const raw = {
      ...base, y: value.slice(), mode: step.length < 40 ? "lines+markers" : "lines", opacity: smoothing ? 0.28 : 1,
      line: { color, width: smoothing ? 1 : 1.75 }, hoverinfo: smoothing ? "skip" : "all",
    };
    return smoothing ? [raw, { ...base, y: smooth(value), mode: "lines", line: { color, width: 2 } }] : [raw];
  });
}

/** Feeds a LiveSeries and calls onPoints once per frame. Returns how the link is, and what went wrong with the history. */
function usePoints({ topic, snapshotUrl, nameKey, onPoints }) {
  const points = useRef(null);
  const [link, setLink] = useState(topic ? "connecting" : "finished");
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const series = new LiveSeries(nameKey ? nameKey.split(",") : []);
    points.current = series;
    const abort = new AbortController();
    let over = false;
    let frame = 0;
    let retry = 0;
    const drawSoon = () => {
      frame ||= requestAnimationFrame(() => { frame = 0; onPoints(series); });
    };
    const read = async () => {
      const answer = await fetch(snapshotUrl, { credentials: "same-origin", signal: abort.signal });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      return answer.json();
    };
    const snapshot = async () => {
      clearTimeout(retry);
      if (!snapshotUrl) return;
      try {
        await series.awaitSnapshot(read());
        setProblem("");
        drawSoon();
      } catch (error) {
        if (abort.signal.aborted) return;
        setProblem(`The history could not be loaded: ${error.message}. Trying again.`);
        retry = setTimeout(snapshot, RETRY_MS);
      }
    };
    const onMessage = (data) => {
      series.stream(data?.points ?? []);
      if (data?.points?.length) drawSoon();
      if (!FINISHED.has(data?.status)) return;
      over = true;
      setLink("finished");
    };
    const onState = (state) => {
      if (!over) setLink(linkOf(state));
    };
    const stop = topic ? subscribe(topic, { onOpen: snapshot, onMessage, onState }) : () => {};
    snapshot(); // history does not wait for the socket
    drawSoon();
    return () => {
      abort.abort();
      clearTimeout(retry);
      cancelAnimationFrame(frame);
      stop();
    };
  }, [topic, snapshotUrl, nameKey, onPoints]);

  return [points, link, problem];
}

function LinkMark({ link, problem }) {
  return (
    <span className="ty-live" data-link={link} data-testid="live-mark" role="status" title={problem || undefined}>
      <span className="ty-live-dot" aria-hidden="true" />
      {LINK_WORDS[link]}{problem && ", history missing"}
    </span>
  );
}

function Legend({ names, latest, hidden, colours, onToggle }) {
  const indices = colourIndices(names);
  return (
    <ul className="ty-legend" aria-label="Curves">
      {names.map((name, place) => (
        <li key={name}>
          <button type="button" className="ty-legend-item" aria-pressed={!hidden.has(name)} onClick={() => onToggle(name)}
            title={hidden.has(name) ? "Show this curve" : "Hide this curve"}>
            <span className="ty-legend-line" style={{ background: colours?.curves[indices[place] % colours.curves.length] }} aria-hidden="true" />
            {wordFor(name)}
            <span className="ty-legend-value">{latest[name] ? showValue(latest[name].value) : "–"}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function spoken(title, names, latest) {
  const told = names.filter((name) => latest[name])
    .map((name) => `${wordFor(name)} ${showValue(latest[name].value)} at step ${latest[name].step}`);
  return `${title}: ${told.join(", ") || "no points yet"}`;
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
  look.current = { names, colours, smoothing, hidden, yLabel, xLabel, logY, height };

  const draw = useCallback((series) => {
    const now = look.current;
    if (!series || !plotly.current || !plot.current || !now.colours) return;
    const { fresh, rebuilt } = series.take();
    const drawn = plot.current.data?.length === now.names.length;
    const indices = now.names.flatMap((name, index) => (fresh[name] ? [index] : []));
    const grown = indices.every((index) => series.count(now.names[index]) > YOUNG);
    if (rebuilt || !drawn || !grown || now.smoothing) {
      plotly.current.react(plot.current, tracesFor(now, series), layoutFor(now), { responsive: true, displayModeBar: false });
    } else if (indices.length) {
      const column = (axis) => indices.map((index) => fresh[now.names[index]][axis]);
      plotly.current.extendTraces(plot.current, { x: column("x"), y: column("y") }, indices);
    }
  }, []);
  const onPoints = useCallback((series) => {
    draw(series);
    setLatest(series.latest());
  }, [draw]);

  const nameKey = names.join(",");
  const [points, link, problem] = usePoints({ topic, snapshotUrl, nameKey, onPoints });

  useEffect(() => {
    let gone = false;
    import("plotly.js-cartesian-dist-min").then((module) => {
      if (gone) return;
      plotly.current = module.default ?? module;
      setReady(true);
    });
    const element = plot.current;
    return () => {
      gone = true;
      if (element && plotly.current) plotly.current.purge(element);
    };
  }, []);
  useEffect(() => { // another look: draw everything anew
    if (!points.current) return;
    points.current.rebuilt = true;
    draw(points.current);
  }, [ready, colours, smoothing, hidden, nameKey, yLabel, xLabel, logY, height, draw, points]);

  const empty = Object.keys(latest).length === 0;
  const over = finished || link === "finished";
  const toggle = (name) => setHidden((old) => {
    const next = new Set(old);
    if (!next.delete(name)) next.add(name);
    return next;
  });
  return (
    <section {...rest} className="ty-chart" aria-labelledby={headingId}>
      <header className="ty-chart-head">
        <h2 id={headingId} className="ty-chart-title">{title}</h2>
        <LinkMark link={over ? "finished" : link} problem={problem} />
        <span className="ty-grow" />
        {smoothable && <button type="button" className="ty-toggle" aria-pressed={smoothing} onClick={() => setSmoothing(!smoothing)}>Smooth</button>}
      </header>
      <Legend names={names} latest={latest} hidden={hidden} colours={colours} onToggle={toggle} />
      <div className="ty-chart-plot" data-empty={empty} style={{ height }}>
        <div ref={plot} role="img" aria-label={spoken(title, names, latest)} style={{ height }} data-testid="live-chart-plot"
          data-last-step={Object.values(latest).reduce((most, { step }) => Math.max(most, step), -1)} />
        {empty && (
          <p className="ty-chart-note">
            {problem || (over ? "No points were recorded" : "No points yet. The curve starts with the first report.")}
          </p>
        )}
      </div>
    </section>
  );
}
