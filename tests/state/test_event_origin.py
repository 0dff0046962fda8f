"""Where an event of a page came from, what the server writes about it, and which sockets it refuses.

On the real web process, behind a proxy that it trusts, with its logs as JSON.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import socketio
from sqlmodel import select

from app.domain.permissions import Role
from app.infra.db import transaction
from app.tables import AuditEvent
from app.web.serving import MAX_EVENT_BYTES
from tests.browser.web_process import Web, running_web
from tests.state.test_socket import HYDRATE, Client, sign_in, state
from tests.support import people
from tests.support.people import Person, make_token
from tests.support.servers import Servers
from tests.support.waiting import wait_for

SUBMIT = f"{state('datasets', 'new_dataset_state')}.submit"
THROUGH_A_PROXY = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7"}


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False, trusted_proxies="127.0.0.1", log_format="json") as started:
        yield started


@pytest.fixture(scope="module")
def ada(web: Web) -> Person:
    return people.make_person("Ada Admin", Role.SUPER_ADMIN)


@pytest.fixture(scope="module")
def cookie(web: Web, ada: Person) -> str:
    return sign_in(web, ada)


def create_dataset(web: Web, cookie: str, name: str, headers: dict[str, str]) -> AuditEvent:
    """The audit event of a dataset that a page created over a socket with these headers."""
    form = {"name": name, "ai_module": "meter_digits", "classes": "a\nb", "environment": "dev", "version": "1"}

    async def run() -> None:
        client = Client(web, str(uuid4()), cookie)
        client.headers |= headers
        async with client:
            await client.send(*HYDRATE)
            await client.send(SUBMIT, {"form": form}, "/datasets")

    asyncio.run(run())
    with transaction() as session:
        events = session.exec(select(AuditEvent).where(AuditEvent.action == "dataset.create")).all()
    return next(event for event in events if event.after.get("name") == name)


def test_an_event_is_written_with_its_address_and_request_id(web: Web, cookie: str, ada: Person) -> None:
    event = create_dataset(web, cookie, "from here", {})
    assert event.ip_address == "127.0.0.1"
    assert len(event.request_id) == 32
    assert event.actor == ada.email


def test_a_trusted_proxy_says_whom_an_event_comes_from(web: Web, cookie: str) -> None:
    assert create_dataset(web, cookie, "through a proxy", THROUGH_A_PROXY).ip_address == "198.51.100.7"


def test_the_log_is_json_from_the_first_line_on(web: Web, cookie: str) -> None:
    httpx.get(f"{web.url}/api/v1/training/jobs", headers={"cookie": cookie, **THROUGH_A_PROXY}, trust_env=False)

    def access() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in web.log.splitlines()]
        assert {line["process"] for line in lines} == {"web"}
        return [line for line in lines if line.get("route") == "/api/v1/training/jobs"]

    (line,) = wait_for(access, what="the line of the request")
    assert (line["actor"], line["status"]) == ("ada.admin@example.test", 200)


def test_events_and_sockets_are_measured(web: Web, cookie: str, ada: Person) -> None:
    token = {"authorization": f"Bearer {make_token(ada, 'read')}"}

    async def during() -> str:
        async with Client(web, str(uuid4()), cookie) as client:
            await client.send(*HYDRATE)
            await client.send("made_up_state.handler", {})
            async with httpx.AsyncClient(trust_env=False) as scraper:
                return (await scraper.get(f"{web.url}/metrics", headers=token)).text

    text = asyncio.run(during())
    assert 'trainyard_open_sockets{kind="events"} 1.0' in text
    assert 'trainyard_dashboard_events_total{handler="session_state.dismiss_failure",outcome="passed"}' in text
    assert "made_up" not in text


def connects(web: Web, **headers: str) -> bool:
    async def run() -> bool:
        client = Client(web, str(uuid4()))
        client.headers |= headers
        try:
            async with client:
                return True
        except socketio.exceptions.ConnectionError:
            return False

    return asyncio.run(run())


def test_the_event_socket_answers_to_own_names_only(web: Web) -> None:
    port = web.url.rpartition(":")[2]
    assert connects(web, Host=f"localhost:{port}")
    assert not connects(web, Host="evil.example")
    assert not connects(web, Host=f"evil.example:{port}", Origin=f"http://evil.example:{port}")


def test_pages_answer_to_own_names_only(web: Web) -> None:
    for path in ("/", "/datasets", "/ping", "/api/v1/auth/me", "/assets/x.js"):
        answer = httpx.get(f"{web.url}{path}", headers={"host": "evil.example"}, trust_env=False)
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("/unknown-host")


@pytest.mark.parametrize("name", ["x" * MAX_EVENT_BYTES, b"an attachment"], ids=["oversized", "binary"])
def test_an_event_that_no_page_sends_ends_its_socket(web: Web, cookie: str, name: str | bytes) -> None:
    async def run() -> bool:
        async with Client(web, str(uuid4()), cookie) as client:
            await client.send(*HYDRATE)
            gone = asyncio.Event()
            client.socket.on("disconnect", lambda *_: gone.set(), namespace="/_event")
            await client._emit(SUBMIT, {"form": {"name": name}}, {"pathname": "/"})
            await asyncio.wait_for(gone.wait(), 20)
            return True

    assert asyncio.run(run())
    assert connects(web), "the server goes on"


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/datasets", "/ping", "/_event/", "/metrics"])
def test_no_other_origin_is_allowed_to_read(web: Web, path: str, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        headers = {"origin": origin, "access-control-request-method": "GET"}
        answer = httpx.request(method, f"{web.url}{path}", headers=headers, trust_env=False)
        assert "access-control-allow-origin" not in answer.headers
