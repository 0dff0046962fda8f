"""The editor from outside: datasets for it, waiting until it is ready, and hands that draw."""

from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.images import add_samples, png
from tests.support.people import PASSWORD, Person

DATASETS = "/api/v1/training/datasets"
CLASSES = [{"name": "cell", "color": "#e5484d", "key": "r"}, {"name": "plate", "color": "#3e63dd"}]
SIZE = (320, 240)


class Dataset:
    """A dataset with a few images, and what the API says of them."""

    def __init__(self, api: httpx.Client, task: str, count: int) -> None:
        self.api = api
        body = {
            "name": f"{task} {count} {id(self)}",
            "ai_module": "blood",
            "label_schema": {"task": task, "classes": CLASSES},
        }
        self.path = f"{DATASETS}/{api.post(DATASETS, json=body).raise_for_status().json()['id']}"
        api.put(self.path, json={"status": "active"}).raise_for_status()
        self.samples = [item["id"] for item in add_samples(api, self.path.rpartition("/")[2], images(count))]

    def sample(self, number: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"{self.path}/samples/{self.samples[number]}").raise_for_status().json()
        return found

    def boxes(self, number: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sample(number)["annotations"]
        return found

    def address(self, number: int = 0) -> str:
        return f"{self.path.removeprefix('/api/v1/training')}/label?sample={self.samples[number]}"


def images(count: int) -> list[bytes]:
    return [png(40 + 20 * number, SIZE) for number in range(count)]


def signed_in(person: Person, profile: BrowserContext, web_url: str) -> BrowserContext:
    """`profile`, in which `person` is signed in."""
    body = {"email": person.email, "password": PASSWORD}
    assert profile.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok
    return profile


def ready(page: Page, sample: str, lease: str = "held") -> None:
    """The sample is open, painted and leased."""
    editor = page.get_by_test_id("label-editor")
    expect(editor).to_have_attribute("data-sample", sample, timeout=60_000)
    expect(editor).to_have_attribute("data-lease", lease)
    expect(page.get_by_test_id("label-image").locator("img")).to_be_visible()


def point(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the image lies in the window."""
    box = page.get_by_test_id("label-image").locator("img").bounding_box()
    assert box is not None
    return box["x"] + x / SIZE[0] * box["width"], box["y"] + y / SIZE[1] * box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one pixel of the image to another, as a hand does."""
    (x, y), (to_x, to_y) = point(page, *start), point(page, *end)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x, to_y)
    page.mouse.up()


def saved(page: Page) -> None:
    """What was changed is saved, and the server has answered."""
    state = page.get_by_test_id("label-saved")
    expect(state).to_have_attribute("data-is", "changed")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "/samples/" in answer.url):
        page.keyboard.press("s")
    expect(state).to_have_attribute("data-is", "saved")


def near(box: dict[str, Any], wanted: list[float]) -> bool:
    return all(abs(part - other) <= 1.5 for part, other in zip(box["box"], wanted, strict=True))
