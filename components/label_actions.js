/* What each action of the editor does. `desk` is everything on the person's desk: the session, the stage, and choices. */

import { besides, clipped, freshId, grown, moved, relabelled, withChanged } from "./label_boxes.js";
import { classOf } from "./label_keys.js";

const STEP = 1;
const FAR = 10;
const PAN = 80;
const CLOSER = 1.3;

const clamp = (number) => Math.round(Math.min(Math.max(number, 0.2), 3) * 100) / 100;

/** The value with a class chosen: the one of a sample, one of several on or off, or that of the selected box. */
function choose(desk, name) {
  const { session, task, selected } = desk;
  const { value } = session;
  desk.setActive(name);
  if (task === "classification") session.change({ labels: { class: name }, annotations: [] });
  else if (task === "multilabel") {
    const present = value.labels.classes ?? [];
    const wanted = present.includes(name) ? present.filter((one) => one !== name) : [...present, name];
    session.change({ labels: { classes: desk.classes.map((known) => known.name).filter((one) => wanted.includes(one)) }, annotations: [] });
  } else if (selected) changeBox(desk, selected, (box) => relabelled(box, desk.classes.find((known) => known.name === name)));
  if (task === "classification" && desk.goesOn && session.save()) void session.waiting();
}

function changeBox({ session }, id, change, tag = "") {
  session.change({ ...session.value, annotations: withChanged(session.value.annotations, id, change) }, tag);
}

/** A box of the active class; it is selected. */
export function addBox(desk, rectangle) {
  const { session, size, active } = desk;
  if (!active || !session.canEdit) return;
  const boxes = session.value.annotations;
  const box = { id: freshId(boxes), class: active, box: clipped(rectangle, size), attributes: {} };
  session.change({ ...session.value, annotations: [...boxes, box] });
  desk.setSelected(box.id);
}

/** The selected box after it was moved or resized on the stage. */
export const reshapeBox = (desk, id, rectangle) => changeBox(desk, id, () => ({ box: clipped(rectangle, desk.size) }));

export function deleteBox(desk, id) {
  const { session } = desk;
  const boxes = session.value.annotations;
  const next = boxes.length > 1 ? besides(boxes, id, boxes.at(-1).id === id ? -1 : 1) : null;
  session.change({ ...session.value, annotations: boxes.filter((box) => box.id !== id) });
  desk.setSelected(next);
}

function inTheMiddle(desk) {
  const [x, y, width, height] = clipped(desk.stage.current.seen(), desk.size);
  return [x + width * 0.4, y + height * 0.4, width * 0.2, height * 0.2];
}

function duplicate(desk) {
  const box = desk.session.value.annotations.find((one) => one.id === desk.selected);
  if (box) {
    const [x, y, width, height] = box.box;
    const copy = { ...box, id: freshId(desk.session.value.annotations), box: moved([x, y, width, height], FAR, FAR, desk.size) };
    desk.session.change({ ...desk.session.value, annotations: [...desk.session.value.annotations, copy] });
    desk.setSelected(copy.id);
  }
}

const nudge = (how, dx, dy) => (desk) => desk.selected && changeBox(desk, desk.selected, (box) => ({ box: how(box.box, dx, dy, desk.size) }), `nudge ${desk.selected}`);
const look = (name, by) => (desk) => desk.setLook((now) => ({ ...now, [name]: clamp(now[name] + by) }));
const toggled = (set, name) => new Set(set.has(name) ? [...set].filter((one) => one !== name) : [...set, name]);

export const DEEDS = {
  "sample.saveNext": (desk) => desk.session.save() && desk.session.waiting(),
  "sample.save": (desk) => desk.session.save(),
  "sample.next": (desk) => desk.session.go(1),
  "sample.previous": (desk) => desk.session.go(-1),
  "sample.waiting": (desk) => desk.session.waiting(),
  "sample.clear": (desk) => desk.session.clear(),
  "edit.undo": (desk) => desk.session.undo(),
  "edit.redo": (desk) => desk.session.redo(),
  "box.new": (desk) => desk.task === "detection" && desk.size && addBox(desk, inTheMiddle(desk)),
  "box.delete": (desk) => desk.selected && deleteBox(desk, desk.selected),
  "box.deleteAll": (desk) => desk.task === "detection" && desk.session.change({ ...desk.session.value, annotations: [] }),
  "box.duplicate": duplicate,
  "box.copyPrevious": (desk) => desk.session.copyPrevious(),
  "box.next": (desk) => desk.setSelected(besides(desk.session.value.annotations, desk.selected, 1)),
  "box.previous": (desk) => desk.setSelected(besides(desk.session.value.annotations, desk.selected, -1)),
  "box.none": (desk) => desk.setSelected(null),
  "box.left": nudge(moved, -STEP, 0),
  "box.right": nudge(moved, STEP, 0),
  "box.up": nudge(moved, 0, -STEP),
  "box.down": nudge(moved, 0, STEP),
  "box.leftFast": nudge(moved, -FAR, 0),
  "box.rightFast": nudge(moved, FAR, 0),
  "box.upFast": nudge(moved, 0, -FAR),
  "box.downFast": nudge(moved, 0, FAR),
  "box.narrower": nudge(grown, -STEP, 0),
  "box.wider": nudge(grown, STEP, 0),
  "box.lower": nudge(grown, 0, -STEP),
  "box.higher": nudge(grown, 0, STEP),
  "view.zoomIn": (desk) => desk.stage.current?.zoom(CLOSER),
  "view.zoomOut": (desk) => desk.stage.current?.zoom(1 / CLOSER),
  "view.fit": (desk) => desk.stage.current?.fit(),
  "view.actual": (desk) => desk.stage.current?.actual(),
  "view.left": (desk) => desk.stage.current?.pan(PAN, 0),
  "view.right": (desk) => desk.stage.current?.pan(-PAN, 0),
  "view.up": (desk) => desk.stage.current?.pan(0, PAN),
  "view.down": (desk) => desk.stage.current?.pan(0, -PAN),
  "view.brighter": look("brightness", 0.1),
  "view.darker": look("brightness", -0.1),
  "view.moreContrast": look("contrast", 0.1),
  "view.lessContrast": look("contrast", -0.1),
  "view.plain": (desk) => desk.setLook((now) => ({ ...now, brightness: 1, contrast: 1 })),
  "view.crosshair": (desk) => desk.setLook((now) => ({ ...now, crosshair: !now.crosshair })),
  "view.boxes": (desk) => desk.setHidden((now) => new Set(now.size ? [] : desk.classes.map((known) => known.name))),
  "view.class": (desk) => desk.setHidden((now) => toggled(now, desk.active)),
  help: (desk) => desk.setHelp(true),
};

/** Do what `id` names, a class or a deed. */
export function perform(desk, id) {
  const name = classOf(id);
  if (name !== null) choose(desk, name);
  else DEEDS[id]?.(desk);
}
