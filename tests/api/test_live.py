"""The live channel: who may open it, which topics they get, and that a published message arrives."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from app.api.v1.live import SHARED_TOPICS
from app.domain.machines import JobStatus
from app.domain.permissions import EdgeActor, Plan, Role
from app.infra import live
from app.infra.db import transaction
from app.infra.queue import get_redis
from app.schemas.edge_servers import Heartbeat
from app.schemas.model_versions import ModelVersionUpdate
from app.services import deployments, edge_nodes, model_versions, training_jobs
from app.tables import ModelDeployment, Organization, User
from tests.support.people import PASSWORD, Person, make_organization
from tests.support.records import make_dataset, make_job
from tests.support.waiting import wait_for
from tests.support.world import World, make_world

PATH = "ws://trainyard.test/api/v1/live"
# What an organization admin may watch.
SHARED = sorted(topic for topic, needed in SHARED_TOPICS.items() if needed.startswith("training:"))
OWN = {"origin": "http://trainyard.test"}


@pytest.fixture
def browser(database: str, api: Starlette) -> Iterator[Callable[[Person], TestClient]]:
    """`browser(person)`: a signed-in browser on a server whose live channel listens."""
    with TestClient(api, base_url="http://trainyard.test") as opened:
        wait_for(lambda: get_redis().pubsub_numpat() > 0, what="the subscription")

        def sign_in(person: Person) -> TestClient:
            answer = opened.post(
                "/api/v1/auth/sign-in", json={"email": person.email, "password": PASSWORD}, headers=OWN
            )
            assert answer.status_code == 200
            return opened

        yield sign_in


def next_message(socket: WebSocketTestSession) -> Any:
    """The next frame that is no answer to a subscription."""
    while "subscribed" in (frame := socket.receive_json()):
        continue
    return frame


def watch(socket: WebSocketTestSession, *topics: str) -> list[str]:
    """Subscribe; the topics that the server watches from now on."""
    socket.send_json({"subscribe": topics})
    granted: list[str] = socket.receive_json()["subscribed"]
    return granted


def received(
    socket: WebSocketTestSession, topic: str, data: dict[str, Any], watched: str, owner: int | None = None
) -> Any:
    """The next message after publishing `data` on `topic` and then a mark on `watched`."""
    wait_for(lambda: any(watched in s.topics for s in live.broker._subscriptions), what=f"watching {watched}")
    live.publish(topic, data, owner=owner)
    live.publish(watched, {"mark": True}, owner=None)
    return next_message(socket)


def closes(client: TestClient, **headers: str) -> int:
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect(PATH, headers=headers):
        pass
    return closed.value.code


def test_without_a_session_it_is_refused(client: TestClient) -> None:
    assert closes(client, **OWN) == 1008
    client.cookies.set("trainyard_session", "made-up")
    assert closes(client, **OWN) == 1008


def test_other_sites_are_refused(browser: Callable[[Person], TestClient], super_admin: Person) -> None:
    client = browser(super_admin)
    assert closes(client, origin="http://evil.test") == 1008
    assert closes(client, origin="null") == 1008
    assert closes(client, origin="http://[") == 1008


def test_published_message_arrives(browser: Callable[[Person], TestClient], super_admin: Person) -> None:
    job = make_job(super_admin, make_dataset(super_admin), JobStatus.RUNNING)
    topic = f"job:{job.id}"
    with browser(super_admin).websocket_connect(PATH, headers=OWN) as socket:
        socket.send_json({"subscribe": [topic]})
        message = received(socket, topic, {"points": [{"name": "train_loss", "step": 1, "value": 0.5}]}, topic)
    assert message == {"topic": topic, "data": {"points": [{"name": "train_loss", "step": 1, "value": 0.5}]}}


def test_topic_of_another_organization_stays_silent(
    browser: Callable[[Person], TestClient], super_admin: Person, enterprise_admin: Person
) -> None:
    other = make_organization("Another Ltd", Plan.ENTERPRISE)
    foreign = make_job(super_admin, make_dataset(super_admin, organization_id=other), JobStatus.RUNNING)
    own = make_dataset(super_admin, organization_id=enterprise_admin.organization_id)
    mine = make_job(super_admin, own, JobStatus.RUNNING)
    wanted = [f"job:{foreign.id}", f"job:{uuid4()}", "job:rubbish", "secrets", f"job:{mine.id}"]
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        socket.send_json({"subscribe": wanted})
        message = received(socket, f"job:{foreign.id}", {"secret": 1}, f"job:{mine.id}")
        assert message == {"topic": f"job:{mine.id}", "data": {"mark": True}}


@pytest.mark.parametrize("topic", SHARED)
def test_a_shared_topic_carries_only_what_the_person_may_see(
    browser: Callable[[Person], TestClient], super_admin: Person, enterprise_admin: Person, topic: str
) -> None:
    own, other = enterprise_admin.organization_id, make_organization("Another Ltd", Plan.ENTERPRISE)
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, topic) == [topic]
        assert received(socket, topic, {"of": "other"}, topic, owner=other)["data"] == {"mark": True}
        assert received(socket, topic, {"of": "own"}, topic, owner=own)["data"] == {"of": "own"}
    with browser(super_admin).websocket_connect(PATH, headers=OWN) as socket:
        watch(socket, topic)
        assert received(socket, topic, {"of": "other"}, topic, owner=other)["data"] == {"of": "other"}


def test_topics_of_administration_are_not_for_organization_admins(
    browser: Callable[[Person], TestClient], enterprise_admin: Person
) -> None:
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, *SHARED_TOPICS) == [topic for topic in SHARED_TOPICS if topic in SHARED]


def test_services_say_whose_their_messages_are(
    browser: Callable[[Person], TestClient], super_admin: Person, enterprise_admin: Person
) -> None:
    """The same changes in two organizations: the admin of one hears of one."""
    other = make_organization("Another Ltd", Plan.ENTERPRISE)
    foreign, own = make_world(super_admin, other), make_world(super_admin, enterprise_admin.organization_id)
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        watch(socket, *SHARED)
        change_everything(super_admin, foreign, other)
        change_everything(super_admin, own, enterprise_admin.organization_id)
        live.publish("jobs", {"mark": True}, owner=None)
        heard = list(iter(partial(next_message, socket), {"topic": "jobs", "data": {"mark": True}}))
    assert {message["topic"] for message in heard} == set(SHARED)
    text = json.dumps(heard)
    assert all(str(known) in text for known in (own.job, own.version, own.deployment))
    assert not any(str(known) in text for known in (foreign.job, foreign.version, foreign.deployment))
    assert {message["data"]["edge_server_id"] for message in heard if message["topic"] == "edges"} == {own.edge}


def change_everything(person: Person, world: World, organization_id: int | None) -> None:
    """A heartbeat, a job cancelled, a version moved to testing, a deployment superseded."""
    with transaction() as session:
        beat = Heartbeat(edge_version="0.1.0", platform="linux/x86_64", loaded=[])
        edge_nodes.heartbeat(session, EdgeActor(world.edge, "edge", organization_id), beat)
        training_jobs.cancel(session, person.actor, world.job)
        model_versions.update(session, person.actor, world.version, ModelVersionUpdate(status="testing"))
        deployments.changed(session, session.get_one(ModelDeployment, world.deployment))


CHANGES: dict[str, Callable[[Person], None]] = {
    "the plan was downgraded": lambda person: change(Organization, person.organization_id, plan=Plan.PROFESSIONAL),
    "the role was taken away": lambda person: change(User, person.id, role=Role.MEMBER),
    "the organization is another": lambda person: change(
        User, person.id, organization_id=make_organization("Another Ltd", Plan.ENTERPRISE)
    ),
    "the person was deactivated": lambda person: change(User, person.id, is_active=False),
}


def change(table: type[Organization] | type[User], row_id: int | None, **columns: Any) -> None:
    with transaction() as session:
        row = session.get_one(table, row_id)
        row.sqlmodel_update(columns)
        session.add(row)


@pytest.mark.parametrize("what", CHANGES)
def test_changed_rights_end_the_connection(
    browser: Callable[[Person], TestClient], enterprise_admin: Person, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("app.api.v1.live.RECHECK_SECONDS", 0.2)
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, "jobs") == ["jobs"]
        CHANGES[what](enterprise_admin)

        def closed() -> bool:
            live.publish("jobs", {"x": 1}, owner=None)
            return bool(socket.receive()["type"] == "websocket.close")

        wait_for(closed, what="the end of the connection")


def test_a_new_subscription_asks_for_the_rights_of_now(
    browser: Callable[[Person], TestClient], enterprise_admin: Person
) -> None:
    with browser(enterprise_admin).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, "jobs") == ["jobs"]
        CHANGES["the plan was downgraded"](enterprise_admin)
        socket.send_json({"subscribe": ["models"]})
        assert socket.receive()["type"] == "websocket.close"


def test_a_subscription_is_answered_once_messages_arrive(
    browser: Callable[[Person], TestClient], super_admin: Person
) -> None:
    with browser(super_admin).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, "jobs", "secrets", "models") == ["jobs", "models"]
        live.publish("models", {"x": 1}, owner=None)
        assert socket.receive_json() == {"topic": "models", "data": {"x": 1}}
        assert watch(socket, "secrets") == []


@pytest.mark.parametrize("raw", ["{}", "nobody {}", " {}", "-1 {}", "1.5 {}"])
def test_a_message_without_an_owner_reaches_nobody(
    browser: Callable[[Person], TestClient], super_admin: Person, raw: str
) -> None:
    with browser(super_admin).websocket_connect(PATH, headers=OWN) as socket:
        watch(socket, "jobs")
        get_redis().publish("live:jobs", raw)
        live.publish("jobs", {"mark": True}, owner=None)
        assert socket.receive_json()["data"] == {"mark": True}


def test_member_may_watch_nothing(browser: Callable[[Person], TestClient], member: Person, super_admin: Person) -> None:
    with browser(member).websocket_connect(PATH, headers=OWN) as socket:
        assert watch(socket, *SHARED_TOPICS) == []
        socket.send_text("not json")
        assert socket.receive()["type"] == "websocket.close"
    assert not any(s.topics for s in live.broker._subscriptions)


def test_session_that_ended_is_closed_even_while_messages_keep_coming(
    browser: Callable[[Person], TestClient], super_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.v1.live.RECHECK_SECONDS", 0.2)
    client = browser(super_admin)
    with client.websocket_connect(PATH, headers=OWN) as socket:
        socket.send_json({"subscribe": ["jobs"]})
        assert received(socket, "jobs", {"x": 1}, "jobs")["topic"] == "jobs"
        client.post("/api/v1/auth/sign-out", headers={"Origin": "http://trainyard.test"})

        def closed() -> bool:
            live.publish("jobs", {"x": 2}, owner=None)
            return bool(socket.receive()["type"] == "websocket.close")

        wait_for(closed, what="the end of the connection")


def test_unsubscribed_topic_stays_silent(browser: Callable[[Person], TestClient], super_admin: Person) -> None:
    with browser(super_admin).websocket_connect(PATH, headers=OWN) as socket:
        socket.send_json({"subscribe": ["jobs", "models"]})
        socket.send_json({"unsubscribe": ["jobs"]})
        wait_for(lambda: [s.topics for s in live.broker._subscriptions] == [{"models"}], what="unsubscribing")
        assert received(socket, "jobs", {"x": 1}, "models") == {"topic": "models", "data": {"mark": True}}


def test_rubbish_ends_the_connection_and_nothing_else(
    browser: Callable[[Person], TestClient], super_admin: Person
) -> None:
    client = browser(super_admin)
    for text in ("[]", "7", '{"subscribe": 7}', "[" * 30_000, '{"subscribe": [{}]}', "\x00"):
        with client.websocket_connect(PATH, headers=OWN) as socket:
            socket.send_text(text)
            socket.send_text("not json")
            assert socket.receive()["type"] == "websocket.close"
    wait_for(lambda: not live.broker._subscriptions, what="forgetting the tab")


def test_slow_browser_loses_the_oldest_messages_only() -> None:
    subscription = live.Subscription(lambda _: True)
    for number in range(live.QUEUE_SIZE + 10):
        subscription.offer("jobs", json.dumps(number))
    kept = [subscription.queue.get_nowait()[1] for _ in range(live.QUEUE_SIZE)]
    assert kept == [str(number) for number in range(10, live.QUEUE_SIZE + 10)]


def test_lost_redis_loses_the_message_and_nothing_else(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import get_settings

    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    get_redis.cache_clear()
    live.publish("jobs", {"x": 1}, owner=None)
