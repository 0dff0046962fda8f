/* The boxes on the image: Annotorious draws, selects, moves and resizes them; what they are is decided by the caller.
 *
 * Rules: the caller's boxes are the truth, and are put in by difference, so that nothing loses its selection; when a
 * gesture ends, what it changed is told once. A press beside the selected box begins a new one at once, which
 * Annotorious alone answers with taking the selection away only. Its own undo is never reached: keys end before it.
 */

import { createImageAnnotator } from "@annotorious/annotorious";

const shapeOf = ([x, y, w, h]) => ({
  type: "RECTANGLE",
  geometry: { x, y, w, h, rot: 0, bounds: { minX: x, minY: y, maxX: x + w, maxY: y + h } },
});
const annotationOf = (box) => ({
  id: box.id,
  bodies: [{ id: `${box.id}-class`, annotation: box.id, purpose: "tagging", value: box.class }],
  target: { annotation: box.id, selector: shapeOf(box.box) },
});
const rectangleOf = (annotation) => {
  const { x, y, w, h } = annotation.target.selector.geometry;
  return [x, y, w, h];
};
const classOf = (annotation) => annotation.bodies?.find((body) => body.purpose === "tagging")?.value;
const differs = (one, other) => one.some((part, at) => Math.abs(part - other[at]) > 0.049);

/** Lay boxes over `image` (which stands in the document). `on` has drawn(rectangle), reshaped(id, rectangle), selected(id). */
export function boxLayer(image, { colours, on }) {
  let shown = new Map(); // id → box as it was put in
  let selected = null;
  const style = (annotation, state) => {
    const colour = colours.get(classOf(annotation)) ?? "#ffffff";
    return { stroke: colour, strokeWidth: state?.selected || annotation.id === selected ? 3 : 2, fill: colour, fillOpacity: state?.hovered ? 0.22 : 0.08 };
  };
  const layer = createImageAnnotator(image, { drawingMode: "drag", style, theme: "light" });
  layer.setDrawingTool("rectangle");
  const host = layer.element;
  host.style.display = "block";
  const svg = host.querySelector("svg.a9s-annotationlayer");
  svg.setAttribute("tabindex", "-1"); // boxes are reached through their list
  svg.setAttribute("aria-hidden", "true");

  // It is told a moment later, also of what we select ourselves: what is selected by then counts, or both would undo
  // each other's selection for ever.
  layer.on("selectionChanged", () => {
    const id = layer.getSelected()[0]?.id ?? null;
    if (id !== null && !shown.has(id)) return; // just drawn, not told yet
    if (id === selected) return;
    selected = id;
    on.selected(id);
  });

  /** After a gesture: what is different from what was put in. */
  function settle() {
    for (const annotation of layer.getAnnotations()) {
      const box = shown.get(annotation.id);
      const rectangle = rectangleOf(annotation);
      if (box === undefined) {
        layer.removeAnnotation(annotation.id); // the caller gives it an id and a class
        on.drawn(rectangle);
      } else if (differs(rectangle, box.box)) {
        shown.set(box.id, { ...box, box: rectangle });
        on.reshaped(box.id, rectangle);
      }
    }
  }
  const released = () => setTimeout(settle, 0); // Annotorious has put it into its store by then

  function pressed(event) {
    if (!event.isTrusted || event.button !== 0 || layer.getSelected().length === 0) return;
    if (event.target.closest?.(".a9s-annotation.selected") || !layer.isDrawingEnabled()) return;
    event.stopPropagation();
    layer.setSelected();
    if (selected !== null) {
      selected = null;
      on.selected(null);
    }
    const again = new PointerEvent("pointerdown", event);
    setTimeout(() => svg.dispatchEvent(again), 0); // its drawing tool is there by then
  }
  host.addEventListener("pointerdown", pressed, true);
  // On the way down: Annotorious stops the event where it made a box of it.
  window.addEventListener("pointerup", released, true);
  window.addEventListener("pointercancel", released, true);

  return {
    /** Show `boxes`, with the one called `id` selected. */
    show(boxes, id) {
      const wanted = new Map(boxes.map((box) => [box.id, box]));
      const before = selected;
      for (const known of shown.keys()) if (!wanted.has(known)) layer.removeAnnotation(known);
      for (const box of boxes) {
        const known = shown.get(box.id);
        if (!known) layer.addAnnotation(annotationOf(box));
        else if (known.class !== box.class || known.box.some((part, at) => part !== box.box[at])) layer.updateAnnotation(annotationOf(box));
      }
      shown = wanted;
      selected = wanted.has(id) ? id : null;
      const present = layer.getSelected()[0]?.id ?? null;
      if (present !== selected) layer.setSelected(selected ?? undefined);
      if (before !== selected) layer.setStyle(style); // thicker lines for the selected one
    },
    setEditable(isEditable) {
      layer.setDrawingEnabled(isEditable);
      layer.setUserSelectAction(isEditable ? "EDIT" : "SELECT");
    },
    cancel: () => layer.cancelDrawing(),
    remove() {
      host.removeEventListener("pointerdown", pressed, true);
      window.removeEventListener("pointerup", released, true);
      window.removeEventListener("pointercancel", released, true);
      layer.destroy();
    },
  };
}
