"""What becomes of an upload: only a real, whole, new image of this dataset is registered; a batch is all or nothing."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from app.infra.object_store import get_object_store
from app.schemas import samples as sample_schemas
from app.services import files
from tests.support.images import add_samples, bomb, png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.world import API

Register = Callable[..., httpx.Response]


@pytest.fixture
def dataset(super_admin: Person) -> str:
    return str(make_dataset(super_admin).id)


@pytest.fixture
def register(admin: TestClient, dataset: str) -> Register:
    """`register(*files, **fields)`: upload and register; `fields` go to every sample."""

    def send(*contents: bytes, **fields: Any) -> httpx.Response:
        samples = [{"upload_key": key, **fields} for key in upload(admin, dataset, contents)]
        return admin.post(f"{API}/datasets/{dataset}/samples", json={"samples": samples})

    return send


NO_IMAGES = [
    (b"", "empty"),
    (png(1)[:-20], "damaged or cut short"),
    (png(1)[:30], "not an image|damaged or cut short"),
    (b"%PDF-1.7 not an image", "not an image that can be read"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image that can be read"),
    (bomb(), "more than the 64,000,000 allowed|larger than"),
    (bomb(9_000, 9_000), "more than the 64,000,000 allowed|larger than"),
]


def test_file_that_is_no_whole_image_is_refused_by_name(register: Register, admin: TestClient, dataset: str) -> None:
    for content, message in NO_IMAGES:
        answer = register(png(7), content)
        assert answer.status_code == 422, answer.text
        assert re.search(f"uploads/.*({message})", answer.json()["detail"]), answer.text
    assert admin.get(f"{API}/datasets/{dataset}").json()["sample_count"] == 0


def test_wrong_digest_is_refused_and_the_right_one_accepted(register: Register) -> None:
    answer = register(png(1), sha256="0" * 64)
    assert answer.status_code == 422
    assert "Upload it again" in answer.json()["detail"]
    digest = hashlib.sha256(png(1)).hexdigest()
    made = register(png(1), sha256=digest)
    assert made.status_code == 201
    assert made.json()["items"][0]["sha256"] == digest


def test_same_content_is_one_sample(register: Register, admin: TestClient, dataset: str) -> None:
    assert register(png(1)).status_code == 201
    again = register(png(2), png(1))
    assert (again.status_code, again.json()["sha256"]) == (409, hashlib.sha256(png(1)).hexdigest())
    twice = register(png(3), png(3))
    assert twice.status_code == 409
    assert admin.get(f"{API}/datasets/{dataset}").json()["sample_count"] == 1


def test_upload_of_another_dataset_cannot_be_taken(admin: TestClient, super_admin: Person, dataset: str) -> None:
    (key,) = upload(admin, make_dataset(super_admin).id, [png(1)])
    answer = admin.post(f"{API}/datasets/{dataset}/samples", json={"samples": [{"upload_key": key}]})
    assert answer.status_code == 422
    assert "was not opened for dataset" in answer.json()["detail"]


def test_place_where_nothing_was_put_is_refused(admin: TestClient, dataset: str) -> None:
    slots = admin.post(f"{API}/datasets/{dataset}/uploads", json={"count": 1}).json()["slots"]
    body = {"samples": [{"upload_key": slots[0]["upload_key"]}]}
    answer = admin.post(f"{API}/datasets/{dataset}/samples", json=body)
    assert answer.status_code == 422
    assert "nothing was uploaded there" in answer.json()["detail"]


def test_one_upload_is_one_sample(admin: TestClient, dataset: str) -> None:
    (key,) = upload(admin, dataset, [png(1)])
    body = {"samples": [{"upload_key": key}, {"upload_key": key}]}
    assert admin.post(f"{API}/datasets/{dataset}/samples", json=body).status_code == 422


def test_file_over_the_limit_is_refused(
    register: Register, monkeypatch: pytest.MonkeyPatch, admin: TestClient, dataset: str
) -> None:
    monkeypatch.setattr("app.services.sample_uploads.MAX_FILE_BYTES", 60)
    assert sample_schemas.MAX_FILE_BYTES > 60
    answer = register(png(1))
    assert answer.status_code == 413, answer.text


def test_refused_batch_can_be_sent_again_without_uploading_again(admin: TestClient, dataset: str) -> None:
    add_samples(admin, dataset, [png(1)])
    good, known = upload(admin, dataset, [png(2), png(1)])
    path = f"{API}/datasets/{dataset}/samples"
    assert admin.post(path, json={"samples": [{"upload_key": good}, {"upload_key": known}]}).status_code == 409
    assert admin.post(path, json={"samples": [{"upload_key": good}]}).status_code == 201


def test_registered_upload_leaves_nothing_behind(admin: TestClient, dataset: str) -> None:
    (key,) = upload(admin, dataset, [png(1)])
    path = f"{API}/datasets/{dataset}/samples"
    (made,) = admin.post(path, json={"samples": [{"upload_key": key}]}).json()["items"]
    assert admin.post(path, json={"samples": [{"upload_key": key}]}).status_code == 422
    store = get_object_store()
    assert hashlib.sha256(store.get_bytes(store.key(made["file_url"]))).hexdigest() == made["sha256"]


NOT_FACTS: list[dict[str, Any]] = [
    {"metadata": {"lux": float("nan")}},
    {"metadata": {"lux": float("inf")}},
    {"metadata": {"note": "a\0b"}},
    {"metadata": {"a\0b": 1}},
    {"captured_at": "9999-12-31T23:59:59-12:00"},
    {"captured_at": "0001-01-01T00:00:00+12:00"},
    {"captured_at": "2026-01-01T00:00:00"},
    {"labels": {"class": "seven"}},
]


def test_fact_that_cannot_be_kept_is_refused_and_the_list_goes_on_working(admin: TestClient, dataset: str) -> None:
    (key,) = upload(admin, dataset, [png(1)])
    path = f"{API}/datasets/{dataset}/samples"
    for fields in NOT_FACTS:
        content = json.dumps({"samples": [{"upload_key": key, **fields}]})
        answer = admin.post(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, (fields, answer.text)
    assert admin.get(path).json()["items"] == []


def test_file_without_a_right_suffix_is_known_by_its_content() -> None:
    found = files.inspect_image(png(3, (5, 9)), "x")
    assert (found.suffix, found.width, found.height) == ("png", 5, 9)
