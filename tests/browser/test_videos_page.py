"""Videos in the browser: added like images, and cut into frames where one looks at them."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.api.app import create_standalone
from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import FrameCut, TrainingDataset, TrainingSample
from tests.support import people
from tests.support.images import png, upload
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset
from tests.support.videos import make_video
from workers.frames import cut_frames

DROP = """async ([names, bytes]) => {
    const transfer = new DataTransfer();
    names.forEach((name, place) => transfer.items.add(new File([new Uint8Array(bytes[place])], name)));
    const zone = document.querySelector("[data-testid=upload-drop]");
    for (const type of ["dragover", "drop"]) zone.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""  # noqa: E501
LARGE = 65 * 2**20  # put in parts


@pytest.fixture
def dataset(ada: Person) -> TrainingDataset:
    return make_dataset(ada)


@pytest.fixture
def signed_in(page: Page, context: BrowserContext, web_url: str, ada: Person) -> Page:
    sign_in(context, web_url, ada)
    return page


def sign_in(context: BrowserContext, web_url: str, person: Person) -> None:
    body = {"email": person.email, "password": PASSWORD}
    assert context.request.post(f"{web_url}/api/v1/auth/sign-in", data=body).ok


def register(person: Person, dataset: TrainingDataset, data: bytes) -> str:
    """The id of the video's sample, made through the API in the process of the test."""
    client = TestClient(create_standalone(), headers={"Authorization": f"Bearer {people.make_token(person)}"})
    (key,) = upload(client, dataset.id, [data])
    answer = client.post(f"/api/v1/training/datasets/{dataset.id}/videos", json={"upload_key": key})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def video(ada: Person, dataset: TrainingDataset, tmp_path: Path) -> str:
    """Four seconds; its colour changes with each."""
    return register(ada, dataset, make_video(tmp_path / "v.webm", codec="libvpx"))


def open_video(page: Page, dataset: TrainingDataset, query: str = "") -> None:
    page.goto(f"/datasets/{dataset.id}{query}")
    page.get_by_test_id("sample").first.dblclick()
    expect(page.get_by_test_id("sample-dialog")).to_be_visible()


def last_cut(video: str) -> FrameCut:
    with transaction() as session:
        newest = col(FrameCut.created_at).desc()
        return session.exec(select(FrameCut).where(FrameCut.video_id == UUID(video)).order_by(newest)).first()  # type: ignore[return-value]


def samples_of(dataset: TrainingDataset) -> list[TrainingSample]:
    with transaction() as session:
        return list(session.exec(select(TrainingSample).where(col(TrainingSample.dataset_id) == dataset.id)))


def test_video_is_cut_where_it_is_looked_at_and_leads_to_its_frames(
    signed_in: Page, dataset: TrainingDataset, video: str
) -> None:
    open_video(signed_in, dataset, "?file_type=video")
    signed_in.locator("input[name=limit]").fill("3")
    signed_in.get_by_test_id("cut").click()
    expect(signed_in.get_by_test_id("cut-running")).to_contain_text("Waits for the media worker")
    asked = last_cut(video)
    assert (asked.every_ms, asked.scene_change, asked.most) == (1000, None, 3)
    assert cut_frames(str(asked.id)) == "completed"
    expect(signed_in.get_by_test_id("cut-outcome")).to_have_text("Cut: 3 frames added: as many as were asked for.")
    signed_in.get_by_test_id("show-frames").click()
    expect(signed_in.get_by_test_id("gallery-summary")).to_have_text("3 samples")
    expect(signed_in.get_by_test_id("sample-dialog")).not_to_be_visible()
    expect(signed_in).to_have_url(re.compile(rf"\?video_id={video}&sort=frame_ms$"))


def test_scenes_are_asked_for_and_the_cut_is_cancelled(signed_in: Page, dataset: TrainingDataset, video: str) -> None:
    open_video(signed_in, dataset)
    signed_in.locator("select[name=by]").select_option("scenes")
    signed_in.locator("select[name=scene_change]").select_option("0.1")
    signed_in.get_by_test_id("cut").click()
    signed_in.get_by_test_id("cancel-cut").click()
    expect(signed_in.get_by_test_id("cut-outcome")).to_contain_text("Cancelled. 0 frames added until then")
    asked = last_cut(video)
    assert (asked.every_ms, asked.scene_change) == (None, 0.1)
    assert asked.cancelled_at is not None
    expect(signed_in.get_by_test_id("cut")).to_be_visible()


def test_who_may_only_look_sees_how_far_it_is_and_cuts_nothing(
    page: Page, context: BrowserContext, web_url: str, ada: Person, tmp_path: Path
) -> None:
    organization = people.make_organization("Lookers", Plan.ENTERPRISE)
    eve = people.make_person("Eve", Role.ORGANIZATION_ADMIN, organization_id=organization, plan=Plan.ENTERPRISE)
    dataset = make_dataset(ada, organization_id=organization)
    register(ada, dataset, make_video(tmp_path / "v.webm", codec="libvpx"))
    sign_in(context, web_url, eve)
    open_video(page, dataset)
    expect(page.get_by_test_id("show-frames")).to_be_visible()
    expect(page.get_by_test_id("cut")).to_have_count(0)


def test_dropped_videos_go_in_beside_images_and_bad_ones_say_why(
    signed_in: Page, dataset: TrainingDataset, tmp_path: Path
) -> None:
    signed_in.goto(f"/datasets/{dataset.id}/add")
    expect(signed_in.get_by_test_id("upload-drop")).to_be_visible()
    files = {"a.png": png(1), "gate.mp4": make_video(tmp_path / "v.mp4"), "old.mpg": b"x", "z.png": png(2)}
    signed_in.evaluate(DROP, [list(files), [list(data) for data in files.values()]])
    expect(signed_in.get_by_test_id("upload-status")).to_have_text(
        "Finished: 2 images and 1 video added.", timeout=60_000
    )
    rows = signed_in.get_by_test_id("upload-row")
    expect(rows.filter(has_text="gate.mp4")).to_contain_text("Added")
    expect(rows.filter(has_text="old.mpg")).to_contain_text("not read here")
    (found,) = [row for row in samples_of(dataset) if row.file_type == "video"]
    assert (found.duration_ms, found.extra["file_name"]) == (4000, "gate.mp4")


def test_large_video_is_put_in_parts(signed_in: Page, dataset: TrainingDataset, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    make_video(path)
    with path.open("ab") as file:  # a box that players skip
        file.write(LARGE.to_bytes(4, "big") + b"free")
        file.truncate(file.tell() + LARGE - 8)
    signed_in.goto(f"/datasets/{dataset.id}/add")
    puts: list[str] = []
    signed_in.on("request", lambda request: puts.append(request.url) if request.method == "PUT" else None)
    signed_in.get_by_test_id("upload-files-input").set_input_files(path)
    expect(signed_in.get_by_test_id("upload-status")).to_have_text("Finished: 1 video added.", timeout=60_000)
    assert len([url for url in puts if "partNumber=" in url]) == 5
    (found,) = samples_of(dataset)
    assert (found.file_type, found.file_size) == ("video", path.stat().st_size)
