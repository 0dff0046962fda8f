/* Boxes of a sample: `{id, class, box: [x, y, width, height], attributes}` in pixels of the upright image.
 *
 * Rules: every function returns new values; coordinates are kept to a tenth of a pixel and inside the image; ids stay
 * with their boxes, a copy gets a new one.
 */

export const LEAST = 1; // a box has at least one pixel each way
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const tenth = (number) => Math.round(number * 10) / 10;
const within = (low, number, high) => Math.min(Math.max(number, low), high);

/** A new id that none of `boxes` has. */
export function freshId(boxes, random = Math.random) {
  const taken = new Set(boxes.map((box) => box.id));
  for (;;) {
    const id = "b" + Array.from({ length: 9 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
    if (!taken.has(id)) return id;
  }
}

/** `[x, y, width, height]` inside an image of `size` [width, height]: what lies outside is cut off. */
export function clipped([x, y, width, height], [across, down]) {
  const left = tenth(within(0, Math.min(x, x + width), across - LEAST));
  const top = tenth(within(0, Math.min(y, y + height), down - LEAST));
  const right = within(left + LEAST, Math.max(x, x + width), across);
  const bottom = within(top + LEAST, Math.max(y, y + height), down);
  return [left, top, Math.min(tenth(right - left), tenth(across - left)), Math.min(tenth(bottom - top), tenth(down - top))];
}

/** The rectangle moved by (dx, dy); it stops at the edge and keeps its size. */
export function moved([x, y, width, height], dx, dy, [across, down]) {
  return [tenth(within(0, x + dx, across - width)), tenth(within(0, y + dy, down - height)), width, height];
}

/** The rectangle with its right lower corner moved by (dx, dy). */
export function grown([x, y, width, height], dx, dy, [across, down]) {
  return [x, y, tenth(within(LEAST, width + dx, across - x)), tenth(within(LEAST, height + dy, down - y))];
}

/** `boxes` with the one called `id` changed by `change`. */
export const withChanged = (boxes, id, change) => boxes.map((box) => (box.id === id ? { ...box, ...change(box) } : box));

/** `box` as one of another class; attributes that the class does not have are left behind. */
export function relabelled(box, known) {
  const names = new Set((known.attributes ?? []).map((attribute) => attribute.name));
  const kept = Object.entries(box.attributes ?? {}).filter(([name]) => names.has(name));
  return { ...box, class: known.name, attributes: Object.fromEntries(kept) };
}

/** Copies of `others` (of another image) for an image of `size`; those that equal a box that is here are left out. */
export function copiedInto(boxes, others, size) {
  const result = [...boxes];
  for (const other of others) {
    const box = clipped(other.box, size);
    const known = result.some((one) => one.class === other.class && one.box.every((part, at) => part === box[at]));
    if (!known) result.push({ ...other, id: freshId(result), box, attributes: { ...other.attributes } });
  }
  return result;
}

/** The box after (or, with -1, before) the one called `id` among `boxes`; the first or last where none is. */
export function besides(boxes, id, direction) {
  if (boxes.length === 0) return null;
  const at = boxes.findIndex((box) => box.id === id);
  if (at < 0) return boxes.at(direction > 0 ? 0 : -1).id;
  return boxes[(at + direction + boxes.length) % boxes.length].id;
}
