/* The loop: a closed track with nine stations. Wide screens see the round, phones a line with the way back beside it.
 * The signal at "Approval" is the one place where nothing passes without a person.
 */

import React from "react";
import { Link } from "react-router";

const WIDE = { width: 1080, height: 268, left: 60, right: 1020, top: 84, bottom: 184 };
const TALL = { width: 360, row: 50, x: 52, top: 28 };
const ICONS = {
  dataset: "M-6-5h12v10h-12zM-6 2l4-3 3 2.500 2-1.500 3 2.500",
  labels: "M-6-1v-5h5l7 7-5 5zM-3.500-3.500h.01",
  training: "M-7 0h3l2.500-6 3 12 2.500-6h3",
  model_version: "M0-7l6 3.500v7l-6 3.500-6-3.500v-7zM-6-3.500l6 3.500 6-3.500M0 0v7",
  approval: "M-6 4c2-7 4-9 5-8s-3 8-1 8 2-4 3.500-4 0 3 1.500 3 1.500-1 3-1",
  release: "M-4.500 0l3 3 6-6.500",
  edge: "M-6-6h12v5h-12zM-6 1h12v5h-12zM-3.500-3.500h.01M-3.500 3.500h.01",
  heartbeat: "M0 5.500c-6-4-7-7-5.500-9.500s4.500-1.500 5.500.5c1-2 4-3 5.500-.5s.5 5.500-5.500 9.500z",
  samples: "M-6-3h2l1.500-2h5l1.500 2h2v8.500h-12zM0 3.500a2.500 2.500 0 1 0-.01 0",
};

function wideTrack({ left, right, top, bottom }) {
  const radius = (bottom - top) / 2;
  return `M${left + radius} ${top}H${right - radius}A${radius} ${radius} 0 0 1 ${right - radius} ${bottom}H${left + radius}A${radius} ${radius} 0 0 1 ${left + radius} ${top}Z`;
}

function widePlace(index) {
  const { left, right, top, bottom } = WIDE;
  const first = left + 62;
  const last = right - 62;
  if (index < 5) return { x: first + ((last - first) / 4) * index, y: top, up: true };
  return { x: last - ((last - first) / 4) * (index - 4.5), y: bottom, up: false };
}

function Node({ station }) {
  return (
    <>
      {station.key === "approval" && <circle className="ty-loop-signal" r="25" />}
      <circle className="ty-loop-node" r="19" />
      <path className="ty-loop-icon" d={ICONS[station.key]} />
    </>
  );
}

const shown = (station) => (station.count === "" || station.count === null || station.count === undefined ? "" : String(station.count));
const spoken = (station) => `${station.label}${shown(station) && `: ${shown(station)}`}${station.attention ? ", a person is needed" : ""}`;

function Wagon({ track }) {
  return (
    <g className="ty-loop-wagon" aria-hidden="true">
      {[0, -0.35, -0.7].map((begin) => (
        <rect key={begin} x="-7" y="-3.5" width="14" height="7" rx="3">
          <animateMotion dur="22s" begin={`${begin}s`} repeatCount="indefinite" rotate="auto" path={track} />
        </rect>
      ))}
    </g>
  );
}

function Wide({ stations, moving }) {
  const track = wideTrack(WIDE);
  return (
    <svg className="ty-loop-wide" viewBox={`0 0 ${WIDE.width} ${WIDE.height}`}>
      <path className="ty-loop-bed" d={track} />
      <path className="ty-loop-track" d={track} />
      {moving && <Wagon track={track} />}
      {stations.map((station, index) => {
        const { x, y, up } = widePlace(index);
        return (
          <Link key={station.key} to={station.href} className="ty-loop-station" data-attention={Boolean(station.attention)} data-station={station.key} aria-label={spoken(station)}>
            <g transform={`translate(${x},${y})`}>
              <rect className="ty-loop-hit" x="-84" y={up ? -76 : -28} width="168" height="104" rx="12" />
              <Node station={station} />
              <text className="ty-loop-count" textAnchor="middle" y={up ? -54 : 50}>{shown(station)}</text>
              <text className="ty-loop-label" textAnchor="middle" y={up ? -35 : 68}>{station.label}</text>
            </g>
          </Link>
        );
      })}
    </svg>
  );
}

function Tall({ stations, moving }) {
  const { width, row, x, top } = TALL;
  const bottom = top + row * (stations.length - 1);
  const track = `M${x} ${top}V${bottom}C${x} ${bottom + 26} 16 ${bottom + 26} 16 ${bottom}V${top}C16 ${top - 26} ${x} ${top - 26} ${x} ${top}Z`;
  return (
    <svg className="ty-loop-tall" viewBox={`0 0 ${width} ${bottom + 30}`}>
      <path className="ty-loop-track" d={track} />
      {moving && <Wagon track={track} />}
      {stations.map((station, index) => (
        <Link key={station.key} to={station.href} className="ty-loop-station" data-attention={Boolean(station.attention)} data-station={station.key} aria-label={spoken(station)}>
          <g transform={`translate(${x},${top + row * index})`}>
            <rect className="ty-loop-hit" x="-26" y="-24" width={width - x + 22} height="48" rx="10" />
            <g transform="scale(0.86)"><Node station={station} /></g>
            <text className="ty-loop-label" x="34" y="5">{station.label}</text>
            <text className="ty-loop-count" textAnchor="end" x={width - x - 10} y="6">{shown(station)}</text>
          </g>
        </Link>
      ))}
    </svg>
  );
}

export function LoopDiagram({ stations = [], moving = false, ...rest }) {
  return (
    <nav {...rest} className="ty-loop" aria-label="The loop from samples to edge servers and back">
      <Wide stations={stations} moving={moving} />
      <Tall stations={stations} moving={moving} />
    </nav>
  );
}
