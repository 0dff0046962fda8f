"""Changing classes through the API: a preview, its digest, and 412 for any other."""

from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.world import API

RENAME = {"changes": [{"change": "rename", "class": "zero", "to": "nought"}]}


def test_change_is_previewed_and_made_by_its_digest(admin: TestClient, super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    (sample,) = make_samples(dataset, 1, super_admin)
    path = f"{API}/datasets/{dataset.id}/schema-changes"
    shown = admin.post(f"{path}/preview", json=RENAME)
    assert shown.status_code == 200, shown.text
    impact = shown.json()
    assert impact["fates"] == [
        {"class": "zero", "becomes": "nought", "outcome": "recoded", "labels": 1, "samples": 1, "verified_samples": 0}
    ]
    refused = admin.post(path, json={**RENAME, "digest": "0" * 64})
    assert (refused.status_code, refused.json()["digest"]) == (412, impact["digest"])
    assert refused.json()["type"].endswith("/precondition-failed")
    made = admin.post(path, json={**RENAME, "digest": impact["digest"]})
    assert (made.status_code, made.json()) == (200, impact)
    with transaction() as session:
        assert session.get_one(TrainingSample, sample).labels == {"class": "nought"}
        assert session.get_one(TrainingDataset, dataset.id).label_schema["classes"][0]["name"] == "nought"


def test_fault_of_a_change_names_its_place(admin: TestClient, super_admin: Person) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}/schema-changes/preview"
    unknown = admin.post(path, json={"changes": [{"change": "explode", "class": "zero"}]})
    assert unknown.status_code == 422
    assert "one of add, edit, rename" in unknown.text
    second = admin.post(path, json={"changes": [*RENAME["changes"], {"change": "remove", "class": "zero"}]})
    assert second.status_code == 422
    assert second.json()["field"] == "changes.1.class"
