"""A request that is cheap to send is cheap to answer: what would cost much is refused before it is read or written."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from sqlmodel import col, func, select
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from app.api import sockets
from app.api.guard import SMALL_BODY_BYTES
from app.api.rate_limits import CREDENTIALS
from app.api.strict import MAX_PARTS
from app.auth.tokens import MAX_USABLE
from app.infra.db import transaction
from app.services import audit
from app.settings import get_settings
from app.tables import AuditEvent
from app.web.serving import MAX_EVENT_BYTES
from tests.support.edges import EdgeClient
from tests.support.people import Person

AsPerson = Callable[..., TestClient]
ME, DATASETS = "/api/v1/auth/me", "/api/v1/training/datasets"
SIGN_IN, TOKENS, EDGES = "/api/v1/auth/sign-in", "/api/v1/auth/tokens", "/api/v1/training/edge-servers"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("path", [SIGN_IN, "/api/v1/edge/enrol", TOKENS])
def test_body_that_anybody_may_send_is_small(admin: TestClient, path: str) -> None:
    body = b" " * SMALL_BODY_BYTES + b"{}"
    answer = admin.post(path, content=body, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["type"].endswith("/too-large")
    assert admin.post(path, content=body[3:], headers=JSON).status_code == 422


def test_small_body_without_a_declared_length_ends_where_it_is_over(client: TestClient) -> None:
    parts = iter([b"[" * SMALL_BODY_BYTES, b"]"])
    assert client.post(SIGN_IN, content=parts, headers=JSON).status_code == 413
    assert next(parts, None) is None


@pytest.mark.parametrize("part", [b"[]", b"{}", b"1"])
def test_number_of_values_is_limited(admin: TestClient, part: bytes) -> None:
    answer = admin.post(EDGES, content=b"[" + b",".join([part] * (MAX_PARTS + 1)) + b"]", headers=JSON)
    assert answer.status_code == 422
    assert f"more than {MAX_PARTS:,} values" in answer.json()["detail"]


def test_edge_server_is_not_limited_to_small_bodies(edge_client: EdgeClient) -> None:
    body = b'{"edge_version": "0.1.0", "platform": "linux/x86_64", "loaded": []}' + b" " * SMALL_BODY_BYTES
    token = edge_client.sign(edge_client.claims("POST", "/api/v1/edge/heartbeat", body))
    assert edge_client.send("POST", "/heartbeat", body, token).status_code == 200


@pytest.fixture
def narrow(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three requests a minute with a credential and without."""
    monkeypatch.setenv("TRAINYARD_RATE_LIMIT_PER_MINUTE", "3")
    monkeypatch.setenv("TRAINYARD_ANONYMOUS_LIMIT_PER_MINUTE", "3")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.usefixtures("narrow")
def test_ever_new_tokens_give_no_person_ever_more_requests(
    as_person: AsPerson, member: Person, super_admin: Person
) -> None:
    answered = [as_person(member).get(ME).status_code for _ in range(3 * CREDENTIALS + 2)]
    assert answered == [200] * 3 * CREDENTIALS + [429] * 2
    assert as_person(super_admin).get(ME).status_code == 200


@pytest.mark.usefixtures("narrow")
def test_the_addresses_of_one_ipv6_network_are_one_caller(api: object) -> None:
    def ask(address: str) -> int:
        return TestClient(api, base_url="http://trainyard.test", client=(address, 1)).get(ME).status_code  # type: ignore[arg-type]

    assert [ask(f"2001:db8:0:1::{n:x}") for n in range(1, 6)] == [401] * 3 + [429] * 2
    assert ask("2001:db8:0:2::1") == 401


def test_tokens_that_can_be_used_have_an_end_and_stay_in_sight(as_person: AsPerson, member: Person) -> None:
    caller = as_person(member)
    first = caller.get(TOKENS).json()[0]["id"]
    body = {"name": "more", "scope": "read", "days": 1}
    made = [caller.post(TOKENS, json=body).json() for _ in range(MAX_USABLE - 1)]
    refused = caller.post(TOKENS, json=body)
    assert refused.status_code == 409
    assert "Revoke one first" in refused.json()["detail"]
    for token in made:
        caller.post(f"{TOKENS}/{token['api_token']['id']}/revoke")
    assert caller.get(TOKENS).json()[0]["id"] == first, "what can be used stands before what was made later and revoked"
    assert caller.post(TOKENS, json=body).status_code == 201


def test_being_refused_does_not_fill_the_audit_log(
    as_person: AsPerson, member: Person, professional_admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_REFUSALS", 5)
    callers = [as_person(member), as_person(member), as_person(professional_admin)]
    assert {caller.get(DATASETS).status_code for caller in callers for _ in range(4)} == {403}
    with transaction() as session:
        of_each = select(AuditEvent.actor, func.count()).where(col(AuditEvent.outcome) == "refused")
        written = dict(session.exec(of_each.group_by(AuditEvent.actor)).all())
    assert written == {member.email: 5, professional_admin.email: 4}


def test_socket_may_run_ahead_and_then_goes_at_its_pace() -> None:
    small, large, ahead = sockets.Pace(), sockets.Pace(), int(sockets.AHEAD_SECONDS) * sockets.MESSAGES_A_SECOND
    waits = [small.wait(0, 50.0) for _ in range(ahead + sockets.MESSAGES_A_SECOND)]
    assert waits[: ahead - 1] == [0.0] * (ahead - 1)
    assert waits[-1] == pytest.approx(1.0)
    assert small.wait(0, 500.0) == 0.0, "who was quiet may run ahead again"
    assert [large.wait(MAX_EVENT_BYTES, 50.0) > 0 for _ in range(11)] == [False] * 9 + [True] * 2


def test_messages_of_a_socket_that_floods_are_held_back(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def flood() -> Message:
        return {"type": "websocket.receive", "text": "x"}

    async def send(_: Message) -> None:
        pass

    async def read_300(_scope: Scope, receive: Receive, _send: Send) -> None:
        for _ in range(300):
            await receive()

    monkeypatch.setattr(asyncio, "sleep", sleep)
    scope = {"type": "websocket", "path": "/_event", "headers": [], "client": ("192.0.2.1", 1)}
    asyncio.run(sockets.SocketLimits(read_300)(scope, flood, send))
    assert len(slept) > 90


@pytest.mark.parametrize("message", [{"bytes": b"x"}, {"text": "bAAAA"}])
def test_socket_that_sends_attachments_is_closed(database: str, message: Message) -> None:
    """Socket.IO keeps attachments until as many came as their event announced, which may be ten thousand million."""
    got: list[Message] = []
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.receive", **message}

    async def send(answer: Message) -> None:
        sent.append(answer)

    async def read(_scope: Scope, receive: Receive, _send: Send) -> None:
        got.extend([await receive(), await receive()])

    scope = {"type": "websocket", "path": "/_event", "headers": [], "client": ("192.0.2.1", 1)}
    asyncio.run(sockets.SocketLimits(read)(scope, receive, send))
    assert [answer["type"] for answer in got] == ["websocket.disconnect"] * 2
    assert sent == [{"type": "websocket.close", "code": 1003}]
