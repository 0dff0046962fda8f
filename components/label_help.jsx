/* The keys: shown, added, taken away and set back, each person for themselves. Changes are kept by the server. */

import React, { useEffect, useRef, useState } from "react";
import { combination, holderOf, shown, withKey, withoutKey } from "./label_keys.js";

export function LabelHelp({ actions, own, problem, onChange, onClose }) {
  const dialog = useRef(null);
  const [waitsFor, setWaitsFor] = useState(""); // the action that gets the next key
  const [told, setTold] = useState("");
  useEffect(() => {
    const element = dialog.current;
    element.showModal();
    return () => element.close();
  }, []);
  const press = (event) => {
    if (!waitsFor) return;
    event.preventDefault();
    event.stopPropagation();
    const key = combination(event);
    if (!key) return;
    const holder = holderOf(actions, key, waitsFor);
    const name = actions.find((known) => known.id === waitsFor).label;
    setTold(holder ? `${shown(key)} does “${name}” now, and no longer “${holder.label}”.` : `${shown(key)} does “${name}” now.`);
    onChange(withKey(actions, own, waitsFor, key));
    setWaitsFor("");
  };
  const reset = (id) => onChange(Object.fromEntries(Object.entries(own).filter(([known]) => known !== id)));
  const groups = [...new Set(actions.map((known) => known.group))];
  return (
    <dialog className="ty-keys-dialog" ref={dialog} onClose={onClose} onCancel={(event) => waitsFor && (event.preventDefault(), setWaitsFor(""))} onKeyDown={press} aria-labelledby="keys-title" data-testid="label-help">
      <header>
        <h2 id="keys-title">Keys</h2>
        <p className="ty-second">Click + and press a key to add it, or a key to take it away. They are yours, on every machine.</p>
        <button type="button" className="ty-button is-quiet" onClick={() => onChange({})} disabled={Object.keys(own).length === 0} data-testid="keys-reset">Set all back</button>
        <button type="button" className="ty-button" onClick={onClose} data-testid="keys-close">Close</button>
      </header>
      <p className="ty-keys-told" role="status">{problem || told}</p>
      <div className="ty-keys-groups">
        {groups.map((group) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            {actions.filter((known) => known.group === group).map((known) => (
              <div className="ty-keys-line" key={known.id} data-action={known.id}>
                <span>{known.label}</span>
                <span className="ty-keys-own">
                  {known.keys.map((key) => (
                    <button type="button" key={key} className="ty-keycap" onClick={() => onChange(withoutKey(actions, own, known.id, key))} aria-label={`${shown(key)}: take it away from “${known.label}”`} title="Take away"><kbd>{shown(key)}</kbd></button>
                  ))}
                  <button type="button" className="ty-key-add" aria-pressed={waitsFor === known.id} aria-label={`Add a key to “${known.label}”`} onClick={() => setWaitsFor(waitsFor === known.id ? "" : known.id)} data-testid="key-add">
                    {waitsFor === known.id ? "press a key…" : "+"}
                  </button>
                  {known.isOwn && <button type="button" className="ty-key-add" onClick={() => reset(known.id)} aria-label={`Set “${known.label}” back`} title="Set back">↺</button>}
                </span>
              </div>
            ))}
          </section>
        ))}
      </div>
    </dialog>
  );
}
