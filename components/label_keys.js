/* Keys of the editor: what they do, how a person changes them, and which one was pressed.
 *
 * A combination is written "Ctrl+Shift+z": modifiers in this order, then the key as the browser names it, letters small.
 * Shift is written only where it does not already change the character ("?" and not "Shift+?"). The command key of a Mac
 * counts as Ctrl. A person's own keys replace those of an action; an action may have several keys or none.
 */

const action = (id, group, label, ...keys) => ({ id, group, label, keys });

export const ACTIONS = [
  action("sample.saveNext", "Samples", "Save, and on to the next that waits", "Enter"),
  action("sample.save", "Samples", "Save", "s", "Ctrl+s"),
  action("sample.next", "Samples", "Next sample", "d", "PageDown"),
  action("sample.previous", "Samples", "Previous sample", "a", "PageUp"),
  action("sample.waiting", "Samples", "Next that waits, without saving", "w"),
  action("sample.clear", "Samples", "Take the label away", "Shift+x"),
  action("edit.undo", "Changes", "Undo", "Ctrl+z"),
  action("edit.redo", "Changes", "Redo", "Ctrl+Shift+z", "Ctrl+y"),
  action("box.new", "Boxes", "New box in the middle of the view", "b"),
  action("box.delete", "Boxes", "Delete the box", "Delete", "Backspace"),
  action("box.deleteAll", "Boxes", "Delete all boxes", "Shift+Delete"),
  action("box.duplicate", "Boxes", "Copy the box", "Ctrl+d"),
  action("box.copyPrevious", "Boxes", "Copy the boxes of the previous sample", "v"),
  action("box.next", "Boxes", "Next box", "."),
  action("box.previous", "Boxes", "Previous box", ","),
  action("box.none", "Boxes", "Choose no box", "Escape"),
  action("box.left", "Boxes", "Move left", "ArrowLeft"),
  action("box.right", "Boxes", "Move right", "ArrowRight"),
  action("box.up", "Boxes", "Move up", "ArrowUp"),
  action("box.down", "Boxes", "Move down", "ArrowDown"),
  action("box.leftFast", "Boxes", "Move left by 10", "Shift+ArrowLeft"),
  action("box.rightFast", "Boxes", "Move right by 10", "Shift+ArrowRight"),
  action("box.upFast", "Boxes", "Move up by 10", "Shift+ArrowUp"),
  action("box.downFast", "Boxes", "Move down by 10", "Shift+ArrowDown"),
  action("box.narrower", "Boxes", "Narrower", "Alt+ArrowLeft"),
  action("box.wider", "Boxes", "Wider", "Alt+ArrowRight"),
  action("box.lower", "Boxes", "Less high", "Alt+ArrowUp"),
  action("box.higher", "Boxes", "Higher", "Alt+ArrowDown"),
  action("view.zoomIn", "View", "Closer", "+", "="),
  action("view.zoomOut", "View", "Further away", "-"),
  action("view.fit", "View", "The whole image", "0"),
  action("view.actual", "View", "One pixel is one pixel", "o"),
  action("view.left", "View", "Look further left", "Ctrl+ArrowLeft"),
  action("view.right", "View", "Look further right", "Ctrl+ArrowRight"),
  action("view.up", "View", "Look further up", "Ctrl+ArrowUp"),
  action("view.down", "View", "Look further down", "Ctrl+ArrowDown"),
  action("view.brighter", "View", "Brighter", "]"),
  action("view.darker", "View", "Darker", "["),
  action("view.moreContrast", "View", "More contrast", "}"),
  action("view.lessContrast", "View", "Less contrast", "{"),
  action("view.plain", "View", "Brightness and contrast as they are", "\\"),
  action("view.crosshair", "View", "Crosshair", "c"),
  action("view.boxes", "View", "Hide or show all boxes", "h"),
  action("view.class", "View", "Hide or show the chosen class", "Shift+h"),
  action("help", "Help", "These keys", "?"),
];
const CLASS = "class:";

/** An action for each class: its own key, and 1 to 9 for those without one. */
export function classActions(classes) {
  const taken = new Set(classes.map((known) => known.key).filter(Boolean));
  const digits = [..."123456789"].filter((digit) => !taken.has(digit));
  return classes.map((known) => {
    const key = known.key || digits.shift();
    return action(CLASS + known.name, "Classes", known.name, ...(key ? [key] : []));
  });
}

/** The class that an action chooses, or null. */
export const classOf = (id) => (id.startsWith(CLASS) ? id.slice(CLASS.length) : null);

/** Every action with the keys that count for this person: `own` is `{action id: [keys]}`. */
export function effective(classes, own = {}) {
  // A class's key is named by the dataset, so it wins over what an action has by default.
  const named = classActions(classes);
  const byClasses = new Set(named.flatMap((known) => known.keys));
  const rest = ACTIONS.map((known) => ({ ...known, keys: known.keys.filter((key) => !byClasses.has(key)) }));
  const claimed = new Set(Object.values(own).flat());
  return [...named, ...rest].map((known) =>
    own[known.id] ? { ...known, keys: own[known.id], isOwn: true } : { ...known, keys: known.keys.filter((key) => !claimed.has(key)) },
  );
}

/** Key → id of its action. */
export function bindings(actions) {
  const found = new Map();
  for (const { id, keys } of actions) for (const key of keys) if (!found.has(key)) found.set(key, id);
  return found;
}

/** The other action that has `key` now, or null. */
export const holderOf = (actions, key, id) => actions.find((known) => known.id !== id && known.keys.includes(key)) ?? null;

/** `own` with `key` added to the action called `id`, taken from whoever has it now. */
export function withKey(actions, own, id, key) {
  const changed = { ...own };
  for (const known of actions) {
    if (known.id === id) changed[id] = [...known.keys.filter((one) => one !== key), key];
    else if (known.keys.includes(key)) changed[known.id] = known.keys.filter((one) => one !== key);
  }
  return changed;
}

/** `own` with `key` taken from the action called `id`. */
export function withoutKey(actions, own, id, key) {
  const known = actions.find((one) => one.id === id);
  return { ...own, [id]: (known?.keys ?? []).filter((one) => one !== key) };
}

const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"]);

/** The combination that a keydown event stands for, or "" for a modifier alone. */
export function combination(event) {
  if (MODIFIERS.has(event.key)) return "";
  const isLetter = event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  const isCharacter = event.key.length === 1 && event.key !== " ";
  const key = event.key === " " ? "Space" : isLetter ? event.key.toLowerCase() : event.key;
  const parts = [];
  // AltGr types characters on many keyboards; browsers tell of it as Ctrl and Alt.
  const typed = isCharacter && event.getModifierState?.("AltGraph");
  if ((event.ctrlKey || event.metaKey) && !typed) parts.push("Ctrl");
  if (event.altKey && !typed) parts.push("Alt");
  if (event.shiftKey && (isLetter || !isCharacter)) parts.push("Shift");
  return [...parts, key].join("+");
}

/** True where a key types text or works a control, and is not ours. */
export function isTyping(event) {
  const target = event.target;
  if (!target?.closest) return false;
  if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  if (target.tagName === "INPUT") return !/^(checkbox|radio|range|button)$/.test(target.type) || target.type === "range" && event.key.startsWith("Arrow");
  // Enter and Space press the button that has the focus.
  return (event.key === "Enter" || event.key === " ") && Boolean(target.closest("button, a, summary, [role=menuitem]"));
}

const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Escape: "Esc", PageUp: "PgUp", PageDown: "PgDn", Enter: "Enter", Backspace: "⌫" };

/** A combination as it is shown. */
export function shown(combination) {
  const at = combination.lastIndexOf("+", combination.length - 2);
  const [head, key] = at < 0 ? ["", combination] : [combination.slice(0, at + 1), combination.slice(at + 1)];
  return head + (NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key));
}
