"""Samples are found by every column, in every combination, and from any place of a long list."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset

DAY = datetime(2026, 5, 1, tzinfo=UTC)
CAMERA, NEAR, VIDEO = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def mixed(dataset: TrainingDataset, super_admin: Person, second_admin: Person) -> dict[str, UUID]:
    """One sample of each kind, by a name."""
    ada, bob = super_admin.id, second_admin.id
    labelled = {"labels": {"class": "zero"}, "is_labeled": True, "labeled_by": ada}
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "labelled": labelled,
        "by bob": {**labelled, "labels": {"class": "one"}, "labeled_by": bob},
        "verified": {**labelled, "is_verified": True, "verified_by": bob, "quality_score": "0.9"},
        "rejected": {**labelled, "verified_by": bob, "rejection_reason": "blurred", "quality_score": "0.2"},
        "video": {"id": VIDEO, "file_type": "video", "duration_ms": 4000},
        "frame": {"video_id": VIDEO, "frame_ms": 1000},
        "late frame": {"video_id": VIDEO, "frame_ms": 2000},
        "near": {"near_group": NEAR},
        "withdrawn": {"withdrawn_at": DAY, "withdrawn_by": ada, "withdrawal_reason": "asked"},
        "big": {"file_size": 5_000_000},
        "captured": {"captured_at": DAY, "source_camera_id": CAMERA},
        "imported": {"extra": {"split": "val", "file_name": "Yard 7/IMG_0042.final.jpg", "lux": 12.5, "night": True}},
    }
    rows = {
        name: TrainingSample(
            **{
                "dataset_id": dataset.id,
                "file_url": "s3://x/y.png",
                "file_size": 100 + number,
                "sha256": f"{number:064}",
                "created_at": DAY + timedelta(minutes=number),
                **columns,
            }
        )
        for number, (name, columns) in enumerate(kinds.items())
    }
    with transaction() as session:
        session.add_all(row for name, row in rows.items() if name == "video")
        session.flush()
        session.add_all(rows.values())
    return {name: row.id for name, row in rows.items()}


def names(admin: TestClient, dataset: TrainingDataset, mixed: dict[str, UUID], **query: Any) -> list[str]:
    answer = admin.get(f"/api/v1/training/datasets/{dataset.id}/samples", params=query)
    assert answer.status_code == 200, answer.text
    called = {str(key): name for name, key in mixed.items()}
    return [called[item["id"]] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "rejected"}, ["rejected"]),
        ({"label": "zero"}, ["rejected", "verified", "labelled"]),
        ({"label": "zero", "status": "verified"}, ["verified"]),
        ({"reviewed": True}, ["rejected", "verified"]),
        ({"reviewed": False, "label": "zero"}, ["labelled"]),
        ({"file_type": "video"}, ["video"]),
        ({"video_id": str(VIDEO), "sort": "frame_ms"}, ["frame", "late frame"]),
        ({"near_duplicates": True}, ["near"]),
        ({"near_group": str(NEAR)}, ["near"]),
        ({"withdrawn": True}, ["withdrawn"]),
        ({"withdrawn": False, "near_duplicates": True}, ["near"]),
        ({"size_min": 1_000_000}, ["big"]),
        ({"size_min": 101, "size_max": 102}, ["by bob", "labelled"]),
        ({"source_camera_id": str(CAMERA)}, ["captured"]),
        ({"captured_since": "2026-05-01T00:00:00Z", "captured_until": "2026-05-02T00:00:00Z"}, ["captured"]),
        ({"created_until": "2026-05-01T00:01:00Z"}, ["plain"]),
        ({"quality_min": 0.5}, ["verified"]),
        ({"quality_max": 0.5}, ["rejected"]),
        ({"sort": "quality_score"}, ["rejected", "verified"]),
        ({"sort": "-captured_at"}, ["captured"]),
        ({"split": "val"}, ["imported"]),
        ({"metadata": "lux=12.5"}, ["imported"]),
        ({"metadata": "night=true"}, ["imported"]),
        ({"metadata": "split=val"}, ["imported"]),
        ({"metadata": "split=train"}, []),
        ({"q": "img"}, ["imported"]),
        ({"q": "final 004"}, ["imported"]),
        ({"q": "yard-7"}, ["imported"]),
        ({"q": "mg"}, []),
        ({"q": "it's & | ! :*"}, []),
    ],
    ids=str,
)
def test_filter_finds_what_it_says(
    admin: TestClient, dataset: TrainingDataset, mixed: dict[str, UUID], query: dict[str, Any], found: list[str]
) -> None:
    assert names(admin, dataset, mixed, **query) == found


def test_samples_are_found_by_who_labelled_and_who_reviewed(
    admin: TestClient, dataset: TrainingDataset, mixed: dict[str, UUID], second_admin: Person
) -> None:
    assert names(admin, dataset, mixed, labeled_by=second_admin.id) == ["by bob"]
    assert names(admin, dataset, mixed, verified_by=second_admin.id) == ["rejected", "verified"]


def test_boxes_are_found_by_their_class(admin: TestClient, super_admin: Person) -> None:
    schema = {"task": "detection", "classes": [{"name": name, "color": "#112233"} for name in ("cell", "platelet")]}
    dataset = make_dataset(super_admin, label_schema=schema)
    boxes = [{"id": str(n), "class": name, "box": [n, 1, 2, 2]} for n, name in enumerate(["cell", "cell", "platelet"])]
    values = {"dataset_id": dataset.id, "file_url": "s3://x/y.png", "file_size": 1, "is_labeled": True}
    rows = [
        TrainingSample(**values, labeled_by=super_admin.id, sha256=f"{n:064}", annotations=boxes[:n]) for n in range(4)
    ]
    with transaction() as session:
        session.add_all(rows)
    mixed = {str(n): row.id for n, row in enumerate(rows)}
    assert sorted(names(admin, dataset, mixed, label="cell")) == ["1", "2", "3"]
    assert names(admin, dataset, mixed, label="platelet") == ["3"]


def test_list_goes_on_in_an_order_that_has_empty_places(admin: TestClient, dataset: TrainingDataset) -> None:
    rows = [
        TrainingSample(
            dataset_id=dataset.id,
            file_url="s3://x/y.png",
            file_size=1,
            sha256=f"{n:064}",
            captured_at=None if n % 3 == 0 else DAY + timedelta(hours=n % 4),
            quality_score=None if n % 2 else f"0.{n % 5}",
        )
        for n in range(30)
    ]
    with transaction() as session:
        session.add_all(rows)
    for sort, expected in (("captured_at", 20), ("-quality_score", 15)):
        seen: list[str] = []
        cursor = None
        while True:
            query = {"sort": sort, "limit": 4, **({"cursor": cursor} if cursor else {})}
            page = admin.get(f"/api/v1/training/datasets/{dataset.id}/samples", params=query).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == expected


def test_page_begins_at_any_position(admin: TestClient, dataset: TrainingDataset, mixed: dict[str, UUID]) -> None:
    everything = names(admin, dataset, mixed)
    for position in (0, 1, 7, len(everything) - 1, len(everything), 10_000):
        assert names(admin, dataset, mixed, position=position, limit=3) == everything[position : position + 3]
    assert names(admin, dataset, mixed, position=1, label="zero", limit=1) == ["verified"]


def test_page_at_a_position_goes_on_by_its_cursor(
    admin: TestClient, dataset: TrainingDataset, mixed: dict[str, UUID]
) -> None:
    path = f"/api/v1/training/datasets/{dataset.id}/samples"
    page = admin.get(path, params={"position": 4, "limit": 2}).json()
    following = names(admin, dataset, mixed, cursor=page["next_cursor"], limit=2)
    assert following == names(admin, dataset, mixed)[6:8]
    behind = admin.get(path, params={"position": 500, "file_type": "image"}).json()
    assert (behind["items"], behind["total"], behind["total_is_exact"]) == ([], len(mixed) - 1, True)
    both = admin.get(path, params={"position": 4, "cursor": page["next_cursor"]})
    assert both.status_code == 422


@pytest.mark.parametrize(
    "query", [{"metadata": "no equals sign"}, {"sort": "frame_ms"}, {"metadata": "=x"}, {"q": "—"}, {"position": -1}]
)
def test_filter_that_means_nothing_is_refused(
    admin: TestClient, dataset: TrainingDataset, query: dict[str, Any]
) -> None:
    assert admin.get(f"/api/v1/training/datasets/{dataset.id}/samples", params=query).status_code == 422
