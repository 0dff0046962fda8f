"""What an organization admin reads: all of the own organization, and nothing that names another one or its people."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import AiModelVersion, EdgeServer, TrainingDataset, TrainingJob
from tests.support.people import Person, make_organization, make_person
from tests.support.trust import Trusted
from tests.support.world import API, World, make_world

AsPerson = Callable[..., TestClient]
SECRET = "kept from others"


def read_paths(api: Starlette, world: World) -> list[str]:
    """Every path that is read with GET, about the records of `world`. What takes another id is not for people."""
    ids = {
        "dataset_id": world.dataset,
        "job_id": world.job,
        "version_id": world.version,
        "edge_server_id": world.edge,
    }
    mounted = next(route.app for route in api.routes if isinstance(getattr(route, "app", None), FastAPI))
    paths = []
    for path, methods in mounted.openapi()["paths"].items():
        if "get" not in methods or path.startswith("/edge/"):
            continue
        named = path
        for name, value in ids.items():
            named = named.replace(f"{{{name}}}", str(value))
        if "{" not in named:
            paths.append(f"/api/v1{named}")
    return paths


def name_everything(world: World) -> None:
    """Give the records of `world` names that nobody else may read."""
    with transaction() as session:
        rows: list[tuple[type[Any], Any]] = [
            (TrainingDataset, world.dataset),
            (TrainingJob, world.job),
            (AiModelVersion, world.version),
            (EdgeServer, world.edge),
        ]
        for table, row_id in rows:
            row = session.get_one(table, row_id)
            row.name = f"{table.__name__} {SECRET}"
            session.add(row)


def test_nothing_that_is_read_names_another_organization_or_its_people(
    api: Starlette, as_person: AsPerson, super_admin: Person, enterprise_admin: Person, trusted: Trusted
) -> None:
    other = make_organization("Another Ltd", Plan.ENTERPRISE)
    colleague = make_person("Olga Other", Role.ORGANIZATION_ADMIN, organization_id=other, plan=Plan.ENTERPRISE)
    foreign = make_world(super_admin, other)
    name_everything(foreign)
    own = make_world(super_admin, enterprise_admin.organization_id)
    hidden = [SECRET, "Another Ltd", colleague.email, super_admin.email, super_admin.actor.name]
    hidden += [str(record) for record in (foreign.dataset, foreign.job, foreign.version, foreign.deployment)]
    caller, answered = as_person(enterprise_admin), 0
    for path in read_paths(api, own):
        answer = caller.get(path)
        assert answer.status_code in {200, 403, 404, 409}, f"{path}: {answer.text}"
        answered += answer.status_code == 200
        assert not [text for text in hidden if text in answer.text], path
    assert answered > 15


def test_approvers_are_keys_to_who_may_not_see_people(
    as_person: AsPerson, super_admin: Person, enterprise_admin: Person, trusted: Trusted
) -> None:
    told, shown = (as_person(person).get(f"{API}/trust").json() for person in (super_admin, enterprise_admin))
    assert {approver["email"] for approver in told["approvers"]} >= {super_admin.email}
    assert [approver["keyid"] for approver in shown["approvers"]] == [one["keyid"] for one in told["approvers"]]
    assert {json.dumps(approver["name"]) for approver in shown["approvers"]} == {"null"}
    assert shown["root"] == told["root"], "signatures can still be checked"
