/* Undo and redo over whole values. A value is never changed in place, so a step costs a reference and no copy.
 *
 * Rules: what equals the present is no step; steps with the same `tag` within a moment are one (holding an arrow key
 * moves a box a hundred times and is undone once); a new step forgets what was undone.
 */

const MOST = 300;
const ONE_STEP_MS = 900;

/** A history that begins with `value`. */
export const begin = (value) => ({ past: [], present: value, future: [], tag: "", at: -Infinity });

const same = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/** The history after `value` became the present one at the moment `now` (milliseconds). */
export function step(history, value, { tag = "", now = 0 } = {}) {
  if (same(history.present, value)) return history;
  const goesOn = tag !== "" && tag === history.tag && now - history.at <= ONE_STEP_MS && history.past.length > 0;
  const past = goesOn ? history.past : [...history.past, history.present].slice(-MOST);
  return { past, present: value, future: [], tag, at: now };
}

/** One step back, or the same history where there is none. */
export function undo(history) {
  if (history.past.length === 0) return history;
  const future = [history.present, ...history.future];
  return { past: history.past.slice(0, -1), present: history.past.at(-1), future, tag: "", at: -Infinity };
}

/** One step forward again. */
export function redo(history) {
  if (history.future.length === 0) return history;
  const [present, ...future] = history.future;
  return { past: [...history.past, history.present], present, future, tag: "", at: -Infinity };
}
