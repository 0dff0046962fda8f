/* Beside the stage: classes, boxes as a list, the attributes of the selected box, brightness and contrast. */

import React, { useEffect, useRef } from "react";
import { shown } from "./label_keys.js";

export const Keys = ({ keys }) => <span className="ty-keys">{keys.slice(0, 2).map((key) => <kbd key={key}>{shown(key)}</kbd>)}</span>;

/** The classes of the schema: for boxes the one that is drawn next, otherwise what the sample shows. */
export function Classes({ task, classes, chosen, counts, hidden, keysOf, disabled, onChoose, onHide, onNone }) {
  const isChosen = (name) => chosen.includes(name);
  return (
    <section className="ty-label-part" aria-label="Classes">
      <h2>{task === "multilabel" ? "Classes: as many as apply" : "Classes"}</h2>
      <ul className="ty-classes" data-big={task !== "detection"}>
        {classes.map((known) => (
          <li key={known.name} data-hidden={hidden.has(known.name)}>
            <button type="button" className="ty-class" aria-pressed={isChosen(known.name)} disabled={disabled} onClick={() => onChoose(known.name)}
              style={{ "--c": known.color }} data-testid="label-class" data-class={known.name}>
              <i aria-hidden="true" />
              <span>{known.name}</span>
              {task === "detection" && counts.get(known.name) > 0 && <small>{counts.get(known.name)}</small>}
              <Keys keys={keysOf(known.name)} />
            </button>
            {task === "detection" && (
              <button type="button" className="ty-eye" aria-pressed={!hidden.has(known.name)} onClick={() => onHide(known.name)} data-testid="label-hide"
                aria-label={`${hidden.has(known.name) ? "Show" : "Hide"} the boxes of ${known.name}`} title={hidden.has(known.name) ? "Show" : "Hide"}>
                <Eye isShut={hidden.has(known.name)} />
              </button>
            )}
          </li>
        ))}
      </ul>
      {task === "multilabel" && (
        <button type="button" className="ty-button is-quiet" disabled={disabled} onClick={onNone} data-testid="label-none">None of these</button>
      )}
    </section>
  );
}

const Eye = ({ isShut }) => (
  <svg width="15" height="15" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
    <path d="M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.600 6.500-10 6.500S2 12 2 12Z" /><circle cx="12" cy="12" r="2.800" />
    {isShut && <path d="M4 20 20 4" />}
  </svg>
);

/** Every box as a line that can have the focus: what is drawn by hand is read and reached without one, too. */
export function Boxes({ boxes, selected, colours, hidden, disabled, onSelect, onDelete }) {
  const list = useRef(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  return (
    <section className="ty-label-part is-list" aria-label="Boxes">
      <h2>Boxes <small data-testid="label-count">{boxes.length}</small></h2>
      {boxes.length === 0 && <p className="ty-second">Drag over the image to draw one, or press B. Saved without a box, it says: nothing here.</p>}
      <ul className="ty-boxes" ref={list}>
        {boxes.map((box, place) => (
          <li key={box.id} data-hidden={hidden.has(box.class)}>
            <button type="button" aria-current={box.id === selected} onClick={() => onSelect(box.id)} onFocus={() => onSelect(box.id)} style={{ "--c": colours.get(box.class) }} data-testid="label-box"
              aria-label={`Box ${place + 1}, ${box.class}, ${Math.round(box.box[2])} by ${Math.round(box.box[3])} pixels at ${Math.round(box.box[0])}, ${Math.round(box.box[1])}`}>
              <i aria-hidden="true" />
              <span>{box.class}</span>
              <small>{Math.round(box.box[2])} × {Math.round(box.box[3])}</small>
            </button>
            <button type="button" className="ty-eye" disabled={disabled} onClick={() => onDelete(box.id)} aria-label={`Delete box ${place + 1}`} title="Delete">×</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the class of the selected box lets one say about it. */
export function Attributes({ box, known, disabled, onChange }) {
  if (!box || !known?.attributes?.length) return null;
  const set = (name, value) => onChange({ ...box.attributes, [name]: value });
  const drop = (name) => onChange(Object.fromEntries(Object.entries(box.attributes).filter(([key]) => key !== name)));
  return (
    <section className="ty-label-part" aria-label="Attributes of the box">
      <h2>{known.name}</h2>
      {known.attributes.map((attribute) => {
        const value = box.attributes?.[attribute.name];
        const common = { disabled, id: `attribute-${attribute.name}` };
        return (
          <label key={attribute.name} className="ty-attribute" htmlFor={common.id}>
            <span>{attribute.name}</span>
            {attribute.type === "flag" && <input {...common} type="checkbox" checked={value === true} onChange={(event) => set(attribute.name, event.target.checked)} />}
            {attribute.type === "choice" && (
              <select {...common} className="ty-select" value={value ?? ""} onChange={(event) => (event.target.value ? set(attribute.name, event.target.value) : drop(attribute.name))}>
                <option value="">not said</option>
                {(attribute.choices ?? []).map((choice) => <option key={choice}>{choice}</option>)}
              </select>
            )}
            {attribute.type === "text" && <input {...common} type="text" maxLength={1000} value={value ?? ""} onChange={(event) => (event.target.value ? set(attribute.name, event.target.value) : drop(attribute.name))} />}
            {attribute.type === "number" && (
              <input {...common} type="number" step="any" value={value ?? ""}
                onChange={(event) => (Number.isFinite(event.target.valueAsNumber) ? set(attribute.name, event.target.valueAsNumber) : drop(attribute.name))} />
            )}
          </label>
        );
      })}
    </section>
  );
}

export function Look({ look, onChange }) {
  const slider = (name, label) => (
    <label className="ty-attribute">
      <span>{label}</span>
      <input type="range" min="0.2" max="3" step="0.05" value={look[name]} aria-valuetext={`${Math.round(look[name] * 100)} %`} onChange={(event) => onChange({ ...look, [name]: Number(event.target.value) })} />
    </label>
  );
  return (
    <details className="ty-label-part" aria-label="How the image is shown">
      <summary>View{look.brightness !== 1 || look.contrast !== 1 ? " (changed)" : ""}</summary>
      {slider("brightness", "Brightness")}
      {slider("contrast", "Contrast")}
      <label className="ty-check"><input type="checkbox" checked={look.crosshair} onChange={(event) => onChange({ ...look, crosshair: event.target.checked })} /> Crosshair</label>
      <button type="button" className="ty-button is-quiet" onClick={() => onChange({ ...look, brightness: 1, contrast: 1 })}>As it is</button>
    </details>
  );
}
