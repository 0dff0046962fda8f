/* The editor: bar, stage and side, put together. What happens is in label_session.js, what keys do in label_actions.js. */

import React, { Suspense, lazy, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { DEEDS, addBox, deleteBox, perform, reshapeBox } from "./label_actions.js";
import { labelApi, reviewApi } from "./label_api.js";
import { draftsOf, sweep } from "./label_drafts.js";
import { LabelHelp } from "./label_help.jsx";
import { bindings, combination, effective, isTyping } from "./label_keys.js";
import { Notes } from "./label_notes.jsx";
import { saver } from "./label_saver.js";
import { decoded, sequence } from "./label_sequence.js";
import { LabelSession, valueOf } from "./label_session.js";
import { Attributes, Boxes, Classes, Keys, Look } from "./label_side.jsx";
import { subscribe } from "./live_socket.js";

const LabelCanvas = lazy(() => import("./label_canvas.jsx").then((module) => ({ default: module.LabelCanvas })));
const PREFERENCE = "label_keys";
const STATUS_WORDS = { unlabeled: "Not labelled", labeled: "Labelled", verified: "Verified", rejected: "Rejected" };
const statusOf = (sample) => (sample.rejection_reason ? "rejected" : sample.is_verified ? "verified" : sample.is_labeled ? "labeled" : "unlabeled");

function filtersOf(search) {
  const query = new URLSearchParams(search);
  return Object.fromEntries([...query].filter(([name, value]) => !["sample", "review"].includes(name) && value));
}

/** A session for this dataset and person, opened at the sample that the address names. */
function useSession({ datasetId, person, task, canWrite }) {
  const session = useMemo(() => {
    const isReview = new URLSearchParams(location.search).has("review");
    const api = isReview ? reviewApi(labelApi(datasetId)) : labelApi(datasetId);
    const samples = sequence({ api, query: filtersOf(location.search), decode: decoded });
    const drafts = draftsOf(localStorage, person, datasetId);
    return new LabelSession({ api, samples, drafts, makeSaver: saver, task, canWrite, isReview });
  }, [datasetId, person, task, canWrite]);
  useEffect(() => {
    sweep(localStorage);
    const wanted = new URLSearchParams(location.search).get("sample");
    void session.begin(wanted, filtersOf(location.search));
    const stop = subscribe(`dataset:${datasetId}`, { onMessage: (data) => data.lease && session.leaseMoved(data.lease) });
    const online = () => session.saver.hurry();
    const asked = (event) => session.saver.pending > 0 && event.preventDefault();
    const gone = () => session.end();
    const back = (event) => event.persisted && session.state.sample && session.open(session.state.sample.id, { fresh: true });
    const listeners = [["online", online], ["beforeunload", asked], ["pagehide", gone], ["pageshow", back]];
    for (const [name, listener] of listeners) window.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of listeners) window.removeEventListener(name, listener);
      stop();
      session.leave();
      session.end();
    };
  }, [session]);
  return [session, useSyncExternalStore(session.subscribe, session.snapshot, session.snapshot)];
}

/** The address names the open sample, so that it can be sent to somebody and survives a reload. */
function useAddress(sampleId) {
  useEffect(() => {
    if (!sampleId) return;
    const url = new URL(location.href);
    if (url.searchParams.get("sample") === sampleId) return;
    url.searchParams.set("sample", sampleId);
    history.replaceState(history.state, "", url);
  }, [sampleId]);
}

/** This person's keys, and a way to change them that is kept by the server. */
function useKeys(session, classes) {
  const [own, setOwn] = useState({});
  const [problem, setProblem] = useState("");
  useEffect(() => {
    session.api.preference(PREFERENCE).then((found) => setOwn(found.value.keys ?? {}), (failure) => setProblem(failure.message));
  }, [session]);
  const change = (keys) => {
    setOwn(keys);
    session.api.setPreference(PREFERENCE, { keys }).then(() => setProblem(""), (failure) => setProblem(`Not kept: ${failure.message}`));
  };
  const actions = useMemo(() => effective(classes, own), [classes, own]);
  return { own, problem, change, actions, bound: useMemo(() => bindings(actions), [actions]) };
}

function useKeyboard(bound, isPaused, act) {
  const latest = useRef({});
  latest.current = { bound, isPaused, act };
  useEffect(() => {
    const press = (event) => {
      if (latest.current.isPaused || event.defaultPrevented || event.isComposing || isTyping(event) || document.querySelector("[role=dialog], dialog[open]")) return;
      const id = latest.current.bound.get(combination(event));
      // The layer under the boxes has an undo of its own, which must never hear of it.
      if (id || (event.ctrlKey && /^[zy]$/i.test(event.key))) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
      if (id) latest.current.act(id);
    };
    window.addEventListener("keydown", press, true);
    return () => window.removeEventListener("keydown", press, true);
  }, []);
}

/** The place that the rejection of this sample is about, or null. */
function useMeant(session, sample) {
  const [meant, setMeant] = useState(null);
  useEffect(() => {
    setMeant(null);
    if (!sample?.rejection_reason) return undefined;
    let isHere = true;
    session.api.rejection(sample.id).then((found) => isHere && setMeant(found?.region ?? null), () => {}); // the reason is shown anyway
    return () => { isHere = false; };
  }, [session, sample?.id, sample?.rejection_reason]);
  return meant;
}

/** For tests and for whoever measures: how long it took from the wish to the painted image. */
function usePainted(state) {
  const [painted, setPainted] = useState("");
  useEffect(() => {
    if (state.phase !== "open") return undefined;
    const frame = requestAnimationFrame(() => requestAnimationFrame((now) => setPainted(String(Math.max(Math.round(now - state.began), 0)))));
    return () => cancelAnimationFrame(frame);
  }, [state.sample?.id, state.phase, state.began]);
  return painted;
}

function Bar({ state, session, actions, act }) {
  const keys = (id) => actions.find((known) => known.id === id)?.keys ?? [];
  const titled = (id) => ({ title: actions.find((known) => known.id === id)?.label, "aria-label": actions.find((known) => known.id === id)?.label, onClick: () => act(id), "data-testid": id });
  const { history } = state;
  return (
    <div className="ty-label-bar" role="toolbar" aria-label="Editor">
      <button type="button" className="ty-tool" {...titled("sample.previous")}>‹</button>
      <button type="button" className="ty-tool" {...titled("sample.next")}>›</button>
      {session.canWrite && <button type="button" className="ty-button" disabled={!session.canEdit} onClick={() => act("sample.saveNext")} data-testid="sample.saveNext">{session.isReview ? "Accept, next" : "Save, next"} <Keys keys={keys("sample.saveNext")} /></button>}
      {session.canWrite && <button type="button" className="ty-button is-quiet" disabled={!session.canEdit} onClick={() => act("sample.save")} data-testid="sample.save">{session.isReview ? "Accept" : "Save"}</button>}
      <SaveState state={state} session={session} />
      <span className="ty-grow" />
      {session.canWrite && <button type="button" className="ty-tool" disabled={!history.past.length} {...titled("edit.undo")}>↶</button>}
      {session.canWrite && <button type="button" className="ty-tool" disabled={!history.future.length} {...titled("edit.redo")}>↷</button>}
      <button type="button" className="ty-tool" {...titled("view.zoomOut")}>−</button>
      <button type="button" className="ty-tool" {...titled("view.fit")}>⤢</button>
      <button type="button" className="ty-tool" {...titled("view.zoomIn")}>+</button>
      <button type="button" className="ty-tool" {...titled("help")}>?</button>
    </div>
  );
}

function SaveState({ state, session }) {
  const { saving, sample } = state;
  const words = { waiting: "Saving…", saving: "Saving…", unreached: "Waits for the server", refused: "Not saved" };
  const word = !sample ? "" : words[saving.is] ?? (session.isChanged ? "Changed, not saved" : STATUS_WORDS[statusOf(sample)]);
  return <span className="ty-label-saved" role="status" data-testid="label-saved" data-is={session.isChanged ? saving.is === "idle" ? "changed" : saving.is : "saved"}>{word}</span>;
}

function Sheet({ state, session, desk, keys, colours }) {
  const { task, classes, selected, hidden, active } = desk;
  const { value } = session;
  const boxes = value.annotations;
  const counts = useMemo(() => boxes.reduce((all, box) => all.set(box.class, (all.get(box.class) ?? 0) + 1), new Map()), [boxes]);
  const keysOf = (name) => keys.actions.find((known) => known.id === `class:${name}`)?.keys ?? [];
  const box = boxes.find((one) => one.id === selected);
  const chosen = task === "detection" ? [box?.class ?? active] : value.labels.classes ?? [value.labels.class];
  const { sample } = state;
  return (
    <aside className="ty-label-side" aria-label="Label">
      {sample.rejection_reason && <div className="ty-callout" data-accent-color="red" data-testid="label-rejected"><div className="ty-callout-text"><strong>Rejected</strong>{sample.rejection_reason}</div></div>}
      {session.isReview && <div className="ty-callout" data-accent-color="blue" data-testid="label-review"><div className="ty-callout-text">You review. What you accept is verified in your name, changed or not; its author stays its author.</div></div>}
      {sample.is_verified && session.isChanged && !session.isReview && <div className="ty-callout" data-accent-color="amber"><div className="ty-callout-text">This label was verified. Saved, it has to be verified again.</div></div>}
      <Classes task={task} classes={classes} chosen={chosen} counts={counts} hidden={hidden} keysOf={keysOf} disabled={!session.canEdit} onChoose={(name) => perform(desk, `class:${name}`)}
        onHide={(name) => desk.setHidden((now) => new Set(now.has(name) ? [...now].filter((one) => one !== name) : [...now, name]))}
        onNone={() => session.change({ labels: { classes: [] }, annotations: [] })} />
      {task === "classification" && session.canWrite && <label className="ty-check"><input type="checkbox" checked={desk.goesOn} onChange={(event) => desk.setGoesOn(event.target.checked)} data-testid="label-goes-on" /> Save and go on once chosen</label>}
      <Attributes box={box} known={classes.find((known) => known.name === box?.class)} disabled={!session.canEdit}
        onChange={(attributes) => session.change({ ...value, annotations: boxes.map((one) => (one.id === selected ? { ...one, attributes } : one)) }, `attributes ${selected}`)} />
      {task === "detection" && <Boxes boxes={boxes} selected={selected} colours={colours} hidden={hidden} disabled={!session.canEdit} onSelect={desk.setSelected} onDelete={(id) => deleteBox(desk, id)} />}
      <Look look={desk.look} onChange={desk.setLook} />
    </aside>
  );
}

function Editor({ datasetId, person, task, classes, canWrite, ...rest }) {
  const [session, state] = useSession({ datasetId, person, task, canWrite });
  const keys = useKeys(session, classes);
  const [selected, setSelected] = useState(null);
  const [active, setActive] = useState(classes[0]?.name ?? "");
  const [hidden, setHidden] = useState(new Set());
  const [look, setLook] = useState({ brightness: 1, contrast: 1, crosshair: false });
  const [help, setHelp] = useState(false);
  const [goesOn, setGoesOn] = useState(false);
  const [compares, setCompares] = useState(false);
  const stage = useRef(null);
  const colours = useMemo(() => new Map(classes.map((known) => [known.name, known.color])), [classes]);
  const { sample, picture } = state;
  const size = picture instanceof HTMLImageElement ? [picture.naturalWidth, picture.naturalHeight] : null;
  const desk = { session, stage, task, classes, selected, setSelected, active, setActive, hidden, setHidden, look, setLook, setHelp, goesOn, setGoesOn, size };
  const act = (id) => (DEEDS[id] || id.startsWith("class:")) && perform(desk, id);
  useKeyboard(keys.bound, help, act);
  useAddress(sample?.id);
  const painted = usePainted(state);
  const meant = useMeant(session, sample);
  useEffect(() => {
    setSelected(null);
    setCompares(false);
  }, [sample?.id]);
  const value = compares && state.conflict ? valueOf(state.conflict.theirs) : session.value;
  const visible = useMemo(() => value.annotations.filter((box) => !hidden.has(box.class)), [value, hidden]);
  return (
    <div {...rest} className="ty-label" data-phase={state.phase} data-sample={sample?.id} data-painted={painted} data-lease={state.lease.is} data-testid="label-editor">
      <Bar state={state} session={session} actions={keys.actions} act={act} />
      <p className="ty-label-small">Labelling wants a larger screen: a tablet or a computer. To look, this one is enough.</p>
      <div className="ty-label-main">
        <div className="ty-label-stage">
          <Notes state={state} session={session} task={task} compares={compares} onCompare={() => setCompares(!compares)} />
          {state.phase === "failed" && <p className="ty-stage-note" role="alert" data-testid="label-problem">{state.problem}</p>}
          {state.phase === "empty" && <p className="ty-stage-note" data-testid="label-empty">There are no samples here yet. Add data first, or take a filter away.</p>}
          {sample && state.phase !== "failed" && (
            <Suspense fallback={<div className="ty-stage" />}>
              <LabelCanvas ref={stage} sample={sample} picture={picture} boxes={visible} selected={selected} colours={colours} editable={session.canEdit && !compares} hasBoxes={task === "detection"} look={look} meant={meant}
                onDrawn={(rectangle) => addBox(desk, rectangle)} onReshaped={(id, rectangle) => reshapeBox(desk, id, rectangle)} onSelect={setSelected} />
            </Suspense>
          )}
          {state.phase === "loading" && <div className="ty-stage-wait" role="status"><span className="ty-hidden">Loading the sample</span></div>}
        </div>
        {sample ? <Sheet state={state} session={session} desk={desk} keys={keys} colours={colours} /> : <aside className="ty-label-side" />}
      </div>
      {help && <LabelHelp actions={keys.actions} own={keys.own} problem={keys.problem} onChange={keys.change} onClose={() => setHelp(false)} />}
    </div>
  );
}

/** Nothing is asked before the page knows dataset, task and person; a page's state may still be that of the dataset before. */
export function LabelEditor({ datasetId = "", person = "", task = "", classes = [], canWrite = false, ...rest }) {
  const isHere = datasetId && person && task && location.pathname.includes(datasetId);
  if (!isHere) return <div {...rest} className="ty-label" data-phase="loading"><div className="ty-label-bar" /><div className="ty-label-main"><div className="ty-label-stage" /><aside className="ty-label-side" /></div></div>;
  return <Editor key={`${datasetId} ${person}`} datasetId={datasetId} person={person} task={task} classes={classes} canWrite={canWrite} {...rest} />;
}
