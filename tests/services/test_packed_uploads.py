"""Several small files put as one upload: each is looked at as if it had come alone."""

import hashlib
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.errors import NotFound
from app.infra.object_store import get_object_store
from tests.support.images import add_samples, png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.world import API

FILES = [png(1), b"not an image", png(2, (5, 9)), b"", png(3)]


@pytest.fixture
def dataset(super_admin: Person) -> str:
    return str(make_dataset(super_admin).id)


def packed(client: TestClient, dataset: str, files: list[bytes]) -> list[dict[str, Any]]:
    """Put `files` end to end; what is to be registered."""
    (key,) = upload(client, dataset, [b"".join(files)])
    starts = [sum(map(len, files[:place])) for place in range(len(files))]
    return [
        {"upload_key": key, "part": {"first": first, "size": len(file)}}
        for first, file in zip(starts, files, strict=True)
    ]


def register(client: TestClient, dataset: str, samples: list[dict[str, Any]], on_fault: str = "skip") -> Any:
    body = {"samples": samples, "on_fault": on_fault}
    return client.post(f"{API}/datasets/{dataset}/samples", json=body)


def test_good_ones_go_in_in_order_and_each_bad_one_is_told_by_its_place(admin: TestClient, dataset: str) -> None:
    samples = packed(admin, dataset, FILES)
    for sample, file in zip(samples, FILES, strict=True):
        sample["sha256"] = hashlib.sha256(file).hexdigest()
    (alone,) = upload(admin, dataset, [png(4)])
    answer = register(admin, dataset, [*samples, {"upload_key": alone}]).json()
    assert [one["sha256"] for one in answer["items"]] == [
        hashlib.sha256(file).hexdigest() for file in (png(1), png(2, (5, 9)), png(3), png(4))
    ]
    assert [(one["first"], one["code"]) for one in answer["skipped"]] == [
        (len(FILES[0]), "not-an-image"),
        (sum(map(len, FILES[:3])), "empty"),
    ]
    store = get_object_store()
    assert store.get_bytes(store.key(answer["items"][1]["file_url"])) == png(2, (5, 9))
    with pytest.raises(NotFound):
        store.get_bytes(samples[0]["upload_key"])


def test_one_that_is_there_already_is_skipped_and_the_others_go_in(admin: TestClient, dataset: str) -> None:
    (known,) = add_samples(admin, dataset, [png(2)])
    answer = register(admin, dataset, packed(admin, dataset, [png(1), png(2), png(1), png(3)])).json()
    assert len(answer["items"]) == 2
    assert [(one["code"], one["sample_id"]) for one in answer["skipped"]] == [
        ("duplicate", known["id"]),
        ("duplicate", None),
    ]


def test_all_or_nothing_names_the_bad_one_and_keeps_the_upload(admin: TestClient, dataset: str) -> None:
    samples = packed(admin, dataset, FILES)
    answer = register(admin, dataset, samples, "refuse")
    assert answer.status_code == 422
    assert f"from byte {len(FILES[0])}: a text file, not an image" in answer.json()["detail"]
    assert len(register(admin, dataset, [samples[0], samples[2]], "refuse").json()["items"]) == 2


def test_place_outside_the_upload_or_in_another_file_is_refused(admin: TestClient, dataset: str) -> None:
    samples = packed(admin, dataset, [png(1), png(2)])
    beyond = {**samples[1], "part": {**samples[1]["part"], "size": 10_000}}
    answer = register(admin, dataset, [samples[0], beyond]).json()
    assert [one["code"] for one in answer["skipped"]] == ["altered"]
    assert f"ends after {len(png(1)) + len(png(2))} bytes" in answer["skipped"][0]["message"]
    overlapping = {**samples[1], "part": {"first": 3, "size": 20}}
    for together in (
        [samples[0], overlapping],
        [samples[0], samples[0]],
        [samples[0], {"upload_key": samples[0]["upload_key"]}],
    ):
        assert register(admin, dataset, together).status_code == 422


def test_upload_that_never_came_or_is_too_large_is_told_for_each_of_its_files(
    admin: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slot,) = admin.post(f"{API}/datasets/{dataset}/uploads", json={"count": 1}).json()["slots"]
    absent = [{"upload_key": slot["upload_key"], "part": {"first": n, "size": 1}} for n in range(2)]
    assert [one["code"] for one in register(admin, dataset, absent).json()["skipped"]] == ["missing"] * 2
    large = packed(admin, dataset, [png(1), png(2)])
    monkeypatch.setattr("app.services.sample_uploads.MAX_PACK_BYTES", 60)
    assert [one["code"] for one in register(admin, dataset, large).json()["skipped"]] == ["too-large"] * 2
