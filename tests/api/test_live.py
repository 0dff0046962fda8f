"""The live channel: who may open it, which topics they get, and that a published message arrives."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from app.domain.machines import JobStatus
from app.domain.permissions import Plan
from app.infra import live
from app.infra.queue import get_redis
from tests.support.people import PASSWORD, Person, make_organization
from tests.support.records import make_dataset, make_job
from tests.support.waiting import wait_for

PATH = "ws://trainyard.test/api/v1/live"
OWN = {"origin": "http://trainyard.test"}


@pytest.fixture
def browser(database: str, api: Starlette) -> Iterator[Callable[[Person], TestClient]]:
    """`browser(person)`: a signed-in browser on a server whose live channel listens."""
    with TestClient(api, base_url="http://trainyard.test") as opened:
        wait_for(lambda: get_redis().pubsub_numpat() > 0, what="the subscription")

        def sign_in(person: Person) -> TestClient:
            answer = opened.post("/api/v1/auth/sign-in", json={"email": person.email, "password": PASSWORD})
            assert answer.status_code == 200
            return opened

        yield sign_in


def received(socket: WebSocketTestSession, topic: str, data: dict[str, Any], watched: str) -> Any:
    """The next message after publishing `data` on `topic` and then a mark on `watched`."""
    wait_for(lambda: any(watched in s.topics for s in live.broker._subscriptions), what=f"watching {watched}")
    live.publish(topic, data)
    live.publish(watched, {"mark": True})
    return socket.receive_json()


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


def test_member_may_watch_nothing(browser: Callable[[Person], TestClient], member: Person, super_admin: Person) -> None:
    with browser(member).websocket_connect(PATH, headers=OWN) as socket:
        socket.send_json({"subscribe": ["jobs", "models", "deployments", "edges"]})
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
        client.post("/api/v1/auth/sign-out")

        def closed() -> bool:
            live.publish("jobs", {"x": 2})
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
    subscription = live.Subscription()
    for number in range(live.QUEUE_SIZE + 10):
        subscription.offer("jobs", json.dumps(number))
    kept = [subscription.queue.get_nowait()[1] for _ in range(live.QUEUE_SIZE)]
    assert kept == [str(number) for number in range(10, live.QUEUE_SIZE + 10)]


def test_lost_redis_loses_the_message_and_nothing_else(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import get_settings

    monkeypatch.setenv("TRAINYARD_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    get_redis.cache_clear()
    live.publish("jobs", {"x": 1})
