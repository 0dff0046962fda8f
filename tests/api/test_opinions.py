"""Opinions through the API: no door shows another person's opinion too early, and what a caller is told."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.domain.permissions import Role
from app.infra.db import transaction
from app.tables import TrainingDataset
from tests.support.matrix import ROUTES
from tests.support.people import Person, make_person
from tests.support.records import make_dataset, make_unlabelled

API = "/api/v1/training"
SECRET = "seen-only-by-its-author"
BOX = {"id": SECRET, "class": "RBC", "box": [10.0, 10.0, 30.0, 30.0]}
# Answers that are no record: a stream that never ends, a file.
ASIDE = {"GET /metrics"}


@pytest.fixture
def people(database: str) -> list[Person]:
    return [make_person(f"Team {name}", Role.SUPER_ADMIN) for name in "ABC"]


@pytest.fixture
def callers(people: list[Person], as_person: Callable[..., TestClient]) -> list[TestClient]:
    return [as_person(person) for person in people]


@pytest.fixture
def dataset(people: list[Person]) -> TrainingDataset:
    row = make_dataset(people[0], opinions_per_sample=2)
    with transaction() as session:
        schema = {"task": "detection", "classes": [{"name": "RBC"}, {"name": "WBC"}]}
        session.get_one(TrainingDataset, row.id).label_schema = schema
    return row


@pytest.fixture
def sample(dataset: TrainingDataset) -> UUID:
    return make_unlabelled(dataset, 1)[0]


def everything(caller: TestClient, dataset: UUID, sample: UUID) -> dict[str, str]:
    """What each GET route answers that can be asked about the dataset, the sample, or nothing in particular."""
    answers = {}
    for route in ROUTES:
        method, path = route.split()
        filled = path.replace("{dataset_id}", str(dataset)).replace("{sample_id}", str(sample))
        if method == "GET" and "{" not in filled and route not in ASIDE:
            answers[route] = caller.get(f"/api/v1{filled}").text
    return answers


def test_no_door_shows_an_opinion_to_who_did_not_give_it(
    callers: list[TestClient], dataset: TrainingDataset, sample: UUID
) -> None:
    author, other, third = callers
    path = f"{API}/datasets/{dataset.id}/samples/{sample}"
    given = author.put(path, json={"annotations": [BOX]})
    assert (given.status_code, given.json()["annotations"][0]["id"]) == (200, SECRET)
    assert SECRET in author.get(f"{API}/datasets/{dataset.id}/samples").text
    for caller in (other, third):
        answers = everything(caller, dataset.id, sample)
        assert f"GET {API.removeprefix('/api/v1')}/audit" in answers
        assert [route for route, text in answers.items() if SECRET in text] == []
    assert other.put(path, json={"annotations": []}).status_code == 200  # all opinions are in: now all is open
    assert SECRET in third.get(f"{path}/opinions").text


def test_tag_of_the_list_is_the_tag_to_give_an_opinion_with(
    callers: list[TestClient], dataset: TrainingDataset, sample: UUID
) -> None:
    author, other, _ = callers
    path = f"{API}/datasets/{dataset.id}/samples"
    tag = other.get(path).json()["items"][0]["etag"]
    assert author.put(f"{path}/{sample}", json={"annotations": [BOX]}).status_code == 200
    answer = other.put(f"{path}/{sample}", json={"annotations": [BOX]}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["is_labeled"]) == (200, True)


def test_opinions_are_set_given_decided_and_undone(
    callers: list[TestClient], people: list[Person], dataset: TrainingDataset, sample: UUID
) -> None:
    author, other, judge = callers
    base = f"{API}/datasets/{dataset.id}"
    path = f"{base}/samples/{sample}"
    settings = {"opinions_per_sample": 2, "consensus_iou": 0.6}
    assert author.put(f"{base}/opinions", json=settings).json()["consensus_iou"] == 0.6
    mine: Any = {"annotations": [BOX]}
    assert author.put(f"{path}/opinions/mine", json=mine).json()["given"] == 1
    seen = other.put(f"{path}/opinions/mine", json={"annotations": []}).json()
    assert (seen["state"], len(seen["opinions"])) == ("disputed", 2)
    (entry,) = judge.get(f"{base}/disagreements").json()["items"]
    assert entry["sample_id"] == str(sample)
    choice = {"choice": "opinion", "annotator_id": people[0].id, "reason": "There is a cell."}
    decided = judge.post(f"{path}/adjudicate", json=choice).json()
    decision = decided["decisions"][0]
    assert (decided["state"], decision["decided_by_name"], decision["reason"]) == (
        "agreed",
        "Team C",
        "There is a cell.",
    )
    undone = judge.post(f"{API}/consensus/{decision['id']}/undo")
    assert (undone.status_code, undone.json()["undone_by"]) == (200, people[2].id)
    assert judge.post(f"{API}/consensus/{decision['id']}/undo").status_code == 409
    assert judge.get(f"{base}/opinions").json()["by_count"] == [0, 0, 1]


def test_names_of_people_are_for_who_may_know_people(
    callers: list[TestClient],
    dataset: TrainingDataset,
    sample: UUID,
    enterprise_admin: Person,
    as_person: Callable[..., TestClient],
) -> None:
    path = f"{API}/datasets/{dataset.id}/samples/{sample}"
    for caller in callers[:2]:
        caller.put(path, json={"annotations": [BOX]})
    seen = as_person(enterprise_admin).get(f"{path}/opinions")
    assert (seen.status_code, [one["annotator"] for one in seen.json()["opinions"]]) == (200, ["", ""])
