/* Draws a plotly figure dict in the theme's colours; the figure itself names none. */

import React, { useEffect, useRef, useState } from "react";
import { useThemeColours } from "./theme_colours.js";

function themed(layout, colours, height) {
  const axis = (given = {}) => ({
    gridcolor: colours.hair, linecolor: colours.line, zeroline: false, tickfont: { size: 11, color: colours.soft }, automargin: true,
    ...given, title: { font: { size: 11, color: colours.soft }, standoff: 8, ...given.title },
  });
  return {
    autosize: true, showlegend: false, margin: { l: 48, r: 12, t: 8, b: 36 }, hovermode: "closest", uirevision: "keep",
    ...layout, height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", colorway: colours.curves,
    font: { family: colours.font, size: 12, color: colours.ink },
    legend: { orientation: "h", y: 1.12, font: { size: 12, color: colours.soft }, ...layout?.legend },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.line, font: { color: colours.ink, size: 12 } },
    xaxis: axis(layout?.xaxis), yaxis: axis(layout?.yaxis),
  };
}

export function Figure({ figure, label = "", height = 240, ...rest }) {
  const plot = useRef(null);
  const colours = useThemeColours(plot);
  const [Plotly, setPlotly] = useState(null);
  useEffect(() => {
    let gone = false;
    import("plotly.js-cartesian-dist-min").then((module) => { if (!gone) setPlotly(() => module.default ?? module); });
    return () => { gone = true; };
  }, []);
  useEffect(() => {
    if (!Plotly || !colours || !figure) return;
    Plotly.react(plot.current, structuredClone(figure.data ?? []), themed(figure.layout, colours, height), { responsive: true, displayModeBar: false });
  }, [Plotly, colours, figure, height]);
  useEffect(() => {
    const element = plot.current;
    return () => { if (Plotly && element) Plotly.purge(element); };
  }, [Plotly]);
  return <div {...rest} ref={plot} role="img" aria-label={label} style={{ height }} />;
}
