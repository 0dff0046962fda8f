"""Orders to deploy: one at a time per edge and module, the newest wins, an earlier version is a rollback."""

import threading
from uuid import UUID

import pytest
from sqlmodel import select

from app.domain.machines import DEPLOYMENT_UNFINISHED
from app.errors import Conflict, IllegalTransition, NotFound
from app.infra.db import transaction
from app.schemas.deployments import DeploymentCreate, RolloutView
from app.services import deployments, edge_servers, model_versions, overview
from app.tables import AiModelVersion, EdgeServer, ModelDeployment, Rollout
from app.tables.base import utcnow
from tests.support.people import Person
from tests.support.records import make_edge, make_version
from tests.support.servers import Servers
from tests.support.trust import Trusted
from tests.support.waiting import together, wait_for


@pytest.fixture
def version(trusted: Trusted, super_admin: Person) -> AiModelVersion:
    made = make_version()
    trusted.release(super_admin, made.id)
    return made


@pytest.fixture
def edge(super_admin: Person) -> int:
    return int(make_edge(super_admin).id or 0)


def deploy(person: Person, version: AiModelVersion, edge: int) -> RolloutView:
    with transaction() as session:
        return deployments.deploy(session, person.actor, version.id, DeploymentCreate(edge_server_id=edge))


def rows() -> list[ModelDeployment]:
    with transaction() as session:
        return list(session.exec(select(ModelDeployment).order_by("created_at")))


def says_it_runs(edge: int, version: AiModelVersion) -> None:
    loaded = {"ai_module": version.ai_module, "version": version.version, "model_version_id": str(version.id)}
    with transaction() as session:
        session.get_one(EdgeServer, edge).loaded = [loaded]


def test_newer_order_supersedes_the_unfinished_one(
    version: AiModelVersion, edge: int, trusted: Trusted, super_admin: Person
) -> None:
    deploy(super_admin, version, edge)
    newer = make_version("1.1.0")
    trusted.release(super_admin, newer.id)
    deploy(super_admin, newer, edge)
    old, new = rows()
    assert (old.status, new.status) == ("failed", "pending")
    assert old.error_message == "Superseded by meter_digits 1.1.0, which was ordered later."
    assert old.completed_at is not None


def test_order_of_another_module_is_left_alone(
    version: AiModelVersion, edge: int, trusted: Trusted, super_admin: Person
) -> None:
    other = make_version("1.0.0", ai_module="gauges")
    trusted.release(super_admin, other.id)
    for ordered in (version, other):
        deploy(super_admin, ordered, edge)
    assert [row.status for row in rows()] == ["pending", "pending"]


def test_ten_orders_at_once_leave_one_unfinished(version: AiModelVersion, edge: int, super_admin: Person) -> None:
    outcomes = together(*[lambda: deploy(super_admin, version, edge)] * 10)
    assert [error for error in outcomes if isinstance(error, Exception)] == []
    made = rows()
    assert len(made) == 10
    assert len([row for row in made if row.status in DEPLOYMENT_UNFINISHED]) == 1
    assert all("Superseded" in (row.error_message or "") for row in made if row.status == "failed")


def test_earlier_version_than_the_loaded_one_is_a_rollback(
    version: AiModelVersion, edge: int, trusted: Trusted, super_admin: Person
) -> None:
    assert deploy(super_admin, version, edge).kind == "single"
    newer = make_version("1.10.0")
    trusted.release(super_admin, newer.id)
    says_it_runs(edge, newer)
    assert deploy(super_admin, version, edge).kind == "rollback"
    says_it_runs(edge, version)
    assert deploy(super_admin, newer, edge).kind == "single"


def test_everywhere_means_every_enrolled_edge_that_does_not_run_it(
    version: AiModelVersion, edge: int, super_admin: Person, enterprise_admin: Person
) -> None:
    runs = int(make_edge(super_admin).id or 0)
    says_it_runs(runs, version)
    make_edge(super_admin, public_key=None, enrolled_at=None)
    make_edge(super_admin, revoked_at=utcnow())
    theirs = int(make_edge(super_admin, organization_id=enterprise_admin.organization_id).id or 0)
    with transaction() as session:
        rollout = deployments.deploy_all(session, super_admin.actor, version.id)
    assert (rollout.kind, rollout.target_count) == ("all", 2)
    assert [made.edge_server_id for made in rollout.deployments] == [edge, theirs]
    for one in (edge, theirs):
        says_it_runs(one, version)
    with pytest.raises(Conflict, match="runs it already"), transaction() as session:
        deployments.deploy_all(session, super_admin.actor, version.id)
    with transaction() as session:
        assert len(session.exec(select(Rollout)).all()) == 1


@pytest.mark.parametrize("status", ["draft", "testing"])
def test_unreleased_version_is_not_deployed(edge: int, super_admin: Person, status: str) -> None:
    with pytest.raises(Conflict, match="only a released version"):
        deploy(super_admin, make_version(status=status), edge)
    assert rows() == []


def test_approved_version_is_not_deployed_before_its_release(edge: int, super_admin: Person, trusted: Trusted) -> None:
    version = make_version()
    trusted.approve(super_admin, version.id)
    with pytest.raises(Conflict, match="only a released version"):
        deploy(super_admin, version, edge)


def test_revoked_or_unknown_edge_gets_nothing(version: AiModelVersion, edge: int, super_admin: Person) -> None:
    with transaction() as session:
        edge_servers.revoke(session, super_admin.actor, edge)
    with pytest.raises(Conflict, match="revoked"):
        deploy(super_admin, version, edge)
    with pytest.raises(NotFound):
        deploy(super_admin, version, 999)


def fail(deployment: UUID) -> None:
    with transaction() as session:
        row = session.get_one(ModelDeployment, deployment)
        row.status, row.error_message = "failed", "The disk is full."


def test_failed_deployment_is_retried_once_at_a_time(version: AiModelVersion, edge: int, super_admin: Person) -> None:
    first = deploy(super_admin, version, edge).deployments[0].id
    with pytest.raises(IllegalTransition), transaction() as session:
        deployments.retry(session, super_admin.actor, first)
    fail(first)
    second = deploy(super_admin, version, edge).deployments[0].id
    with pytest.raises(Conflict, match="under way"), transaction() as session:
        deployments.retry(session, super_admin.actor, first)
    fail(second)
    with transaction() as session:
        view = deployments.retry(session, super_admin.actor, first)
    assert (view.status, view.retry_count, view.error_message, view.started_at) == ("pending", 1, None, None)


def test_overview_counts_only_the_failures_that_nothing_repaired(
    version: AiModelVersion, edge: int, super_admin: Person
) -> None:
    fail(deploy(super_admin, version, edge).deployments[0].id)
    with transaction() as session:
        assert overview.show(session, super_admin.actor).deployments_failed == 1
    deploy(super_admin, version, edge)
    with transaction() as session:
        assert overview.show(session, super_admin.actor).deployments_failed == 0


def test_deprecated_version_is_neither_deployed_nor_retried(
    version: AiModelVersion, edge: int, super_admin: Person
) -> None:
    first = deploy(super_admin, version, edge).deployments[0].id
    with pytest.raises(Conflict, match="under way"), transaction() as session:
        model_versions.deprecate(session, super_admin.actor, version.id)
    fail(first)
    with transaction() as session:
        model_versions.deprecate(session, super_admin.actor, version.id)
    with pytest.raises(Conflict, match="only a released version"):
        deploy(super_admin, version, edge)
    with pytest.raises(Conflict, match="only a released version"), transaction() as session:
        deployments.retry(session, super_admin.actor, first)


@pytest.mark.parametrize("first", ["order", "withdraw"])
def test_order_and_deprecation_at_once_have_one_winner(
    version: AiModelVersion, edge: int, super_admin: Person, stack: Servers, first: str
) -> None:
    held = threading.Event()

    def act(name: str) -> None:
        if name != first:
            held.wait(5)
        with transaction() as session:
            if name == "order":
                request = DeploymentCreate(edge_server_id=edge)
                deployments.deploy(session, super_admin.actor, version.id, request)
            else:
                model_versions.deprecate(session, super_admin.actor, version.id)
            if name == first:
                held.set()
                query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                wait_for(lambda: stack.sql(query)[0][0], 5, "the other one waiting")

    outcomes = dict(zip(("order", "withdraw"), together(lambda: act("order"), lambda: act("withdraw")), strict=True))
    assert outcomes.pop(first) is None
    assert [type(error) for error in outcomes.values()] == [Conflict]
