"""Every list is read in the order of an index: its query, as the service really sends it, needs no sort."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlmodel import Session

from app.auth import sessions
from app.domain.permissions import PersonActor, Plan, Role
from app.infra.db import get_engine, transaction
from app.infra.object_store import get_object_store
from app.schemas.datasets import DatasetFilter
from app.schemas.deployments import DeploymentFilter
from app.schemas.model_versions import ModelVersionFilter
from app.schemas.samples import SampleFilter
from app.schemas.training_jobs import TrainingJobFilter
from app.services import audit, datasets, deployments, edge_servers, model_versions, samples, training_jobs, users
from tests.support.people import Person
from tests.support.records import make_dataset

SUPER = PersonActor(1, "a@example.test", "A", Role.SUPER_ADMIN)
ORGANIZATION = PersonActor(1, "b@example.test", "B", Role.ORGANIZATION_ADMIN, 1, Plan.ENTERPRISE)
NOTHING = UUID(int=7)
LISTS: dict[str, Callable[[Session, PersonActor], Any]] = {
    "datasets": lambda s, a: datasets.list_datasets(s, a, DatasetFilter()),
    "jobs": lambda s, a: training_jobs.list_jobs(s, a, TrainingJobFilter()),
    "jobs in a status": lambda s, a: training_jobs.list_jobs(s, a, TrainingJobFilter(status="running")),
    "model versions": lambda s, a: model_versions.list_versions(s, a, ModelVersionFilter()),
    "model versions of a module": lambda s, a: model_versions.list_versions(s, a, ModelVersionFilter(ai_module="m")),
    "deployments": lambda s, a: deployments.list_deployments(s, a, DeploymentFilter()),
    "deployments of a version": lambda s, a: deployments.list_deployments(
        s, a, DeploymentFilter(model_version_id=NOTHING)
    ),
    "deployments of an edge": lambda s, a: deployments.list_deployments(s, a, DeploymentFilter(edge_server_id=1)),
    "edge servers": lambda s, a: edge_servers.list_edge_servers(s, a),
}
FOR_SUPER_ADMINS: dict[str, Callable[[Session, PersonActor], Any]] = {
    "audit": lambda s, a: audit.list_events(s, a),
    "people": lambda s, a: users.list_users(s, a),
    "organizations": lambda s, a: users.list_organizations(s, a),
    "own tokens": lambda s, a: sessions.list_tokens(s, a),
}
CASES = [
    *[(name, SUPER, call) for name, call in {**LISTS, **FOR_SUPER_ADMINS}.items()],
    *[(f"{name} for an organization", ORGANIZATION, call) for name, call in LISTS.items()],
]


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Every statement with an order that is sent inside the block."""
    sent: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "ORDER BY" in statement:
            sent.append((statement, parameters))

    event.listen(get_engine(), "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(get_engine(), "before_cursor_execute", note)


def nodes(plan: dict[str, Any]) -> list[str]:
    """The kinds of all nodes of a plan."""
    return [plan["Node Type"], *(kind for part in plan.get("Plans", []) for kind in nodes(part))]


def plan_of(statement: str, parameters: Any) -> list[str]:
    """What the planner would do if reading a whole table and sorting it were out of the question."""
    with get_engine().connect() as connection:
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
            connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        answer = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    return nodes(answer[0]["Plan"])


def check(call: Callable[[Session], Any]) -> None:
    with statements() as sent, transaction() as session:
        call(session)
    assert len(sent) == 1
    kinds = plan_of(*sent[0])
    assert not {kind for kind in kinds if "Sort" in kind}, f"{kinds}\n{sent[0][0]}"
    assert any(kind.startswith("Index") for kind in kinds)


@pytest.mark.usefixtures("database")
def test_list_is_read_in_the_order_of_an_index() -> None:
    faults = []
    for name, actor, call in CASES:
        try:
            check(lambda session, call=call, actor=actor: call(session, actor))
        except AssertionError as error:
            faults.append(f"{name}: {error}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("wanted", [SampleFilter(), SampleFilter(status="labeled")], ids=["all", "labeled"])
def test_samples_are_read_in_the_order_of_an_index(super_admin: Person, wanted: SampleFilter) -> None:
    dataset = make_dataset(super_admin)
    check(lambda session: samples.list_samples(session, super_admin.actor, dataset.id, wanted, get_object_store()))
