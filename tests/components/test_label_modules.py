"""The editor's plain modules: history, boxes, keys, drafts, view; each alone, in Node."""

# ruff: noqa: E501 JavaScript, read line by line

from typing import Any

import pytest

from tests.components.browser_modules import run_js

SIZE = [100, 80]


def test_undo_goes_back_step_by_step_and_redo_forward_until_something_new_is_done() -> None:
    assert run_js("""
        const { begin, step, undo, redo } = await load("label_history.js");
        let history = step(step(begin(1), 2), 3);
        history = undo(undo(undo(history)));
        const back = history.present;
        history = redo(history);
        const forward = history.present;
        history = step(history, 9);
        return [back, forward, redo(history).present, undo(history).present];
    """) == [1, 2, 9, 2]


def test_held_key_is_one_step_and_what_equals_the_present_is_none() -> None:
    assert run_js("""
        const { begin, step, undo } = await load("label_history.js");
        let history = begin({ x: 0 });
        for (let x = 1; x <= 20; x += 1) history = step(history, { x }, { tag: "nudge b1", now: x * 50 });
        const many = history.past.length;
        history = step(history, { x: 20 }, { now: 1100 });
        const later = step(history, { x: 21 }, { tag: "nudge b1", now: 5000 });
        return [many, history.past.length, later.past.length, undo(history).present.x];
    """) == [1, 1, 2, 0]


@pytest.mark.parametrize(
    ("drawn", "kept"),
    [
        ([10, 10, 20, 20], [10, 10, 20, 20]),
        ([-5, -5, 20, 20], [0, 0, 15, 15]),
        ([90, 70, 40, 40], [90, 70, 10, 10]),
        ([30, 30, -10, -20], [20, 10, 10, 20]),
        ([10.04, 10.06, 0.2, 0.2], [10, 10.1, 1, 1]),
        ([500, 500, 5, 5], [99, 79, 1, 1]),
    ],
)
def test_box_is_kept_inside_the_image_and_to_a_tenth(drawn: list[float], kept: list[float]) -> None:
    found = run_js('return (await load("label_boxes.js")).clipped(given[0], given[1])', given=[drawn, SIZE])
    assert found == kept


def test_box_moves_to_the_edge_and_keeps_its_size_and_grows_to_the_edge() -> None:
    assert run_js(
        """
        const { moved, grown } = await load("label_boxes.js");
        return [moved([80, 10, 15, 10], 30, -30, given), grown([80, 10, 15, 10], 30, -30, given)];
    """,
        given=SIZE,
    ) == [[85, 0, 15, 10], [80, 10, 20, 1]]


def test_copied_boxes_get_ids_of_their_own_and_what_is_here_comes_not_twice() -> None:
    boxes = run_js(
        """
        const { copiedInto } = await load("label_boxes.js");
        const box = (id, name, rectangle) => ({ id, class: name, box: rectangle, attributes: {} });
        const here = [box("b1", "one", [1, 1, 5, 5])];
        return copiedInto(here, [box("b1", "one", [1, 1, 5, 5]), box("b1", "two", [1, 1, 5, 5]), box("b9", "one", [95, 70, 20, 20])], given);
    """,
        given=SIZE,
    )
    assert [(box["class"], box["box"]) for box in boxes] == [
        ("one", [1, 1, 5, 5]),
        ("two", [1, 1, 5, 5]),
        ("one", [95, 70, 5, 10]),
    ]
    assert len({box["id"] for box in boxes}) == 3


def test_another_class_leaves_attributes_behind_that_it_does_not_have() -> None:
    assert run_js("""
        const { relabelled } = await load("label_boxes.js");
        const box = { id: "b1", class: "one", box: [1, 1, 2, 2], attributes: { seen: true, deep: 3 } };
        return relabelled(box, { name: "two", attributes: [{ name: "deep" }] });
    """) == {"id": "b1", "class": "two", "box": [1, 1, 2, 2], "attributes": {"deep": 3}}


@pytest.mark.parametrize(
    ("event", "written"),
    [
        ({"key": "z", "ctrlKey": True}, "Ctrl+z"),
        ({"key": "Z", "metaKey": True, "shiftKey": True}, "Ctrl+Shift+z"),
        ({"key": "?", "shiftKey": True}, "?"),
        ({"key": "ArrowLeft", "shiftKey": True, "altKey": True}, "Alt+Shift+ArrowLeft"),
        ({"key": " "}, "Space"),
        ({"key": "Shift", "shiftKey": True}, ""),
    ],
)
def test_pressed_key_is_written_in_one_way(event: dict[str, Any], written: str) -> None:
    assert run_js('return (await load("label_keys.js")).combination(given)', given=event) == written


KEYS = """
    const { effective, bindings, withKey, withoutKey, holderOf } = await load("label_keys.js");
    const classes = [{ name: "one" }, { name: "two", key: "v" }, { name: "three" }];
"""


def test_classes_have_their_own_key_or_a_digit_and_win_over_defaults() -> None:
    found = run_js(
        KEYS
        + """
        const actions = effective(classes); const bound = bindings(actions);
        return [bound.get("1"), bound.get("v"), bound.get("2"), actions.find((a) => a.id === "box.copyPrevious").keys];
    """
    )
    assert found == ["class:one", "class:two", "class:three", []]


def test_key_is_added_taken_from_whoever_had_it_taken_away_and_set_back() -> None:
    found = run_js(
        KEYS
        + """
        let own = {};
        const now = () => effective(classes, own);
        const keysOf = (id) => now().find((action) => action.id === id).keys;
        const holder = holderOf(now(), "d", "box.delete").id;
        own = withKey(now(), own, "box.delete", "d");
        const added = [keysOf("box.delete"), keysOf("sample.next"), bindings(now()).get("d")];
        own = withoutKey(now(), own, "box.delete", "Backspace");
        const fewer = keysOf("box.delete");
        own = {};
        return [holder, ...added, fewer, keysOf("box.delete"), keysOf("sample.next")];
    """
    )
    assert found == [
        "sample.next",
        ["Delete", "Backspace", "d"],
        ["PageDown"],
        "box.delete",
        ["Delete", "d"],
        ["Delete", "Backspace"],
        ["d", "PageDown"],
    ]


STORAGE = """
    const { draftsOf, sweep } = await load("label_drafts.js");
    class Shelf {
        constructor() { this.items = new Map(); }
        get length() { return this.items.size; }
        key(at) { return [...this.items.keys()][at]; }
        getItem(name) { return this.items.get(name) ?? null; }
        setItem(name, text) { if (this.full) throw new Error("full"); this.items.set(name, text); }
        removeItem(name) { this.items.delete(name); }
    }
    const shelf = new Shelf();
"""


def test_draft_is_of_one_person_and_sample_and_is_forgotten_when_told() -> None:
    assert run_js(
        STORAGE
        + """
        const drafts = draftsOf(shelf, "1", "d"); const others = draftsOf(shelf, "2", "d");
        drafts.keep("s", { labels: {} }, "tag", 5);
        const found = [drafts.of("s"), others.of("s"), drafts.of("t")];
        drafts.forget("s"); shelf.full = true;
        return [...found, drafts.of("s"), drafts.keep("s", {}, "tag")];
    """
    ) == [{"value": {"labels": {}}, "etag": "tag", "at": 5}, None, None, None, False]


def test_old_drafts_and_too_many_go_and_what_is_not_ours_stays() -> None:
    assert run_js(
        STORAGE
        + """
        shelf.setItem("theirs", "x"); shelf.setItem("ty-draft:1:d:broken", "{");
        const drafts = draftsOf(shelf, "1", "d"); const day = 24 * 3600 * 1000;
        for (let n = 0; n < 5; n += 1) drafts.keep(`s${n}`, { n }, "tag", 40 * day - n * 15 * day);
        sweep(shelf, 40 * day, 2);
        return [...shelf.items.keys()];
    """
    ) == ["theirs", "ty-draft:1:d:s0", "ty-draft:1:d:s1"]


def test_what_is_under_the_pointer_stays_there_while_zooming_and_pinching() -> None:
    found = run_js("""
        const { fitted, zoomed, pinched, imagePoint } = await load("label_view.js");
        const image = [640, 480], stage = [800, 600], at = [500, 200];
        const view = fitted(image, stage);
        const near = zoomed(view, 3, at, image, stage);
        const apart = pinched(view, [[300, 300], [400, 300]], [[250, 300], [450, 300]], image, stage);
        const fixed = [imagePoint(view, at), imagePoint(near, at), imagePoint(view, [350, 300]), imagePoint(apart, [350, 300])];
        return [...fixed, apart.scale / view.scale, near.scale / view.scale];
    """)
    assert found[0] == pytest.approx(found[1])
    assert found[2] == pytest.approx(found[3])
    assert found[4:] == pytest.approx([2, 3])


def test_image_never_leaves_the_stage() -> None:
    x, y = run_js("""
        const { fitted, panned } = await load("label_view.js");
        const view = panned(fitted([640, 480], [800, 600]), 9000, -9000, [640, 480], [800, 600]);
        return [view.x, view.y];
    """)
    assert x < 800
    assert y > -600
