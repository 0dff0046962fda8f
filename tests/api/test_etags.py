"""Two people edit one record: who writes second learns of the first, and nothing of the second is half written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.api.etags import read
from app.domain.machines import JobStatus
from app.errors import Invalid
from app.infra.db import transaction
from app.services.etags import ANY
from app.tables import AuditEvent, SampleAnnotation, TrainingDataset
from tests.support.people import Person, make_organization
from tests.support.records import make_dataset, make_job, make_samples, make_version
from tests.support.world import API, make_world

AsPerson = Callable[..., TestClient]


def tag_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    assert tag.endswith('"')
    return tag


def refused(answer: httpx.Response) -> Any:
    assert answer.status_code == 412, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].endswith("/precondition-failed")
    return problem


def events() -> int:
    with transaction() as session:
        return len(session.exec(select(col(AuditEvent.id))).all())


def put(client: TestClient, path: str, body: Any, if_match: str | None) -> httpx.Response:
    return client.put(path, json=body, headers={} if if_match is None else {"If-Match": if_match})


def test_lost_update_is_refused_and_leaves_nothing(
    admin: TestClient, as_person: AsPerson, second_admin: Person, super_admin: Person
) -> None:
    path, other = f"{API}/datasets/{make_dataset(super_admin).id}", as_person(second_admin)
    read_by_both = tag_of(admin.get(path))
    assert read_by_both == tag_of(other.get(path))
    first = put(admin, path, {"description": "first"}, read_by_both)
    written, before = tag_of(first), events()
    body = {"description": "second", "status": "archived", "name": "second"}
    problem = refused(put(other, path, body, read_by_both))
    assert problem["etag"] == written == tag_of(admin.get(path))
    assert admin.get(path).json() == first.json()
    assert events() == before
    assert tag_of(put(other, path, body, problem["etag"])) != written
    assert admin.get(path).json()["description"] == "second"


def test_of_many_updates_at_once_one_is_made(admin: TestClient, super_admin: Person) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}"
    seen = tag_of(admin.get(path))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: put(admin, path, {"description": f"by {n}"}, seen), range(8)))
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert [answer.status_code for answer in answers].count(412) == 7
    assert admin.get(path).json() == winner.json()


def test_model_version_is_guarded_too(admin: TestClient) -> None:
    version = f"{API}/models/{make_version().id}"
    old = tag_of(admin.get(version))
    tag_of(put(admin, version, {"release_notes": "first"}, old))
    refused(put(admin, version, {"release_notes": "second", "status": "testing"}, old))
    shown = admin.get(version).json()
    assert (shown["release_notes"], shown["status"]) == ("first", "draft")


def test_label_is_not_put_over_a_decision_that_was_not_seen(
    admin: TestClient, as_person: AsPerson, second_admin: Person, super_admin: Person
) -> None:
    dataset = make_dataset(super_admin)
    (sample,) = make_samples(dataset, 1, super_admin)
    samples = f"{API}/datasets/{dataset.id}/samples"
    (listed,) = admin.get(samples).json()["items"]
    decided = as_person(second_admin).post(f"{samples}/{sample}/verify", json={"verified": True})
    problem = refused(put(admin, f"{samples}/{sample}", {"labels": {"class": "one"}}, listed["etag"]))
    assert problem["etag"] == tag_of(decided)
    (shown,) = admin.get(samples).json()["items"]
    assert (shown["labels"], shown["is_verified"], shown["etag"]) == ({"class": "zero"}, True, problem["etag"])
    with transaction() as session:
        assert session.exec(select(SampleAnnotation)).all() == []
        assert session.get_one(TrainingDataset, dataset.id).verified_count == 1
    relabelled = put(admin, f"{samples}/{sample}", {"labels": {"class": "one"}}, problem["etag"])
    assert tag_of(relabelled) not in (listed["etag"], problem["etag"])


def test_counts_that_move_beside_an_edit_do_not_refuse_it(admin: TestClient, super_admin: Person) -> None:
    dataset = make_dataset(super_admin)
    path = f"{API}/datasets/{dataset.id}"
    seen = tag_of(admin.get(path))
    make_samples(dataset, 3, super_admin)
    assert admin.get(path).json()["labeled_count"] == 3
    assert tag_of(put(admin, path, {"description": "new"}, seen)) != seen


@pytest.mark.parametrize(
    "if_match", [None, "*", " * ", "{tag}", '"other", {tag}', ' {tag} ,"other"', '"a,b", {tag}', 'W/"x", {tag}']
)
def test_what_a_caller_accepts_is_let_through(admin: TestClient, super_admin: Person, if_match: str | None) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}"
    tag = tag_of(admin.get(path))
    tag_of(put(admin, path, {"description": "new"}, if_match and if_match.replace("{tag}", tag)))


@pytest.mark.parametrize("if_match", ['"other"', "W/{tag}", '"other", "more"', '""'])
def test_other_and_weak_tags_are_equal_to_none(admin: TestClient, super_admin: Person, if_match: str) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}"
    refused(put(admin, path, {"description": "new"}, if_match.replace("{tag}", tag_of(admin.get(path)))))


@pytest.mark.parametrize("if_match", ["", "x", '"x', "*, *", '*, "x"', '"a" "b"', '"a",', ", ", ",".join(['"a"'] * 21)])
def test_what_is_no_tag_is_refused_and_says_how_one_looks(
    admin: TestClient, super_admin: Person, if_match: str
) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}"
    answer = put(admin, path, {"description": "new"}, if_match)
    assert (answer.status_code, answer.json()["field"]) == (422, "header.If-Match")
    assert "entity tags" in answer.json()["detail"]


def test_field_that_is_sent_twice_is_one_list(admin: TestClient, super_admin: Person) -> None:
    path = f"{API}/datasets/{make_dataset(super_admin).id}"
    fields = [("If-Match", '"other"'), ("If-Match", tag_of(admin.get(path)))]
    assert admin.put(path, json={"description": "new"}, headers=httpx.Headers(fields)).status_code == 200


def test_record_that_does_not_exist_is_not_found_whatever_is_asked(admin: TestClient) -> None:
    path = f"{API}/datasets/00000000-0000-0000-0000-000000000000"
    assert put(admin, path, {"description": "new"}, "*").status_code == 404


def test_every_record_that_is_shown_or_changed_has_a_tag(admin: TestClient, super_admin: Person) -> None:
    world = make_world(super_admin, None)
    for path in ("datasets", "jobs", "models", "edge-servers"):
        record = {"datasets": world.dataset, "jobs": world.job, "models": world.version, "edge-servers": world.edge}
        tag_of(admin.get(f"{API}/{path}/{record[path]}"))
    tag_of(admin.post(f"{API}/jobs/{world.job}/cancel"))
    tag_of(admin.post(f"{API}/edge-servers/{world.edge}/revoke"))
    tag_of(put(admin, f"{API}/datasets/{world.dataset}/samples/{world.sample}", {"labels": None}, None))


def test_record_that_nobody_edits_has_the_tag_of_all_that_it_shows(admin: TestClient, super_admin: Person) -> None:
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.QUEUED)
    before = tag_of(admin.get(f"{API}/jobs/{job.id}"))
    assert tag_of(admin.post(f"{API}/jobs/{job.id}/cancel")) not in (before, "")


def test_equal_records_have_different_tags(admin: TestClient, super_admin: Person) -> None:
    owners = (None, make_organization("Another Ltd"))
    first, second = (make_dataset(super_admin, name="same", organization_id=owner) for owner in owners)
    assert tag_of(admin.get(f"{API}/datasets/{first.id}")) != tag_of(admin.get(f"{API}/datasets/{second.id}"))


def test_every_update_by_put_documents_what_it_checks(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path in ("datasets/{dataset_id}", "datasets/{dataset_id}/samples/{sample_id}", "models/{version_id}"):
        operation = document["paths"][f"/training/{path}"]["put"]
        assert "412" in operation["responses"]
        assert "If-Match" in {parameter["name"] for parameter in operation["parameters"]}
        assert "ETag" in operation["responses"]["200"]["headers"]


def test_stars_and_tags_are_read() -> None:
    assert read("*") == ANY
    assert read('"a",W/"b" , "c"') == {'"a"', '"c"'}
    with pytest.raises(Invalid):
        read('"\n"')
