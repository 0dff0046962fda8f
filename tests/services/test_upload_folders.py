"""Places for uploads: large files in parts, and what nobody registered is gone after a day."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.errors import NotFound
from app.infra.db import transaction
from app.infra.object_store import get_object_store
from app.tables import UploadFolder
from app.tables.base import utcnow
from tests.support.images import png, upload
from tests.support.people import Person
from tests.support.records import make_dataset
from tests.support.world import API
from workers.reconciler import sweep_uploads_once


@pytest.fixture
def uploads(super_admin: Person) -> str:
    return f"{API}/datasets/{make_dataset(super_admin).id}/uploads"


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.upload_folders.MULTIPART_FROM", 10_000_000)
    monkeypatch.setattr("app.services.upload_folders.PART_BYTES", 6_000_000)


def put_parts(slot: dict[str, Any], content: bytes) -> dict[str, Any]:
    parts = []
    with httpx.Client(trust_env=False) as direct:
        for part in reversed(slot["parts"]):
            answer = direct.put(part["url"], content=content[part["first"] : part["first"] + part["size"]])
            assert answer.status_code == 200
            parts.append({"number": part["number"], "etag": answer.headers["etag"]})
    return {"upload_key": slot["upload_key"], "multipart_id": slot["multipart_id"], "parts": parts}


@pytest.mark.usefixtures("in_small_parts")
def test_large_file_is_put_in_parts_and_becomes_one(admin: TestClient, uploads: str) -> None:
    content = bytes(range(256)) * 60_000
    (slot,) = admin.post(uploads, json={"size": len(content)}).json()["slots"]
    assert slot["url"] is None
    assert sum(part["size"] for part in slot["parts"]) == len(content)
    body = put_parts(slot, content)
    for _ in range(2):  # the answer may be lost, and the question asked again
        done = admin.post(f"{uploads}/complete", json=body)
        assert done.status_code == 200, done.text
        assert done.json() == {"upload_key": slot["upload_key"], "size": len(content)}
    assert get_object_store().get_bytes(slot["upload_key"]) == content


@pytest.mark.usefixtures("in_small_parts")
def test_parts_of_another_dataset_cannot_be_completed(admin: TestClient, uploads: str, super_admin: Person) -> None:
    (slot,) = admin.post(uploads, json={"size": 15_000_000}).json()["slots"]
    body = {key: slot[key] for key in ("upload_key", "multipart_id")} | {"parts": [{"number": 1, "etag": "x"}]}
    other = make_dataset(super_admin, name="other")
    answer = admin.post(f"{API}/datasets/{other.id}/uploads/complete", json=body)
    assert answer.status_code == 422
    assert "was not opened in parts for dataset" in answer.json()["detail"]
    answer = admin.post(f"{uploads}/complete", json={**body, "multipart_id": "999"})
    assert answer.status_code == 422


def test_small_file_with_a_size_is_one_put(admin: TestClient, uploads: str) -> None:
    (slot,) = admin.post(uploads, json={"size": 1000}).json()["slots"]
    assert slot["url"]
    assert slot["parts"] == []
    assert admin.post(uploads, json={"size": 1000, "count": 2}).status_code == 422


def grow_old() -> None:
    with transaction() as session:
        for folder in session.exec(select(UploadFolder)):
            folder.opened_at = utcnow() - timedelta(days=1, minutes=1)


@pytest.mark.usefixtures("in_small_parts")
def test_what_nobody_registered_is_removed_after_a_day(admin: TestClient, uploads: str) -> None:
    dataset = uploads.split("/")[-2]
    keys = upload(admin, dataset, [png(1), png(2)])
    admin.post(uploads, json={"size": 15_000_000})
    assert sweep_uploads_once() == 0
    store = get_object_store()
    assert store.stat(keys[0]).size
    grow_old()
    assert sweep_uploads_once() == 2
    for key in keys:
        with pytest.raises(NotFound):
            store.stat(key)
    assert sweep_uploads_once() == 0


def test_folder_stays_while_its_files_come_and_go(admin: TestClient, uploads: str) -> None:
    """The embedded store removes a folder with its last file, and failed for the next one on its way there."""
    (key,) = upload(admin, uploads.split("/")[-2], [png(1)])
    store, stays = get_object_store(), key.rpartition("/")[0] + "/open"
    store.delete(key)
    assert store.stat(stays).size == 0
    grow_old()
    assert sweep_uploads_once() == 1
    with pytest.raises(NotFound):
        store.stat(stays)


def test_uploads_of_a_deleted_dataset_are_removed_too(admin: TestClient, uploads: str) -> None:
    dataset = uploads.split("/")[-2]
    (key,) = upload(admin, dataset, [png(1)])
    assert admin.delete(f"{API}/datasets/{dataset}").status_code == 204
    grow_old()
    assert sweep_uploads_once() == 1
    with pytest.raises(NotFound):
        get_object_store().stat(key)
