"""Two people and one sample: who has it open is told to the other, and time alone or the same person takes it away."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import select
from starlette.testclient import TestClient

from app.infra.db import transaction
from app.tables import AuditEvent, SampleLease, TrainingDataset, TrainingSample
from tests.support.people import Person
from tests.support.records import make_dataset, make_samples
from tests.support.waiting import together
from tests.support.world import API

AsPerson = Callable[..., TestClient]
ONE = {"labels": {"class": "one"}}


@pytest.fixture
def dataset(super_admin: Person) -> TrainingDataset:
    return make_dataset(super_admin)


@pytest.fixture
def path(dataset: TrainingDataset, super_admin: Person) -> str:
    """Of one sample."""
    return f"{API}/datasets/{dataset.id}/samples/{make_samples(dataset, 1, super_admin)[0]}"


@pytest.fixture
def bob(as_person: AsPerson, second_admin: Person) -> TestClient:
    return as_person(second_admin)


def take(client: TestClient, path: str, **body: Any) -> Any:
    answer = client.post(f"{path}/lease", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, word: str) -> Any:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"].endswith(f"/{word}")
    return answer.json()


def let_time_pass() -> None:
    with transaction() as session:
        session.execute(text("UPDATE sample_leases SET expires_at = now()"))  # type: ignore[deprecated]


def test_other_person_is_told_who_has_it_and_until_when(admin: TestClient, bob: TestClient, path: str) -> None:
    lease = take(admin, path)
    problem = refused(bob.post(f"{path}/lease", json={}), "leased")
    assert (problem["holder"], problem["yours"]) == ("Ada Admin", False)
    assert problem["until"][:19] == lease["expires_at"][:19]
    assert refused(bob.put(path, json=ONE), "leased")["holder"] == "Ada Admin"
    assert "Ada Admin has" in refused(bob.post(f"{path}/lease", json={"take_over": True}), "leased")["detail"]


def test_lease_that_was_not_renewed_is_taken_and_its_holder_cannot_save(
    admin: TestClient, bob: TestClient, path: str
) -> None:
    lease = take(admin, path)
    let_time_pass()
    take(bob, path)
    saved = admin.put(path, json=ONE, headers={"Lease-Token": lease["token"]})
    assert refused(saved, "leased")["holder"] == "Bob Admin"


def test_holder_renews_saves_and_gives_it_back(admin: TestClient, bob: TestClient, path: str) -> None:
    lease = take(admin, path)
    again = take(admin, path, token=lease["token"])
    assert again["token"] == lease["token"]
    assert again["expires_at"] > lease["expires_at"]
    own = {"Lease-Token": lease["token"]}
    assert admin.put(path, json=ONE, headers=own).status_code == 200
    assert admin.delete(f"{path}/lease", headers=own).status_code == 204
    take(bob, path)
    assert admin.delete(f"{path}/lease", headers=own).status_code == 204  # is over: takes nothing from anybody
    refused(admin.post(f"{path}/lease", json={}), "leased")


def test_own_other_tab_takes_it_over_only_when_asked(admin: TestClient, path: str) -> None:
    first = take(admin, path)
    assert refused(admin.post(f"{path}/lease", json={}), "leased")["yours"] is True
    take(admin, path, take_over=True)
    lost = {"Lease-Token": first["token"]}
    assert refused(admin.put(path, json=ONE, headers=lost), "lease-lost")["yours"] is True
    refused(admin.post(f"{path}/lease", json={"token": first["token"]}), "leased")
    with transaction() as session:
        actions = session.exec(select(AuditEvent.action)).all()
    assert actions.count("lease.take_over") == 1


def test_who_never_heard_of_leases_saves_as_before(admin: TestClient, bob: TestClient, path: str) -> None:
    assert bob.put(path, json=ONE).status_code == 200
    take(admin, path)
    let_time_pass()
    assert bob.put(path, json=ONE).status_code == 200


def test_lease_ends_with_its_sample(admin: TestClient, path: str) -> None:
    take(admin, path)
    with transaction() as session:
        session.execute(text("DELETE FROM training_samples"))  # type: ignore[deprecated]
        assert session.exec(select(SampleLease)).all() == []


def test_of_many_who_ask_at_once_one_gets_the_lease(path: str, as_person: AsPerson, second_admin: Person) -> None:
    def ask(client: TestClient) -> Any:
        return client.post(f"{path}/lease", json={}).status_code

    clients = [as_person(second_admin) for _ in range(6)]
    answers = together(*(partial(ask, client) for client in clients))
    assert sorted(answers) == [200, *[409] * 5]


def unlabel(dataset: TrainingDataset) -> None:
    with transaction() as session:
        session.execute(text("UPDATE training_samples SET is_labeled = false, labeled_by = NULL, labels = '{}'"))  # type: ignore[deprecated]
        session.get_one(TrainingDataset, dataset.id).labeled_count = 0


def next_of(client: TestClient, dataset: TrainingDataset, **body: Any) -> Any:
    answer = client.post(f"{API}/datasets/{dataset.id}/next-sample", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_people_who_ask_at_once_get_different_samples(
    dataset: TrainingDataset, super_admin: Person, second_admin: Person, as_person: AsPerson
) -> None:
    wanted = set(make_samples(dataset, 12, super_admin))
    unlabel(dataset)
    clients = [as_person(person) for person in (super_admin, second_admin) for _ in range(6)]
    answers = together(*(partial(next_of, client, dataset) for client in clients))
    assert {UUID(answer["sample"]["id"]) for answer in answers} == wanted
    assert all(answer["lease"]["token"] for answer in answers)
    assert next_of(clients[0], dataset) == {"sample": None, "lease": None}


def test_next_is_what_was_rejected_to_me_then_what_nobody_labelled(
    admin: TestClient, bob: TestClient, dataset: TrainingDataset, super_admin: Person
) -> None:
    first, second, third = make_samples(dataset, 3, super_admin)
    with transaction() as session:
        for sample_id, reason in ((first, None), (second, "blurred"), (third, "cut off")):
            row = session.get_one(TrainingSample, sample_id)
            row.is_labeled, row.labeled_by = reason is not None, super_admin.id if reason else None
            row.labels, row.rejection_reason = {"class": "one"} if reason else {}, reason
            session.add(row)
        session.get_one(TrainingDataset, dataset.id).labeled_count = 2
    assert UUID(next_of(bob, dataset)["sample"]["id"]) == first
    mine = [next_of(admin, dataset)["sample"] for _ in range(3)]
    assert [item and UUID(item["id"]) for item in mine] == [second, third, None]


def test_going_on_behind_the_last_begins_anew(admin: TestClient, dataset: TrainingDataset, super_admin: Person) -> None:
    ids = make_samples(dataset, 3, super_admin)
    unlabel(dataset)
    found = [UUID(next_of(admin, dataset, after=str(ids[after]))["sample"]["id"]) for after in (0, 2)]
    assert found == [ids[1], ids[0]]


def test_neighbours_come_in_the_order_of_the_samples_and_within_the_filter(
    admin: TestClient, dataset: TrainingDataset, super_admin: Person
) -> None:
    ids = [str(one) for one in make_samples(dataset, 7, super_admin)]
    around = f"{API}/datasets/{dataset.id}/samples/{ids[3]}/neighbours"
    answer = admin.get(around, params={"limit": 2}).json()
    assert [item["id"] for item in answer["before"]] == [ids[2], ids[1]]
    assert [item["id"] for item in answer["after"]] == [ids[4], ids[5]]
    zeros = admin.get(around, params={"limit": 2, "label": "zero"}).json()
    assert [item["id"] for item in zeros["before"]] == [ids[2], ids[0]]
    assert admin.get(around, params={"limit": 11}).status_code == 422


def test_one_sample_is_shown_with_the_tag_to_change_it(admin: TestClient, bob: TestClient, path: str) -> None:
    shown = admin.get(path)
    assert shown.headers["etag"] == shown.json()["etag"]
    assert shown.json()["url"].startswith("http")
    assert bob.put(path, json=ONE, headers={"If-Match": shown.headers["etag"]}).status_code == 200
    assert admin.put(path, json=ONE, headers={"If-Match": shown.headers["etag"]}).status_code == 412
    other = path.rpartition("/")[0] + "/" + str(UUID(int=7))
    assert admin.get(other).status_code == 404
