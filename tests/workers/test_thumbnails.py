"""Thumbnails are made once, by a worker; what cannot be made is said once and not tried for ever."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlmodel import select, update
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.infra.queue import MEDIA_QUEUE, queue
from app.services import previews
from app.tables import TrainingDataset, TrainingSample
from app.tables.base import utcnow
from tests.support.images import add_samples, png
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.servers import Servers
from tests.support.waiting import wait_for
from workers.reconciler import enqueue_media_once
from workers.thumbnails import TRIES, make_thumbnails

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@contextmanager
def media_worker(environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m workers.media` until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", "workers.media"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(15)


@pytest.fixture
def start(stack: Servers, database: str) -> Iterator[Start]:
    """`start()`: a media worker on the test's servers."""
    with ExitStack() as running:
        yield lambda: running.enter_context(media_worker({**os.environ, **stack.settings_for(database)}))


def photo(size: tuple[int, int] = (900, 600), *, turned: bool = False) -> bytes:
    """A JPEG that is red on its left and blue on its right; `turned` stores it on its side and says so."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    exif = Image.Exif()
    if turned:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def shown(client: TestClient, dataset: TrainingDataset) -> list[dict[str, object]]:
    answer = client.get(f"/api/v1/training/datasets/{dataset.id}/samples")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def urls() -> list[str | None]:
    with transaction() as session:
        return list(session.exec(select(TrainingSample.thumbnail_url)))


def seen_at(url: object) -> Image.Image:
    with httpx.Client(trust_env=False) as direct:
        answer = direct.get(str(url))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == previews.CONTENT_TYPE
    return Image.open(BytesIO(answer.content)).convert("RGB")


def test_new_samples_get_a_thumbnail_by_the_worker_that_runs(
    start: Start, admin: TestClient, dataset: TrainingDataset
) -> None:
    start()
    add_samples(admin, dataset.id, [photo()])
    wait_for(lambda: shown(admin, dataset)[0]["thumbnail"], 30, "the thumbnail")
    picture = seen_at(shown(admin, dataset)[0]["thumbnail"])
    assert picture.size == (256, 171)
    assert picture.getpixel((20, 80))[0] > 200, "red on the left"  # type: ignore[index]


def test_thumbnail_stands_upright() -> None:
    picture = Image.open(BytesIO(previews.of_image(photo(turned=True)))).convert("RGB")
    assert picture.size == (256, 171)
    assert picture.getpixel((20, 80))[0] > 200  # type: ignore[index]
    assert picture.getpixel((230, 80))[2] > 200  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_kind_of_pixel_gets_a_thumbnail(mode: str) -> None:
    buffer = BytesIO()
    image = Image.linear_gradient("L")
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 200).convert("I;16")
    Image.Image.save(image.convert(mode) if image.mode != mode else image, buffer, "TIFF" if mode in "CMYKF" else "PNG")
    picture = Image.open(BytesIO(previews.of_image(buffer.getvalue()))).convert("L")
    assert picture.getpixel((128, 10)) < 60 < 180 < picture.getpixel((128, 245))  # type: ignore[operator]


def test_small_picture_is_its_own_thumbnail(admin: TestClient, dataset: TrainingDataset) -> None:
    add_samples(admin, dataset.id, [png(1)])
    assert make_thumbnails(str(dataset.id)) == 1
    (item,) = shown(admin, dataset)
    assert item["thumbnail"] == item["url"]


def test_thumbnail_is_no_change_of_its_sample(admin: TestClient, dataset: TrainingDataset) -> None:
    add_samples(admin, dataset.id, [photo()])
    before = shown(admin, dataset)[0]
    make_thumbnails(str(dataset.id))
    after = shown(admin, dataset)[0]
    assert before["thumbnail"] is None
    assert after["thumbnail"] is not None
    assert (before["updated_at"], before["etag"]) == (after["updated_at"], after["etag"])


def test_file_without_a_thumbnail_is_marked_once(super_admin: Person, admin: TestClient) -> None:
    dataset = make_dataset(super_admin)
    make_samples(dataset, 3, super_admin)  # their files lie in another store
    store = get_object_store()
    store.put_bytes("broken.png", b"no picture")
    with transaction() as session:
        rows = list(session.exec(select(TrainingSample)))
        rows[0].file_url, rows[1].file_url = store.url("broken.png"), store.url("missing.png")
    assert make_thumbnails(str(dataset.id)) == 3
    assert urls() == ["", "", ""]
    assert [item["thumbnail"] for item in shown(admin, dataset)] == [None] * 3
    assert make_thumbnails(str(dataset.id)) == 0, "nothing is tried again"


def test_file_that_ends_the_worker_each_time_is_given_up(
    admin: TestClient, dataset: TrainingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_data: bytes) -> bytes:
        raise MemoryError

    add_samples(admin, dataset.id, [photo()])
    monkeypatch.setattr(previews, "of_image", die)
    for _ in range(TRIES):
        with pytest.raises(MemoryError):
            make_thumbnails(str(dataset.id))
    assert make_thumbnails(str(dataset.id)) == 1
    assert urls() == [""]


def test_thumbnail_of_a_sample_deleted_meanwhile_is_removed(
    admin: TestClient, dataset: TrainingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sample,) = add_samples(admin, dataset.id, [photo()])
    made = previews.of_image

    def delete_first(data: bytes) -> bytes:
        path = f"/api/v1/training/datasets/{dataset.id}/samples/{sample['id']}"
        assert admin.delete(path).status_code == 204
        return made(data)

    monkeypatch.setattr(previews, "of_image", delete_first)
    deleted: list[str] = []
    store = get_object_store()
    monkeypatch.setattr(store, "delete", lambda *keys: deleted.extend(keys))
    make_thumbnails(str(dataset.id))
    assert f"thumbnails/{dataset.id}/{sample['sha256']}.webp" in deleted


def test_deleting_a_sample_removes_its_thumbnail(admin: TestClient, dataset: TrainingDataset) -> None:
    (sample,) = add_samples(admin, dataset.id, [photo()])
    make_thumbnails(str(dataset.id))
    url = shown(admin, dataset)[0]["thumbnail"]
    seen_at(url)
    assert admin.delete(f"/api/v1/training/datasets/{dataset.id}/samples/{sample['id']}").status_code == 204
    with httpx.Client(trust_env=False) as direct:
        assert direct.get(str(url)).status_code == 404


def test_reconciler_asks_again_for_what_was_lost_and_not_for_what_waits(admin: TestClient, super_admin: Person) -> None:
    lost, fresh = make_dataset(super_admin), make_dataset(super_admin)
    for dataset in (lost, fresh):
        make_samples(dataset, 2, super_admin)
    with transaction() as session:
        long_ago = utcnow() - timedelta(minutes=5)
        session.exec(update(TrainingSample).where(TrainingSample.dataset_id == lost.id).values(created_at=long_ago))
    assert enqueue_media_once() == 1
    (entry,) = queue(MEDIA_QUEUE).job_ids
    assert entry.startswith(f"thumbnails_{lost.id}_")
    assert enqueue_media_once() == 0, "it waits already"
    assert UUID(entry.split("_")[1]) == lost.id
