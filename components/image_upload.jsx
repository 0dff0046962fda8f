/* Images and videos into a dataset: choose or drop, watch, pause, and read why a file did not go in. What happens is in upload_run.js. */

import React, { useEffect, useMemo, useReducer, useRef, useState } from "react";
import { memoryOf } from "./upload_memory.js";
import { chosen, dropped } from "./upload_pick.js";
import { entriesOf } from "./upload_plan.js";
import { UploadRun } from "./upload_run.js";

const ROW = 44;
const SHOWN_ROWS = 9;
const REFRESH_MS = 150;
const TELL_MS = 2000;
const WORDS = { waiting: "Waits", sending: "Sending", checking: "Being checked", done: "Added", there: "Already there", refused: "Not added" };
const MARKS = { waiting: "·", sending: "↑", checking: "…", done: "✓", there: "=", refused: "!" };

const readable = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
const plural = (count, one, more) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;

/** A run for the dataset that redraws at most every `REFRESH_MS`. */
function useRun(dataset) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  const timer = useRef(0);
  const run = useMemo(() => {
    const onChange = () => {
      timer.current ||= setTimeout(() => ((timer.current = 0), redraw()), REFRESH_MS);
    };
    return new UploadRun({ dataset, memory: memoryOf(dataset), onChange });
  }, [dataset]);
  useEffect(() => () => (clearTimeout(timer.current), run.pause()), [run]);
  return run;
}

/** The browser asks before the page is left while files are on their way. */
function useLeaveWarning(active) {
  useEffect(() => {
    if (!active) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [active]);
}

function Row({ entry, top }) {
  const percent = entry.size ? Math.round((entry.sent / entry.size) * 100) : 0;
  const note = entry.message || (entry.state === "sending" ? `${percent} %` : "");
  return (
    <li className="ty-upload-row" style={{ top }} data-state={entry.state} data-testid="upload-row">
      <span className="ty-upload-mark" aria-hidden="true">{MARKS[entry.state]}</span>
      <span className="ty-upload-name" title={entry.path}>{entry.path}</span>
      <span className="ty-upload-size">{readable(entry.size)}</span>
      <span className="ty-upload-word">{WORDS[entry.state]}</span>
      <span className="ty-upload-note" title={note}>{note}</span>
    </li>
  );
}

/** Only the rows in sight are drawn, however many files there are. */
function Rows({ entries }) {
  const [first, setFirst] = useState(0);
  const begin = Math.max(0, Math.min(first, entries.length - SHOWN_ROWS) - 4);
  const seen = entries.slice(begin, begin + SHOWN_ROWS + 9);
  const height = Math.min(entries.length, SHOWN_ROWS) * ROW;
  return (
    <div className="ty-upload-rows" style={{ height }} tabIndex={0} role="group" aria-label="Files" onScroll={(event) => setFirst(Math.floor(event.currentTarget.scrollTop / ROW))}>
      <ul style={{ height: entries.length * ROW }}>
        {seen.map((entry, place) => <Row key={begin + place} entry={entry} top={(begin + place) * ROW} />)}
      </ul>
    </div>
  );
}

function Picker({ onFiles, small }) {
  const files = useRef(null);
  const folder = useRef(null);
  const [over, setOver] = useState(false);
  const [reading, setReading] = useState(false);
  const take = async (found) => {
    setReading(true);
    try {
      await onFiles(await found);
    } finally {
      setReading(false);
    }
  };
  const pick = (event) => {
    take(chosen(event.currentTarget));
    event.currentTarget.value = ""; // the same choice again is a choice
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(dropped(event.dataTransfer));
  };
  return (
    <div className={`ty-upload-drop${over ? " is-over" : ""}${small ? " is-small" : ""}`} data-testid="upload-drop" onDrop={drop}
      onDragOver={(event) => (event.preventDefault(), setOver(true))} onDragLeave={() => setOver(false)}>
      <strong>{reading ? "Looking through the files…" : "Drop images, videos or a folder here"}</strong>
      {!small && <span className="ty-muted">JPEG, PNG, WebP, TIFF, BMP or GIF, up to 50 MB each; MP4, MOV, MKV, WebM or AVI, up to 2 GB. Photos are turned upright, and where they were taken is removed.</span>}
      <div className="ty-upload-buttons">
        <button type="button" className="ty-button is-soft" onClick={() => files.current.click()} data-testid="upload-files">Choose files</button>
        <button type="button" className="ty-button is-soft" onClick={() => folder.current.click()} data-testid="upload-folder">Choose a folder</button>
      </div>
      <input ref={files} type="file" multiple hidden accept="image/*,.tif,.tiff,.bmp,video/*,.mkv" onChange={pick} data-testid="upload-files-input" />
      <input ref={folder} type="file" multiple hidden webkitdirectory="" onChange={pick} data-testid="upload-folder-input" />
    </div>
  );
}

function added(run, totals) {
  const videos = run.entries.filter((entry) => entry.isVideo && entry.state === "done").length;
  const images = plural(totals.done - videos, "image", "images");
  if (videos === 0) return images;
  return `${totals.done > videos ? `${images} and ` : ""}${plural(videos, "video", "videos")}`;
}

function said(run, totals, waits) {
  if (run.problem) return run.problem;
  if (run.trouble && run.state === "running") return navigator.onLine === false ? "No connection. It goes on by itself as soon as there is one." : `${run.trouble} Trying again…`;
  if (run.state === "running") return totals.checking === totals.all - totals.settled ? "The server checks the last files…" : `${readable(totals.sent)} of ${readable(totals.bytes)} sent`;
  if (run.state === "pausing") return "Stopping…";
  if (run.state === "paused") return "Paused. What has arrived stays.";
  if (run.state === "finished") return `Finished: ${added(run, totals)} added.`;
  return waits ? `${plural(waits, "file waits", "files wait")}.` : "";
}

function Progress({ run, totals, onStart, onClear }) {
  // Half of the way is that it arrives, half that it is checked: neither is ever shown as done before it is.
  const percent = totals.all ? Math.floor(50 * (totals.settled / totals.all) + 50 * (totals.bytes ? totals.sent / totals.bytes : 1)) : 0;
  const tone = run.problem ? "failed" : run.state === "finished" ? "done" : run.state === "running" ? "running" : "waiting";
  const waits = totals.waiting + totals.sending + totals.checking;
  const running = run.state === "running" || run.state === "pausing";
  return (
    <div className="ty-upload-head">
      <div className="ty-progress" data-tone={tone}>
        <div className="ty-progress-head">
          <span className="ty-progress-label ty-grow" role="status" data-testid="upload-status">{said(run, totals, waits)}</span>
          <span className="ty-progress-value">{percent}%</span>
        </div>
        <div className="ty-progress-track" role="progressbar" aria-label="Upload" aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
          <div className="ty-progress-fill" style={{ transform: `scaleX(${percent / 100})` }} />
        </div>
      </div>
      <div className="ty-upload-buttons">
        {running && <button type="button" className="ty-button is-soft" disabled={run.state === "pausing"} onClick={() => run.pause()} data-testid="upload-pause">Pause</button>}
        {!running && waits > 0 && <button type="button" className="ty-button" onClick={onStart} data-testid="upload-resume">{run.state === "idle" ? "Upload" : "Go on"}</button>}
        {!running && <button type="button" className="ty-button is-soft" onClick={onClear} data-testid="upload-clear">Clear the list</button>}
      </div>
    </div>
  );
}

const FILTERS = [
  ["all", "All", () => true],
  ["refused", "Not added", (entry) => entry.state === "refused"],
  ["there", "Already there", (entry) => entry.state === "there"],
  ["done", "Added", (entry) => entry.state === "done"],
  ["waits", "On their way", (entry) => ["waiting", "sending", "checking"].includes(entry.state)],
];

function Outcomes({ run, totals }) {
  const [filter, setFilter] = useState("all");
  const counts = { all: totals.all, refused: totals.refused, there: totals.there, done: totals.done, waits: totals.all - totals.settled };
  const entries = run.entries.filter(FILTERS.find(([key]) => key === filter)[2]);
  return (
    <>
      <div className="ty-upload-filters" role="group" aria-label="Which files to list">
        {FILTERS.map(([key, label]) => (
          <button key={key} type="button" aria-pressed={filter === key} onClick={() => setFilter(key)} data-testid={`upload-filter-${key}`}>
            {label} <span data-testid={`upload-count-${key}`}>{counts[key].toLocaleString("en")}</span>
          </button>
        ))}
      </div>
      {entries.length > 0 ? <Rows entries={entries} key={filter} /> : <p className="ty-muted ty-upload-none">None.</p>}
    </>
  );
}

export function ImageUpload({ dataset = "", onSettled, ...rest }) {
  const run = useRun(dataset);
  const totals = run.totals();
  const [interrupted, setInterrupted] = useState(0);
  useLeaveWarning(run.state === "running" || run.state === "pausing");
  useEffect(() => {
    if (dataset) memoryOf(dataset).count().then(setInterrupted);
  }, [dataset]);

  // The page around us shows counts of its own; it reads them again when files were settled, and not for each.
  const settled = useRef(0);
  const tell = useRef(onSettled);
  tell.current = onSettled;
  useEffect(() => {
    if (totals.done === settled.current) return undefined;
    const timer = setTimeout(() => ((settled.current = totals.done), tell.current?.()), run.state === "running" ? TELL_MS : 0);
    return () => clearTimeout(timer);
  }, [totals.done, run.state]);

  const begin = () => {
    setInterrupted(0);
    run.start();
  };
  const addFiles = async (files) => {
    if (files.length === 0) return;
    await run.add(entriesOf(files));
    begin();
  };
  const clear = async () => {
    run.entries.length = 0;
    run.state = "idle";
    run.problem = "";
    await run.memory.forget();
    run.onChange();
  };

  return (
    <div {...rest} className="ty-upload">
      {interrupted > 0 && totals.all === 0 && (
        <div className="ty-callout" data-accent-color="blue" role="status" data-testid="upload-interrupted">
          <div className="ty-callout-text">An upload to this dataset was interrupted. Choose the same files or folder again: {plural(interrupted, "file that is", "files that are")} settled already will not be sent again.</div>
        </div>
      )}
      <Picker onFiles={addFiles} small={totals.all > 0} />
      {totals.all > 0 && <Progress run={run} totals={totals} onStart={begin} onClear={clear} />}
      {totals.all > 0 && <Outcomes run={run} totals={totals} />}
    </div>
  );
}
