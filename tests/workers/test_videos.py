"""A video is checked when it arrives, and cut into frames that know it and when they were in it."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from sqlmodel import select, update
from starlette.testclient import TestClient

from app.errors import Invalid
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.infra.queue import MEDIA_QUEUE, queue
from app.services import frame_cuts, videos
from app.tables import FrameCut, TrainingDataset, TrainingSample
from app.tables.base import utcnow
from tests.support.images import png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.videos import make_video, on_its_side
from workers import frames
from workers.frames import cut_frames
from workers.reconciler import enqueue_media_once
from workers.thumbnails import make_thumbnails

CAPTURED = "2026-05-01T12:00:00+00:00"


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


def register(admin: TestClient, dataset: TrainingDataset, data: bytes, **more: Any) -> Any:
    (key,) = upload(admin, dataset.id, [data])
    return admin.post(f"/api/v1/training/datasets/{dataset.id}/videos", json={"upload_key": key, **more})


@pytest.fixture
def video(admin: TestClient, dataset: TrainingDataset, tmp_path: Path) -> dict[str, Any]:
    """Four seconds, captured at a known moment."""
    answer = register(admin, dataset, make_video(tmp_path / "v.mp4"), captured_at=CAPTURED)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def cut(admin: TestClient, video: dict[str, Any], **wish: Any) -> Any:
    path = f"/api/v1/training/datasets/{video['dataset_id']}/samples/{video['id']}/frames"
    return admin.post(path, json=wish)


def cuts(admin: TestClient, video: dict[str, Any]) -> list[dict[str, Any]]:
    path = f"/api/v1/training/datasets/{video['dataset_id']}/samples/{video['id']}/frames"
    return list(admin.get(path).json())


def frames_of(admin: TestClient, video: dict[str, Any]) -> list[dict[str, Any]]:
    path = f"/api/v1/training/datasets/{video['dataset_id']}/samples"
    answer = admin.get(path, params={"video_id": video["id"], "sort": "frame_ms"})
    return list(answer.json()["items"])


def test_video_becomes_a_sample_with_what_it_is(video: dict[str, Any]) -> None:
    assert (video["file_type"], video["width"], video["height"], video["duration_ms"]) == ("video", 64, 64, 4000)
    assert video["metadata"] == {"codec": "mpeg4", "frames_per_second": 10.0}
    assert video["file_url"].endswith(".mp4")


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mpeg4"), ("mkv", "mpeg4"), ("webm", "libvpx"), ("avi", "mpeg4")]
)
def test_each_kind_is_read_and_told_when_it_is_cut_short(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"v.{suffix}"
    data = make_video(path, codec=codec)
    found = videos.inspect_video(path, "v")
    assert (found.suffix, found.duration_ms) == (suffix, 4000)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(Invalid, match=r"cut short|no pictures"):
        videos.inspect_video(path, "v")


PLACE = "+52.5200+013.4050/"


def stored(sample: dict[str, Any]) -> bytes:
    store = get_object_store()
    return store.get_bytes(store.key(sample["file_url"]))


def keep_places(admin: TestClient, dataset: TrainingDataset, keeps: bool) -> None:
    answer = admin.put(f"/api/v1/training/datasets/{dataset.id}", json={"keeps_location": keeps})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_place_in_a_video_is_removed_and_its_pictures_stay(
    admin: TestClient, dataset: TrainingDataset, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"v.{suffix}"
    codec = "libvpx" if suffix == "webm" else "mpeg4"
    data = make_video(path, codec=codec, location=PLACE, creation_time="2026-01-02T03:04:05Z")
    answer = register(admin, dataset, data)
    assert answer.status_code == 201, answer.text
    sample = answer.json()
    kept = path.with_name(f"kept.{suffix}")
    kept.write_bytes(stored(sample))
    with av.open(str(path)) as before, av.open(str(kept)) as after:
        assert "location" in {name.lower() for name in before.metadata}
        assert "location" not in " ".join(after.metadata).lower()
        pictures = [[frame.to_ndarray().tobytes() for frame in one.decode(video=0)] for one in (before, after)]
    assert pictures[0] == pictures[1]
    assert PLACE.encode() not in kept.read_bytes()
    assert sample["metadata"]["changes"] == "location removed"
    assert sample["metadata"]["original_sha256"] == hashlib.sha256(data).hexdigest()
    assert sample["captured_at"].startswith("2026-01-02T03:04:05")
    again = register(admin, dataset, data)
    assert (again.status_code, again.json()["sha256"]) == (409, hashlib.sha256(data).hexdigest())


def test_video_without_a_place_and_one_whose_dataset_keeps_places_stay_byte_for_byte(
    admin: TestClient, dataset: TrainingDataset, tmp_path: Path
) -> None:
    plain, placed = make_video(tmp_path / "a.mp4"), make_video(tmp_path / "b.mp4", side=48, location=PLACE)
    one = register(admin, dataset, plain).json()
    keep_places(admin, dataset, True)
    other = register(admin, dataset, placed).json()
    for sample, data in ((one, plain), (other, placed)):
        assert stored(sample) == data
        assert "changes" not in sample["metadata"]


def test_video_on_its_side_stays_so_without_its_place(
    admin: TestClient, dataset: TrainingDataset, tmp_path: Path
) -> None:
    data = on_its_side(make_video(tmp_path / "v.mp4", side=64, height=48, location=PLACE))
    sample = register(admin, dataset, data).json()
    assert (sample["width"], sample["height"], sample["metadata"]["changes"]) == (48, 64, "location removed")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(1), "not a video"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret.ts\n", "not a video"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 100, "damaged|no pictures"),
    ],
)
def test_what_is_no_video_is_refused(admin: TestClient, dataset: TrainingDataset, data: bytes, message: str) -> None:
    answer = register(admin, dataset, data)
    assert answer.status_code == 422
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(answer.json()["detail"])
    assert "/tmp" not in answer.json()["detail"]


def test_limits_of_videos_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v.mp4"
    make_video(path)
    for limit, value, word in (("MAX_DURATION_MS", 3000, "hours"), ("MAX_PICTURE_PIXELS", 4000, "pixels")):
        with monkeypatch.context() as patch:
            patch.setattr(videos, limit, value)
            with pytest.raises(Invalid, match=word):
                videos.inspect_video(path, "v")


def test_same_video_twice_is_refused(
    admin: TestClient, dataset: TrainingDataset, video: dict[str, Any], tmp_path: Path
) -> None:
    again = register(admin, dataset, (tmp_path / "v.mp4").read_bytes())
    assert again.status_code == 409


def test_frames_know_their_video_and_their_moment(admin: TestClient, video: dict[str, Any]) -> None:
    asked = cut(admin, video, every_ms=1000)
    assert asked.status_code == 201, asked.text
    assert cut_frames(asked.json()["id"]) == "completed"
    found = frames_of(admin, video)
    assert [frame["frame_ms"] for frame in found] == [0, 1000, 2000, 3000]
    begun = datetime.fromisoformat(CAPTURED)
    moments = [datetime.fromisoformat(frame["captured_at"]) for frame in found]
    assert moments == [begun + timedelta(seconds=n) for n in range(4)]
    (view,) = cuts(admin, video)
    assert (view["status"], view["made"], view["known"], view["at_ms"]) == ("completed", 4, 0, 3000)


def test_same_request_again_adds_nothing_twice(admin: TestClient, video: dict[str, Any]) -> None:
    for made, known in ((4, 0), (0, 4)):
        asked = cut(admin, video, every_ms=1000).json()
        cut_frames(asked["id"])
        assert [(cuts(admin, video)[0][name]) for name in ("made", "known")] == [made, known]
    assert len(frames_of(admin, video)) == 4


def test_scenes_are_told_by_how_much_the_picture_changes(admin: TestClient, video: dict[str, Any]) -> None:
    cut_frames(cut(admin, video, scene_change=0.1, limit=3).json()["id"])
    assert [frame["frame_ms"] for frame in frames_of(admin, video)] == [0, 1000, 2000]


def test_cancelled_cut_stops_and_keeps_what_it_made(
    admin: TestClient, video: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BATCH", 1)
    asked = cut(admin, video, every_ms=1000).json()
    added = frame_cuts.add

    def cancel_after_the_first(*arguments: Any) -> bool:
        going_on = added(*arguments)
        arguments[0].flush()
        if going_on:
            arguments[0].exec(update(FrameCut).values(finished_at=utcnow(), cancelled_at=utcnow()))
        return going_on

    monkeypatch.setattr(frame_cuts, "add", cancel_after_the_first)
    cut_frames(asked["id"])
    assert cuts(admin, video)[0]["status"] == "cancelled"
    assert len(frames_of(admin, video)) == 1


def test_cut_is_cancelled_through_the_api_once(admin: TestClient, video: dict[str, Any]) -> None:
    asked = cut(admin, video, every_ms=1000).json()
    assert cut(admin, video, every_ms=500).status_code == 409, "one at a time"
    path = f"/api/v1/training/datasets/{video['dataset_id']}/samples/{video['id']}/frames/{asked['id']}/cancel"
    assert admin.post(path).json()["status"] == "cancelled"
    assert cut_frames(asked["id"]) == "nothing to cut"
    assert cut(admin, video, every_ms=500).status_code == 201


def test_video_that_is_gone_fails_the_cut_with_the_reason(admin: TestClient, video: dict[str, Any]) -> None:
    asked = cut(admin, video, every_ms=1000).json()
    with transaction() as session:
        row = session.exec(select(TrainingSample)).one()
        row.file_url = row.file_url.replace(".mp4", ".gone")
    cut_frames(asked["id"])
    (view,) = cuts(admin, video)
    assert view["status"] == "failed"
    assert "no object" in view["error"]


def test_lost_cut_is_handed_out_again_and_given_up_in_the_end(admin: TestClient, video: dict[str, Any]) -> None:
    asked = cut(admin, video, every_ms=1000).json()
    queue(MEDIA_QUEUE).empty()
    with transaction() as session:
        session.exec(update(FrameCut).values(created_at=utcnow() - timedelta(minutes=5)))
        session.exec(update(TrainingSample).values(thumbnail_url=""))
    assert enqueue_media_once() == 1
    assert any(entry.startswith(f"frames_{asked['id']}") for entry in queue(MEDIA_QUEUE).job_ids)
    with transaction() as session:
        session.exec(update(FrameCut).values(attempts=frame_cuts.MOST_ATTEMPTS))
    assert cut_frames(asked["id"]) == "nothing to cut"
    assert cuts(admin, video)[0]["status"] == "failed"


def test_image_has_no_frames(admin: TestClient, dataset: TrainingDataset) -> None:
    keys = upload(admin, dataset.id, [png(3)])
    created = admin.post(
        f"/api/v1/training/datasets/{dataset.id}/samples", json={"samples": [{"upload_key": keys[0]}]}
    ).json()["items"][0]
    assert cut(admin, created, every_ms=1000).status_code == 422


def test_video_gets_a_thumbnail_and_a_label_of_its_own(
    admin: TestClient, dataset: TrainingDataset, video: dict[str, Any]
) -> None:
    make_thumbnails(str(dataset.id))
    path = f"/api/v1/training/datasets/{dataset.id}/samples"
    (item,) = admin.get(path).json()["items"]
    assert item["thumbnail"] is not None
    labelled = admin.put(f"{path}/{video['id']}", json={"labels": {"class": "one"}})
    assert labelled.status_code == 200, labelled.text
    assert labelled.json()["labels"] == {"class": "one"}


def test_video_is_not_deleted_from_under_its_frames(admin: TestClient, video: dict[str, Any]) -> None:
    cut_frames(cut(admin, video, every_ms=2000).json()["id"])
    path = f"/api/v1/training/datasets/{video['dataset_id']}/samples"
    assert admin.delete(f"{path}/{video['id']}").status_code == 409
    for frame in frames_of(admin, video):
        assert admin.delete(f"{path}/{frame['id']}").status_code == 204
    assert admin.delete(f"{path}/{video['id']}").status_code == 204
