"""The door of the server: names it answers to, proxies it believes, and how much one caller may hold open."""

import asyncio

import pytest
from sqlmodel import select
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.api import sockets
from app.api.proxies import TrustedProxies, caller, networks
from app.infra import metrics
from app.infra.db import transaction
from app.settings import Settings, get_settings, host_name
from app.tables import AuditEvent, UserSession
from app.web.serving import MAX_EVENT_BYTES
from tests.support.people import PASSWORD, Person

OWN = {"origin": "http://trainyard.test"}
LIVE = "ws://trainyard.test/api/v1/live"
PATHS = ("/api/v1/training/jobs", "/api/v1/auth/me", "/api/v1/docs", "/metrics", "/", "/datasets")


def choose(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"TRAINYARD_{name}".upper(), value)
    get_settings.cache_clear()


@pytest.mark.parametrize("host", ["evil.example", "trainyard.test.evil.example", "", "a@trainyard.test", "127.0.0.2"])
def test_another_name_is_refused_everywhere(admin: TestClient, host: str) -> None:
    for path in PATHS:
        answer = admin.get(path, headers={"host": host})
        assert answer.status_code == 400, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "TRAINYARD_ALLOWED_HOSTS" in answer.json()["detail"]


def test_own_names_are_answered(admin: TestClient) -> None:
    for host in ("trainyard.test", "Trainyard.TEST:8700", "trainyard.test.", "localhost:1", "127.0.0.1", "[::1]:8700"):
        assert admin.get("/api/v1/training/jobs", headers={"host": host}).status_code == 200, host


def test_two_names_are_none(admin: TestClient) -> None:
    headers = [("host", "trainyard.test"), ("host", "evil.example")]
    assert admin.get("/api/v1/auth/me", headers=headers).status_code == 400


def test_the_public_address_and_the_configured_names_count(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, public_url="https://train.example:8443", allowed_hosts="lan.example, 10.1.2.3", host="0.0.0.0")
    hosts = ("train.example", "train.example:8443", "lan.example", "10.1.2.3:8700", "0.0.0.0", "trainyard.test")
    answers = [client.get("/api/v1/healthz", headers={"host": host}).status_code for host in hosts]
    assert answers == [200, 200, 200, 200, 400, 400]


def test_probes_may_ask_by_address(client: TestClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"host": "10.244.0.17:8700"}).status_code == 200


def test_the_live_channel_is_refused_under_another_name(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("ws://evil.example/api/v1/live"):
        pass
    assert refused.value.status_code == 400


@pytest.mark.parametrize("text", ["a b", "host/path", "user@host", "host?", "[::1", "::1"])
def test_what_is_no_host_is_no_own_name(text: str) -> None:
    assert host_name(text) not in Settings().host_names


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", ["1.2.3.4"], "203.0.113.9"),  # not trusted: what it says is nothing
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),  # the left part came from the caller
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4, 192.168.7.7"], "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4:5555, 192.168.7.7"], "1.2.3.4"),
        ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4, unix:"], "10.0.0.1"),
        ("10.0.0.1", ["192.168.7.7"], "192.168.7.7"),
    ],
)
def test_the_caller_is_the_nearest_address_that_nobody_vouches_for(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert caller(peer, forwarded, networks("10.0.0.0/8, 192.168.7.7")) == expected


def seen(peer: str, kind: str, **headers: str) -> tuple[str, str]:
    """The caller's address and the scheme that the application sees behind the door."""
    found: list[tuple[str, str]] = []

    async def inner(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    scope = {
        "type": kind,
        "client": (peer, 1),
        "scheme": "ws" if kind == "websocket" else "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(TrustedProxies(inner)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


@pytest.mark.parametrize(("kind", "secure", "plain"), [("http", "https", "http"), ("websocket", "wss", "ws")])
def test_the_scheme_too_is_believed_from_trusted_proxies_only(
    monkeypatch: pytest.MonkeyPatch, kind: str, secure: str, plain: str
) -> None:
    choose(monkeypatch, trusted_proxies="10.0.0.1")
    forwarded = {"x_forwarded_for": "1.2.3.4", "x_forwarded_proto": "https"}
    assert seen("10.0.0.1", kind, **forwarded) == ("1.2.3.4", secure)
    assert seen("203.0.113.9", kind, **forwarded) == ("203.0.113.9", plain)
    assert seen("10.0.0.1", kind, x_forwarded_proto="javascript") == ("10.0.0.1", plain)
    get_settings.cache_clear()


def sign_in_from(api: Starlette, person: Person, peer: str, **headers: str) -> str:
    """The address that a sign-in from `peer` is remembered with."""
    client = TestClient(api, base_url="http://trainyard.test", client=(peer, 4711))
    body = {"email": person.email, "password": PASSWORD}
    answer = client.post("/api/v1/auth/sign-in", json=body, headers={**OWN, **headers})
    assert answer.status_code == 200, answer.text
    with transaction() as session:
        row = session.exec(select(UserSession).order_by(UserSession.created_at.desc())).first()
        event = session.exec(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert row
    assert event
    assert row.ip_address == event.ip_address
    return row.ip_address


def test_a_forged_address_is_not_believed(api: Starlette, super_admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = {"x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6", "forwarded": "for=6.6.6.6"}
    assert sign_in_from(api, super_admin, "203.0.113.9", **forged) == "203.0.113.9"
    choose(monkeypatch, trusted_proxies="10.0.0.0/8")
    assert sign_in_from(api, super_admin, "203.0.113.9", **forged) == "203.0.113.9"
    assert sign_in_from(api, super_admin, "10.0.0.1", **{"x-forwarded-for": "6.6.6.6, 198.51.100.7"}) == "198.51.100.7"


def test_a_caller_without_credential_cannot_get_a_new_share_by_forging(
    api: Starlette, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, anonymous_limit_per_minute="3")
    client = TestClient(api, base_url="http://trainyard.test", client=("203.0.113.9", 1))
    codes = [client.get("/api/v1/healthz", headers={"x-forwarded-for": f"6.6.6.{n}"}).status_code for n in range(6)]
    assert codes.count(429) == 3


@pytest.mark.parametrize("text", ["proxy.internal", "10.0.0.0/99", "*"])
def test_proxies_are_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="no address or network"):
        Settings(trusted_proxies=text)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://trainyard.test.evil.example"])
def test_no_other_origin_may_read(admin: TestClient, origin: str) -> None:
    plain = admin.get("/api/v1/training/jobs", headers={"origin": origin})
    asked = admin.options(
        "/api/v1/training/jobs",
        headers={"origin": origin, "access-control-request-method": "GET", "access-control-request-headers": "x"},
    )
    for answer in (plain, asked):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.fixture
def browser(api: Starlette, super_admin: Person) -> TestClient:
    client = TestClient(api, base_url="http://trainyard.test")
    body = {"email": super_admin.email, "password": PASSWORD}
    assert client.post("/api/v1/auth/sign-in", json=body, headers=OWN).status_code == 200
    return client


def test_one_session_cannot_hold_every_socket(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_PER_SESSION", 2)
    gauge = metrics.SOCKETS.labels("live")._value
    before = gauge.get()
    with browser.websocket_connect(LIVE, headers=OWN), browser.websocket_connect(LIVE, headers=OWN):
        assert gauge.get() == before + 2
        with pytest.raises(WebSocketDisconnect), browser.websocket_connect(LIVE, headers=OWN):
            pass
    with browser.websocket_connect(LIVE, headers=OWN):
        pass
    assert gauge.get() == before


def test_made_up_sessions_are_counted_by_their_address(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_PER_ADDRESS", 1)
    with browser.websocket_connect(LIVE, headers=OWN):
        other = {**OWN, "cookie": "trainyard_session=made-up"}
        with pytest.raises(WebSocketDisconnect) as refused, browser.websocket_connect(LIVE, headers=other):
            pass
        assert refused.value.code == sockets.POLICY_VIOLATION


def test_a_message_that_is_too_large_ends_the_socket(browser: TestClient) -> None:
    with browser.websocket_connect(LIVE, headers=OWN) as socket:
        socket.send_text("x" * (MAX_EVENT_BYTES + 1))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == sockets.TOO_BIG
