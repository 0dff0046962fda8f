"""The editor in a real browser: boxes by mouse and keys, classes, keys of one's own, and the way through samples."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.label_desk import Dataset, drag, near, point, ready, saved
from tests.support.people import Person


@pytest.mark.parametrize("slower", [1, 4])
def test_boxes_are_drawn_moved_resized_relabelled_and_deleted_by_mouse(
    sign_in: Callable[..., BrowserContext],
    context: BrowserContext,
    page: Page,
    ada: Person,
    detection: Dataset,
    slower: int,
) -> None:
    """On a slow machine, too, where what Annotorious tells of the selection comes late."""
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    drag(page, (20, 20), (100, 80))
    expect(page.get_by_test_id("label-box")).to_have_count(1)
    drag(page, (200, 100), (260, 180))  # beside the one that is still selected: a second one, at once
    expect(page.get_by_test_id("label-box")).to_have_count(2)
    saved(page)
    first, second = detection.boxes()
    assert near(first, [20, 20, 80, 60])
    assert near(second, [200, 100, 60, 80])
    assert (first["class"], second["class"]) == ("cell", "cell")
    page.get_by_test_id("label-box").nth(1).click()
    drag(page, (230, 140), (240, 150))
    drag(page, (270, 190), (290, 200))  # its lower right corner
    page.locator('[data-testid=label-class][data-class="plate"]').click()
    saved(page)
    kept, changed = detection.boxes()
    assert kept == first
    assert near(changed, [210, 110, 80, 90])
    assert (changed["id"], changed["class"]) == (second["id"], "plate")
    page.get_by_role("button", name="Delete box 1").click()
    saved(page)
    assert [box["id"] for box in detection.boxes()] == [second["id"]]


def test_everything_goes_by_keys_with_undo_and_redo(
    sign_in: Callable[..., BrowserContext], page: Page, ada: Person, detection: Dataset
) -> None:
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    boxes = page.get_by_test_id("label-box")
    page.keyboard.press("b")
    expect(boxes).to_have_count(1)
    page.keyboard.press("1")  # the second class has no key of its own, so it has the first digit
    for key in ("Shift+ArrowRight", "ArrowDown", "Alt+ArrowRight"):
        page.keyboard.press(key)
    saved(page)
    (box,) = detection.boxes()
    assert box["class"] == "plate"
    page.keyboard.press("Control+d")
    expect(boxes).to_have_count(2)
    page.keyboard.press("Delete")
    expect(boxes).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(boxes).to_have_count(2)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(boxes).to_have_count(1)
    page.keyboard.press("Shift+Delete")
    expect(boxes).to_have_count(0)
    page.keyboard.press("Control+z")
    page.keyboard.press("Enter")
    ready(page, detection.samples[1])
    assert detection.boxes() == [box]
    page.keyboard.press("v")
    expect(boxes).to_have_count(1)
    saved(page)
    (copy,) = detection.boxes(1)
    assert (copy["box"], copy["class"]) == (box["box"], box["class"])
    assert copy["id"] != box["id"]


def test_looking_closer_hides_nothing_and_boxes_stay_where_they_are(
    sign_in: Callable[..., BrowserContext], page: Page, ada: Person, detection: Dataset
) -> None:
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    stage = page.get_by_test_id("label-stage")
    before = float(stage.get_attribute("data-scale") or 0)
    page.mouse.move(*point(page, 160, 120))
    page.mouse.wheel(0, -400)
    expect(stage).not_to_have_attribute("data-scale", str(before))
    drag(page, (140, 100), (180, 140))
    expect(page.get_by_test_id("label-box")).to_have_count(1)
    page.keyboard.press("0")
    expect(stage).to_have_attribute("data-scale", str(before))
    page.keyboard.press("c")
    expect(stage).to_have_attribute("data-cross", "true")
    shapes = page.locator(".a9s-annotation")
    page.keyboard.press("Escape")
    page.get_by_test_id("label-hide").first.click()
    expect(shapes.filter(has=page.locator("rect, polygon"))).to_have_count(0)
    saved(page)
    assert near(detection.boxes()[0], [140, 100, 40, 40])


def test_classes_are_chosen_by_keys_where_a_sample_has_one_or_several(
    sign_in: Callable[..., BrowserContext], page: Page, ada: Person, api: httpx.Client
) -> None:
    sign_in(ada)
    single, several = Dataset(api, "classification", 2), Dataset(api, "multilabel", 1)
    page.goto(single.address())
    ready(page, single.samples[0])
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("label-notice")).to_contain_text("Choose a class")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    ready(page, single.samples[1])
    assert single.sample()["labels"] == {"class": "cell"}
    page.goto(several.address())
    ready(page, several.samples[0])
    page.keyboard.press("1")
    page.keyboard.press("r")
    saved(page)
    assert several.sample()["labels"] == {"classes": ["cell", "plate"]}


def test_keys_are_added_taken_away_and_set_back_and_are_kept_for_the_person(
    sign_in: Callable[..., BrowserContext], page: Page, ada: Person, detection: Dataset
) -> None:
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    page.keyboard.press("?")
    line = page.locator('[data-action="box.new"]')
    line.get_by_test_id("key-add").click()
    page.keyboard.press("d")
    expect(page.get_by_test_id("label-help")).to_contain_text("no longer “Next sample”")
    line.get_by_role("button", name=re.compile("^B: take it away")).click()
    with page.expect_response(lambda answer: "label_keys" in answer.url and answer.request.method == "PUT"):
        page.locator('[data-action="box.none"]').get_by_test_id("key-add").click()
        page.keyboard.press("q")
    page.get_by_test_id("keys-close").click()
    page.reload()
    ready(page, detection.samples[0])
    page.keyboard.press("b")
    page.keyboard.press("d")
    expect(page.get_by_test_id("label-box")).to_have_count(1)
    page.keyboard.press("?")
    page.get_by_test_id("keys-reset").click()
    page.get_by_test_id("keys-close").click()
    page.keyboard.press("b")
    expect(page.get_by_test_id("label-box")).to_have_count(2)


def test_next_sample_is_here_before_it_is_asked_for(
    sign_in: Callable[..., BrowserContext],
    page: Page,
    ada: Person,
    api: httpx.Client,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """How fast is printed and not asserted: other programs share this machine."""
    many = Dataset(api, "detection", 8)
    sign_in(ada)
    page.goto(many.address())
    ready(page, many.samples[0])
    times = []
    for number in range(1, 8):
        expect(page.get_by_test_id("sample.next")).to_be_enabled()
        page.keyboard.press("d")
        editor = page.get_by_test_id("label-editor")
        expect(editor).to_have_attribute("data-sample", many.samples[number])
        expect(editor).to_have_attribute("data-painted", re.compile(r"^\d+$"))
        times.append(int(editor.get_attribute("data-painted") or 0))
        ready(page, many.samples[number])
    with capsys.disabled():
        print(f"\nnext sample shown after {sorted(times)} ms")


def test_gallery_leads_to_the_editor_and_the_address_follows(
    sign_in: Callable[..., BrowserContext], page: Page, ada: Person, detection: Dataset
) -> None:
    sign_in(ada)
    page.goto(detection.address())
    ready(page, detection.samples[0])
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile(re.escape(detection.samples[1])))
    page.get_by_test_id("tab-samples").click()
    page.get_by_test_id("sample-open").first.click()
    page.get_by_test_id("open-in-editor").click()
    expect(page.get_by_test_id("label-editor")).to_have_attribute("data-phase", "open")
