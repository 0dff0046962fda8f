"""Every list is read in the order of an index: its query, as the service really sends it, needs no sort."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlmodel import Session

from app.auth import sessions, tokens
from app.domain.permissions import PersonActor, Plan, Role
from app.infra.db import get_engine, transaction
from app.infra.object_store import get_object_store
from app.schemas.audit import AuditFilter
from app.schemas.base import Sorted
from app.schemas.datasets import DatasetFilter
from app.schemas.deployments import DeploymentFilter
from app.schemas.edge_servers import EdgeServerFilter
from app.schemas.model_versions import ModelVersionFilter
from app.schemas.opinions import DecisionFilter, DisagreementFilter
from app.schemas.people import OrganizationFilter, UserFilter
from app.schemas.samples import SampleFilter
from app.schemas.training_jobs import TrainingJobFilter
from app.schemas.transfers import TransferFilter
from app.schemas.webhooks import WebhookDeliveryFilter, WebhookFilter
from app.services import (
    audit,
    datasets,
    deployments,
    edge_servers,
    model_versions,
    opinion_views,
    organizations,
    samples,
    training_jobs,
    transfers,
    users,
    webhook_deliveries,
    webhooks,
)
from app.services.sample_filters import MAY_BE_MISSING
from app.tables import (
    AiModelVersion,
    EdgeServer,
    ModelDeployment,
    Organization,
    SampleDisagreement,
    TrainingDataset,
    TrainingJob,
    TrainingSample,
    User,
    Webhook,
    WebhookDelivery,
)
from tests.support.people import Person
from tests.support.records import make_dataset

SUPER = PersonActor(1, "a@example.test", "A", Role.SUPER_ADMIN)
ORGANIZATION = PersonActor(1, "b@example.test", "B", Role.ORGANIZATION_ADMIN, 1, Plan.ENTERPRISE)
NOTHING = UUID(int=7)


@dataclass(frozen=True)
class Listed:
    """A list that can be sorted: what it is called with, and the table whose columns order it."""

    read: Callable[[Session, PersonActor, Any], Any]
    filter: type[Sorted]
    table: Any
    actors: tuple[PersonActor, ...] = (SUPER, ORGANIZATION)

    @property
    def sorts(self) -> tuple[str, ...]:
        return get_args(self.filter.model_fields["sort"].annotation)


LISTS = {
    "datasets": Listed(datasets.list_datasets, DatasetFilter, TrainingDataset),
    "jobs": Listed(training_jobs.list_jobs, TrainingJobFilter, TrainingJob),
    "model versions": Listed(model_versions.list_versions, ModelVersionFilter, AiModelVersion),
    "deployments": Listed(deployments.list_deployments, DeploymentFilter, ModelDeployment),
    "edge servers": Listed(edge_servers.list_edge_servers, EdgeServerFilter, EdgeServer),
    "people": Listed(users.list_users, UserFilter, User, (SUPER,)),
    "webhooks": Listed(webhooks.list_webhooks, WebhookFilter, Webhook, (SUPER,)),
    "organizations": Listed(organizations.list_organizations, OrganizationFilter, Organization, (SUPER,)),
}
# Filters that have an index of their own, which then gives the order too.
FILTERED: dict[str, Callable[[Session, PersonActor], Any]] = {
    "jobs in a status": lambda s, a: training_jobs.list_jobs(s, a, TrainingJobFilter(status="running")),
    "model versions of a module": lambda s, a: model_versions.list_versions(s, a, ModelVersionFilter(ai_module="m")),
    "deployments of a version": lambda s, a: deployments.list_deployments(
        s, a, DeploymentFilter(model_version_id=NOTHING)
    ),
    "deployments of an edge": lambda s, a: deployments.list_deployments(s, a, DeploymentFilter(edge_server_id=1)),
}
FOR_SUPER_ADMINS: dict[str, Callable[[Session, PersonActor], Any]] = {
    "audit": lambda s, a: audit.list_events(s, a, AuditFilter()),
    "audit, oldest first": lambda s, a: audit.list_events(s, a, AuditFilter(sort="id")),
    "own tokens": lambda s, a: tokens.list_tokens(s, a),
    "own sessions": lambda s, a: sessions.list_sessions(s, a),
}


def cases() -> Iterator[tuple[str, PersonActor, Callable[[Session, PersonActor], Any]]]:
    """Every list in every order for everyone who may read it."""
    for name, listed in LISTS.items():
        for actor in listed.actors:
            for sort in listed.sorts:
                wanted = listed.filter(sort=sort)
                yield (
                    f"{name} by {sort} for a {actor.role}",
                    actor,
                    lambda s, a, r=listed.read, w=wanted: r(s, a, w),
                )
    for name, call in FILTERED.items():
        yield from ((f"{name} for a {actor.role}", actor, call) for actor in (SUPER, ORGANIZATION))
    yield from ((name, SUPER, call) for name, call in FOR_SUPER_ADMINS.items())


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
    assert sent
    for statement, parameters in sent:
        kinds = plan_of(statement, parameters)
        assert not {kind for kind in kinds if "Sort" in kind}, f"{kinds}\n{statement}"
        assert any(kind.startswith("Index") for kind in kinds)


@pytest.mark.usefixtures("database")
def test_list_is_read_in_the_order_of_an_index() -> None:
    faults = []
    for name, actor, call in cases():
        try:
            check(lambda session, call=call, actor=actor: call(session, actor))
        except AssertionError as error:
            faults.append(f"{name}: {error}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "wanted",
    [
        SampleFilter(status="labeled"),
        SampleFilter(status="rejected"),
        SampleFilter(label="zero"),
        SampleFilter(labeled_by=1),
        SampleFilter(verified_by=1),
        SampleFilter(reviewed=True),
        SampleFilter(file_type="video"),
        SampleFilter(source_camera_id=NOTHING),
        SampleFilter(near_duplicates=True),
        SampleFilter(withdrawn=True),
        SampleFilter(split="train"),
        SampleFilter(video_id=NOTHING, sort="frame_ms"),
        SampleFilter(captured_since="2026-01-01T00:00:00Z", sort="captured_at"),
        *(
            SampleFilter(sort=sort)
            for sort in get_args(SampleFilter.model_fields["sort"].annotation)
            if not sort.endswith("frame_ms")  # has its index behind video_id, and is refused without
        ),
    ],
    ids=lambda wanted: "-".join(f"{k}={v}" for k, v in wanted.model_dump(exclude_unset=True).items()),
)
def test_samples_are_read_in_the_order_of_an_index(super_admin: Person, wanted: SampleFilter) -> None:
    dataset = make_dataset(super_admin)
    check(lambda session: samples.list_samples(session, super_admin.actor, dataset.id, wanted, get_object_store()))


@pytest.mark.parametrize("sort", get_args(DisagreementFilter.model_fields["sort"].annotation))
def test_disagreements_are_read_in_the_order_of_an_index(super_admin: Person, sort: str) -> None:
    dataset, wanted = make_dataset(super_admin), DisagreementFilter(sort=sort)
    store = get_object_store()
    check(lambda session: opinion_views.list_disagreements(session, super_admin.actor, dataset.id, wanted, store))


@pytest.mark.parametrize("sort", get_args(DecisionFilter.model_fields["sort"].annotation))
def test_decisions_are_read_in_the_order_of_an_index(super_admin: Person, sort: str) -> None:
    dataset = make_dataset(super_admin, opinions_per_sample=2)
    wanted = DecisionFilter(sort=sort)
    check(lambda session: opinion_views.list_decisions(session, super_admin.actor, dataset.id, wanted))


@pytest.mark.parametrize("sort", get_args(TransferFilter.model_fields["sort"].annotation))
def test_transfers_are_read_in_the_order_of_an_index(super_admin: Person, sort: str) -> None:
    dataset = make_dataset(super_admin)
    wanted = TransferFilter(sort=sort)
    check(lambda session: transfers.list_transfers(session, super_admin.actor, dataset.id, wanted))


@pytest.mark.parametrize("sort", get_args(WebhookDeliveryFilter.model_fields["sort"].annotation))
def test_deliveries_are_read_in_the_order_of_an_index(super_admin: Person, sort: str) -> None:
    hook = Webhook(name="hook", url="https://example.test", created_by=super_admin.id)
    with transaction() as session:
        session.add(hook)
    wanted = WebhookDeliveryFilter(sort=sort)
    check(lambda session: webhook_deliveries.list_deliveries(session, super_admin.actor, hook.id, wanted))


def test_no_list_is_ordered_by_what_may_be_missing() -> None:
    inner = [
        Listed(samples.list_samples, SampleFilter, TrainingSample),
        Listed(webhook_deliveries.list_deliveries, WebhookDeliveryFilter, WebhookDelivery),
        Listed(opinion_views.list_disagreements, DisagreementFilter, SampleDisagreement),
    ]
    for listed in [*LISTS.values(), *inner]:
        for sort in listed.sorts:
            column = listed.table.__table__.c[sort.removeprefix("-")]
            assert not column.nullable or (listed.filter is SampleFilter and column.name in MAY_BE_MISSING), column


def test_beginning_of_a_name_is_looked_up_in_an_index(database: str) -> None:
    """As PostgreSQL plans it with the value that was asked for; the order then is made of the few that fit."""
    queries = {
        "training_datasets": ["name"],
        "users": ["name", "email"],
        "organizations": ["name"],
    }
    with get_engine().connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for table, columns in queries.items():
            for column in columns:
                statement = f"EXPLAIN (FORMAT JSON) SELECT id FROM {table} WHERE lower({column}) LIKE lower('Ab%%')"
                answer = connection.exec_driver_sql(statement).scalar_one()
                assert "Index Cond" in str(answer), f"{table}.{column}: {answer}"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("index", "search"),
    {
        "ix_audit_events_actor": {"actor": "a@example.test"},
        "ix_audit_events_action": {"action": "dataset.update"},
        "ix_audit_events_subject": {"subject_type": "training_jobs", "subject_id": "1"},
        "ix_audit_events_owner": {"organization_id": 1},
        "ix_audit_events_outcome": {"outcome": "refused"},
        "ix_audit_events_request": {"request_id": "r"},
    }.items(),
)
def test_search_of_the_audit_log_is_read_in_the_order_of_its_own_index(index: str, search: dict[str, Any]) -> None:
    with statements() as sent, transaction() as session:
        audit.list_events(session, SUPER, AuditFilter(**search))
    with get_engine().connect() as connection:
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
            connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        answer = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sent[0][0]}", sent[0][1]).scalar_one()
    assert f"'Index Name': '{index}'" in str(answer)
    assert "Sort" not in str(answer)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("index", "condition"),
    {"ix_audit_events_action": "action LIKE 'dataset.%%'", "ix_audit_events_time": "occurred_at < now()"}.items(),
)
def test_beginning_of_an_action_and_a_time_are_looked_up_in_an_index(index: str, condition: str) -> None:
    with get_engine().connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        statement = f"EXPLAIN (FORMAT JSON) SELECT id FROM audit_events WHERE {condition}"
        answer = connection.exec_driver_sql(statement).scalar_one()
    assert f"'Index Name': '{index}'" in str(answer)
    assert "Index Cond" in str(answer)
