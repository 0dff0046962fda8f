"""Adding images in the browser: many at once, bad ones among them, and whatever interrupts it."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect
from sqlmodel import col, select

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import TrainingDataset, TrainingSample
from tests.browser.conftest import Watched
from tests.support import people
from tests.support.images import bomb, png
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset
from tests.support.waiting import wait_for

COUNT = 40
PUTS = re.compile(r"/uploads/[0-9a-f-]{36}/[0-9a-f-]{36}/\d+\?")


@pytest.fixture
def dataset(ada: Person) -> TrainingDataset:
    return make_dataset(ada)


@pytest.fixture
def add_page(page: Page, context: BrowserContext, web_url: str, ada: Person, dataset: TrainingDataset) -> Page:
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data={"email": ada.email, "password": PASSWORD}).ok
    return opened(page, dataset)


def opened(page: Page, dataset: TrainingDataset) -> Page:
    page.goto(f"/datasets/{dataset.id}/add")
    expect(page.get_by_test_id("upload-drop")).to_be_visible()
    return page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures in a folder of a folder."""
    inner = tmp_path / "pictures" / "monday"
    inner.mkdir(parents=True)
    for number in range(COUNT):
        (inner / f"{number:03}.png").write_bytes(png(number))
    return tmp_path / "pictures"


@pytest.fixture
def large_files(tmp_path: Path) -> Path:
    """Pictures that are put one by one."""
    folder = tmp_path / "large"
    folder.mkdir()
    for number in range(COUNT):
        Image.new("RGB", (160, 160), (number, 80, 90)).save(folder / f"{number:03}.bmp")
    return folder


def choose(page: Page, folder: Path) -> None:
    page.get_by_test_id("upload-folder-input").set_input_files(folder)


def finished(page: Page, added: int) -> None:
    expect(page.get_by_test_id("upload-status")).to_have_text(
        f"Finished: {added} image{'' if added == 1 else 's'} added.", timeout=60_000
    )


def counted(page: Page, what: str) -> int:
    return int(page.get_by_test_id(f"upload-count-{what}").inner_text())


def names(dataset: TrainingDataset) -> list[str]:
    with transaction() as session:
        rows = session.exec(select(TrainingSample.extra).where(col(TrainingSample.dataset_id) == dataset.id))
        return sorted(row["file_name"] for row in rows)


class Gate:
    """Lets so many files into the store and holds the others."""

    def __init__(self, page: Page, first: int) -> None:
        self.page, self.left, self.held = page, first, list[Route]()
        page.route(PUTS, self._decide)

    def _decide(self, route: Route) -> None:
        if route.request.method == "PUT" and self.left == 0:
            self.held.append(route)
            return
        self.left -= route.request.method == "PUT"
        route.continue_()

    def wait_until_holding(self) -> None:
        def held() -> bool:
            self.page.evaluate("0")  # lets the page's requests come in
            return len(self.held) > 0

        wait_for(held, 30, "files on their way")

    def drop(self) -> None:
        """The connection of what is held is lost."""
        self.left = 1_000_000
        for route in self.held:
            route.abort("internetdisconnected")


def test_folder_goes_in_and_the_page_says_what_became_of_it(
    add_page: Page, dataset: TrainingDataset, folder: Path
) -> None:
    (folder / "monday" / ".DS_Store").write_bytes(b"litter")
    choose(add_page, folder)
    finished(add_page, COUNT)
    assert names(dataset) == [f"pictures/monday/{number:03}.png" for number in range(COUNT)]
    expect(add_page.get_by_test_id("upload-count-done")).to_have_text(str(COUNT))
    expect(add_page.locator("dd", has_text=re.compile(rf"^{COUNT}$"))).to_be_visible()
    assert add_page.get_by_test_id("upload-row").count() < COUNT / 2


def test_bad_files_among_good_ones_are_left_out_with_their_reasons(
    add_page: Page, dataset: TrainingDataset, folder: Path
) -> None:
    inner = folder / "monday"
    bad = {
        "empty.png": b"",
        "cut.png": png(1)[:40],
        "bomb.png": bomb(),
        "letter.jpg": b"%PDF-1.7 /Encrypt",
        "a.txt": b"x",
    }
    for name, content in bad.items():
        (inner / name).write_bytes(content)
    choose(add_page, folder)
    finished(add_page, COUNT)
    add_page.get_by_test_id("upload-filter-refused").click()
    rows = add_page.get_by_test_id("upload-row")
    expect(rows).to_have_count(len(bad))
    said = {
        "empty.png": "empty",
        "cut.png": "damaged",
        "bomb.png": "64,000,000",
        "letter.jpg": "password",
        "a.txt": "by its name",
    }
    for name, reason in said.items():
        expect(rows.filter(has_text=name)).to_contain_text(reason)
    assert len(names(dataset)) == COUNT


DROP = """async ([names, bytes]) => {
    const transfer = new DataTransfer();
    names.forEach((name, place) => transfer.items.add(new File([new Uint8Array(bytes[place])], name)));
    const zone = document.querySelector("[data-testid=upload-drop]");
    for (const type of ["dragover", "drop"]) zone.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""  # noqa: E501


def test_many_dropped_files_go_in(add_page: Page, dataset: TrainingDataset) -> None:
    count = 230  # more than one batch
    files = [f"{number}.png" for number in range(count)]
    add_page.evaluate(DROP, [files, [list(png(1000 + number)) for number in range(count)]])
    finished(add_page, count)
    assert len(names(dataset)) == count


def offline_faults_are_expected(watched: Watched) -> None:
    watched.faults = [fault for fault in watched.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


def test_lost_connection_is_waited_for(
    add_page: Page, context: BrowserContext, watched: Watched, dataset: TrainingDataset, large_files: Path
) -> None:
    gate = Gate(add_page, first=10)
    choose(add_page, large_files)
    gate.wait_until_holding()
    context.set_offline(True)
    gate.drop()
    expect(add_page.get_by_test_id("upload-status")).to_contain_text("No connection")
    context.set_offline(False)
    finished(add_page, COUNT)
    assert len(names(dataset)) == COUNT
    offline_faults_are_expected(watched)


def test_pause_stops_and_the_rest_goes_in_later(add_page: Page, dataset: TrainingDataset, large_files: Path) -> None:
    gate, arrived = Gate(add_page, first=10), list[str]()
    add_page.on("requestfinished", lambda request: arrived.append(request.url) if request.method == "PUT" else None)
    choose(add_page, large_files)
    gate.wait_until_holding()
    wait_for(lambda: add_page.evaluate("0") or len(arrived) == 10, 30, "ten files in the store")
    add_page.get_by_test_id("upload-pause").click()
    expect(add_page.get_by_test_id("upload-status")).to_contain_text("Paused")
    add_page.unroute(PUTS)
    puts: list[str] = []
    add_page.on("request", lambda request: puts.append(request.url) if request.method == "PUT" else None)
    add_page.get_by_test_id("upload-resume").click()
    finished(add_page, COUNT)
    assert len(names(dataset)) == COUNT
    assert len(puts) == COUNT - 10, "what had arrived is not sent again"


def test_reload_in_the_middle_sends_only_the_rest(
    add_page: Page, watched: Watched, dataset: TrainingDataset, folder: Path
) -> None:
    for number in range(COUNT, 260):  # more than one batch: the first one is registered before the reload
        (folder / "monday" / f"{number:03}.png").write_bytes(png(number))
    gate = Gate(add_page, first=1)  # small files are put together, a batch of them at once
    choose(add_page, folder)
    gate.wait_until_holding()
    expect(add_page.get_by_test_id("upload-count-done")).to_have_text("200", timeout=60_000)
    add_page.on("dialog", lambda dialog: dialog.accept())
    add_page.reload()
    add_page.unroute(PUTS)  # not before: what is held would go on
    expect(add_page.get_by_test_id("upload-interrupted")).to_contain_text("200 files")
    choose(add_page, folder)
    finished(add_page, 60)
    expect(add_page.get_by_test_id("upload-count-there")).to_have_text("200")
    assert len(names(dataset)) == 260
    add_page.reload()
    expect(add_page.get_by_test_id("upload-drop")).to_be_visible()
    expect(add_page.get_by_test_id("upload-interrupted")).to_have_count(0)


def test_two_tabs_add_each_picture_once(
    add_page: Page, context: BrowserContext, dataset: TrainingDataset, folder: Path
) -> None:
    other = opened(context.new_page(), dataset)
    for tab in (other, add_page):
        tab.bring_to_front()
        choose(tab, folder)
    for tab in (other, add_page):
        tab.bring_to_front()
        expect(tab.get_by_test_id("upload-status")).to_contain_text("Finished", timeout=60_000)
    assert len(names(dataset)) == COUNT
    counts = [
        [int(tab.get_by_test_id(f"upload-count-{key}").inner_text()) for key in ("done", "there")]
        for tab in (add_page, other)
    ]
    assert sum(done for done, _ in counts) == COUNT
    assert all(sum(count) == COUNT for count in counts)


def test_ended_session_stops_with_a_word(
    add_page: Page, context: BrowserContext, watched: Watched, folder: Path
) -> None:
    context.clear_cookies()
    choose(add_page, folder)
    expect(add_page.get_by_test_id("upload-status")).to_contain_text("Sign in again")


def test_who_may_only_look_is_told(page: Page, context: BrowserContext, web_url: str, dataset: TrainingDataset) -> None:
    organization = people.make_organization("Lookers", Plan.ENTERPRISE)
    eve = people.make_person("Eve", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE)
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data={"email": eve.email, "password": PASSWORD}).ok
    page.goto(f"/datasets/{dataset.id}/add")
    expect(page.get_by_text("Only a super admin adds data")).to_be_visible()
