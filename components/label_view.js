/* Where the image lies on the stage: `{scale, x, y}`; a point p of the image is shown at p · scale + (x, y).
 *
 * Rules: what is under the pointer stays there while zooming; an image never leaves the stage altogether.
 */

const CLOSEST = 40; // screen pixels per image pixel
const MARGIN = 24;

/** The whole image in the middle of a stage; sizes are [width, height]. Small images grow. */
export function fitted([width, height], [across, down]) {
  const room = (length) => Math.max(length - 2 * MARGIN, 40);
  const scale = Math.min(room(across) / width, room(down) / height, CLOSEST);
  return { scale, x: (across - width * scale) / 2, y: (down - height * scale) / 2 };
}

/** Held so that at least a piece of the image stays on the stage. */
export function held(view, [width, height], [across, down]) {
  const keep = (offset, length, stage) => Math.min(Math.max(offset, 2 * MARGIN - length * view.scale), stage - 2 * MARGIN);
  return { ...view, x: keep(view.x, width, across), y: keep(view.y, height, down) };
}

/** Zoomed by `factor` with the stage point [px, py] as what stays where it is. */
export function zoomed(view, factor, [px, py], image, stage) {
  const least = Math.min(fitted(image, stage).scale, 1) / 4;
  const scale = Math.min(Math.max(view.scale * factor, least), CLOSEST);
  const ratio = scale / view.scale;
  return held({ scale, x: px - (px - view.x) * ratio, y: py - (py - view.y) * ratio }, image, stage);
}

/** Moved by (dx, dy) screen pixels. */
export const panned = (view, dx, dy, image, stage) => held({ ...view, x: view.x + dx, y: view.y + dy }, image, stage);

/** After two fingers went from `before` to `after` (pairs of stage points): pinch and pan in one. */
export function pinched(view, before, after, image, stage) {
  const middle = ([one, two]) => [(one[0] + two[0]) / 2, (one[1] + two[1]) / 2];
  const apart = ([one, two]) => Math.max(Math.hypot(one[0] - two[0], one[1] - two[1]), 1);
  const [from, to] = [middle(before), middle(after)];
  const near = zoomed(view, apart(after) / apart(before), from, image, stage);
  return panned(near, to[0] - from[0], to[1] - from[1], image, stage);
}

/** The image point under a stage point. */
export const imagePoint = (view, [px, py]) => [(px - view.x) / view.scale, (py - view.y) / view.scale];
