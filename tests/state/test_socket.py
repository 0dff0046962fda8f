"""The event socket, attacked by a client that is no browser: it calls handlers by name, with and without a cookie."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import socketio
from sqlmodel import select

from app.domain.permissions import Plan, Role
from app.infra.db import transaction
from app.tables import AuditEvent, TrainingDataset, User
from tests.browser.web_process import Web, running_web
from tests.support import people
from tests.support.people import PASSWORD, Person
from tests.support.records import make_dataset
from tests.support.servers import Servers

ROOT = "reflex___state____state"
SECRET_NAME = "dataset that only the right people may see"
Answer = list[dict[str, Any]]


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


@pytest.fixture(scope="module")
def ada(web: Web) -> Person:
    person = people.make_person("Ada Admin", Role.SUPER_ADMIN)
    make_dataset(person, name=SECRET_NAME)
    return person


@pytest.fixture(scope="module")
def max_member(web: Web) -> Person:
    return people.make_person("Max Member", Role.MEMBER)


def sign_in(web: Web, person: Person) -> str:
    """The Cookie header of a new session."""
    body = {"email": person.email, "password": PASSWORD}
    answer = httpx.post(f"{web.url}/api/v1/auth/sign-in", json=body, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def state(module: str, name: str) -> str:
    return f"{ROOT}.state___{module}____{name}"


class Client:
    """A raw socket.io client of one tab."""

    def __init__(self, web: Web, token: str, cookie: str = "", origin: str = "") -> None:
        self.web, self.token = web, token
        self.headers = {**({"Cookie": cookie} if cookie else {}), **({"Origin": origin} if origin else {})}
        self.socket = socketio.AsyncClient(reconnection=False)
        self.got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.socket.on("event", self.got.put, namespace="/_event")

    async def __aenter__(self) -> "Client":
        await self.socket.connect(
            f"{self.web.url}?token={self.token}",
            socketio_path="/_event",
            namespaces=["/_event"],
            transports=["websocket"],
            headers=self.headers,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.disconnect()

    async def send(self, name: str, payload: dict[str, Any] | None = None, path: str = "/") -> Answer:
        """Everything the server answers until the mark that follows it on the same, ordered tab."""
        router = {"pathname": path, "asPath": path, "query": {}}
        await self._emit(name, payload or {}, router)
        await self._emit(f"{state('session', 'session_state')}.dismiss_failure", {}, router)
        await self._emit(f"{state('session', 'session_state')}.report_failure", {}, router)
        answers: Answer = []
        while True:
            answer = await asyncio.wait_for(self.got.get(), 30)
            answers.append(answer)
            if "Something went wrong on the server" in json.dumps(answer):
                return answers

    async def _emit(self, name: str, payload: dict[str, Any], router: dict[str, Any]) -> None:
        event = {"name": name, "payload": payload, "router_data": router}
        await self.socket.emit("event", event, namespace="/_event")


def attack(web: Web, cookie: str, *events: tuple[str, dict[str, Any], str], token: str = "") -> str:
    """Send `events` on one tab; everything that came back, as text."""

    async def run() -> Answer:
        async with Client(web, token or str(uuid4()), cookie) as client:
            return [answer for event in events for answer in await client.send(*event)]

    return json.dumps(asyncio.run(run()))


HYDRATE = (f"{ROOT}.hydrate", {}, "/datasets")
LOAD = (f"{state('datasets', 'datasets_state')}.load", {}, "/datasets")


def test_who_may_gets_what_was_asked_for(web: Web, ada: Person) -> None:
    assert SECRET_NAME in attack(web, sign_in(web, ada), HYDRATE, LOAD)


def test_without_a_cookie_nothing_comes_back_but_the_way_to_the_sign_in_page(web: Web, ada: Person) -> None:
    answers = attack(web, "", HYDRATE, LOAD)
    assert SECRET_NAME not in answers
    assert "/sign-in?next=%2Fdatasets" in answers


def test_a_member_is_told_no(web: Web, ada: Person, max_member: Person) -> None:
    answers = attack(web, sign_in(web, max_member), HYDRATE, LOAD)
    assert SECRET_NAME not in answers
    assert "does not permit" in answers


def test_a_refused_event_is_in_the_audit_log(web: Web, ada: Person) -> None:
    person = people.make_person("Refused Person", Role.MEMBER)
    made_up = (f"{ROOT}.made_up\0" + "x" * 900, {}, "/")
    attack(web, sign_in(web, person), HYDRATE, LOAD, (f"{LOAD[0].rpartition('.')[0]}.setvar", {}, "/"), made_up)
    with transaction() as session:
        query = select(AuditEvent).where(AuditEvent.actor == person.email, AuditEvent.outcome == "refused")
        events = list(session.exec(query.order_by(AuditEvent.id)))  # type: ignore[arg-type]
    assert [event.action for event in events][:2] == ["event.DatasetsState.load", "event.DatasetsState.setvar"]
    assert {(event.subject_type, event.after["code"]) for event in events} == {("event", "forbidden")}
    assert events[0].subject_id == LOAD[0]
    assert events[0].request_id
    assert events[0].ip_address


@pytest.mark.parametrize("cookie", ["trainyard_session=made-up", "trainyard_session", "=;=;\x01", "a=b; c"])
def test_a_made_up_cookie_is_nobody(web: Web, ada: Person, cookie: str) -> None:
    assert SECRET_NAME not in attack(web, cookie, HYDRATE, LOAD)


def test_a_stolen_tab_is_empty(web: Web, ada: Person, max_member: Person) -> None:
    """Whoever presents the token of another person's tab finds a wiped tree."""
    token = str(uuid4())
    assert SECRET_NAME in attack(web, sign_in(web, ada), HYDRATE, LOAD, token=token)
    assert SECRET_NAME not in attack(web, "", HYDRATE, token=token)
    assert SECRET_NAME in attack(web, sign_in(web, ada), HYDRATE, LOAD, token=token)
    stolen = attack(web, sign_in(web, max_member), HYDRATE, token=token)
    assert SECRET_NAME not in stolen
    assert "Ada Admin" not in stolen


def test_who_comes_to_another_organization_takes_nothing_along(web: Web, ada: Person) -> None:
    one, other = (people.make_organization(name, Plan.ENTERPRISE) for name in ("One Ltd", "Other Ltd"))
    mover = people.make_person("Mo Mover", Role.ORGANIZATION_ADMIN, organization_id=one, plan=Plan.ENTERPRISE)
    make_dataset(ada, name="dataset of the first organization", organization_id=one)
    token, cookie = str(uuid4()), sign_in(web, mover)
    assert "dataset of the first" in attack(web, cookie, HYDRATE, LOAD, token=token)
    assert "dataset of the first" in attack(web, cookie, HYDRATE, token=token), "a tab keeps what it shows"
    with transaction() as session:
        session.get_one(User, mover.id).organization_id = other
    answers = attack(web, cookie, HYDRATE, token=token)
    assert "dataset of the first" not in answers
    assert "What you may see has changed" in answers


def test_signing_out_counts_for_a_socket_that_is_open_already(web: Web, ada: Person) -> None:
    cookie = sign_in(web, ada)

    async def run() -> tuple[Answer, Answer]:
        async with Client(web, str(uuid4()), cookie) as client:
            await client.send(*HYDRATE)
            before = await client.send(*LOAD)
            headers = {"Cookie": cookie, "Origin": web.url}
            async with httpx.AsyncClient(trust_env=False) as browser:
                assert (await browser.post(f"{web.url}/api/v1/auth/sign-out", headers=headers)).status_code == 204
            return before, await client.send(*LOAD)

    before, after = asyncio.run(run())
    assert SECRET_NAME in json.dumps(before)
    assert SECRET_NAME not in json.dumps(after)
    assert "/sign-in" in json.dumps(after)


@pytest.mark.parametrize(
    ("module", "name"),
    [("datasets", "datasets_state"), ("session", "session_state"), ("training_jobs", "training_jobs_state")],
)
@pytest.mark.parametrize("variable", ["rows", "_bound_to", "permissions", "notice"])
def test_variables_cannot_be_set_by_name(web: Web, ada: Person, module: str, name: str, variable: str) -> None:
    event = (f"{state(module, name)}.setvar", {"var_name": variable, "value": "pwned"}, "/")
    assert "pwned" not in attack(web, sign_in(web, ada), HYDRATE, event, HYDRATE)


def test_a_member_cannot_write_by_calling_the_form_handler(web: Web, ada: Person, max_member: Person) -> None:
    form = {"name": "planted", "ai_module": "meter_digits", "classes": "a\nb", "environment": "dev", "version": "1"}
    submit = f"{state('datasets', 'new_dataset_state')}.submit"
    attack(web, sign_in(web, max_member), HYDRATE, (submit, {"form": form}, "/datasets"))
    attack(web, "", HYDRATE, (submit, {"form": form}, "/datasets"))
    assert not _datasets("planted")
    attack(web, sign_in(web, ada), HYDRATE, (submit, {"form": form}, "/datasets"))
    assert _datasets("planted"), "the same event works for who may"


@pytest.mark.parametrize("form", [{}, {"name": []}, {"name": "x" * 9999}, {"classes": {"a": 1}}, {"name": "a\x00b"}, 7])
def test_what_a_browser_sends_is_never_believed(web: Web, ada: Person, form: Any) -> None:
    before = len(web.log)
    submit = f"{state('datasets', 'new_dataset_state')}.submit"
    answers = attack(web, sign_in(web, ada), HYDRATE, (submit, {"form": form}, "/datasets"))
    assert "Traceback" not in answers
    if isinstance(form, dict):
        assert "Please check" in answers
        assert "Traceback" not in web.log[before:]


def test_other_sites_cannot_open_the_socket(web: Web, ada: Person) -> None:
    async def connect(origin: str) -> None:
        async with Client(web, str(uuid4()), origin=origin):
            pass

    asyncio.run(connect(web.url))
    with pytest.raises(socketio.exceptions.ConnectionError):
        asyncio.run(connect("http://evil.example"))


def test_uploads_of_reflex_are_closed(web: Web) -> None:
    answer = httpx.post(f"{web.url}/_upload", files={"files": b"x"}, trust_env=False)
    assert answer.status_code in {303, 404, 405}


def test_the_cookie_is_in_no_log(web: Web, ada: Person) -> None:
    """Reflex logs whole events, headers included, when they are malformed."""
    cookie = sign_in(web, ada)
    secret = cookie.partition("=")[2]

    async def run(send: Callable[[Client], Awaitable[object]]) -> None:
        async with Client(web, str(uuid4()), cookie) as client:
            await send(client)
            await client.send(*HYDRATE)

    asyncio.run(run(lambda client: client._emit(f"{ROOT}.no_such_event", {}, {"pathname": "/"})))
    asyncio.run(run(lambda client: client._emit(f"{state('datasets', 'datasets_state')}.load", {"x": 1}, {})))
    asyncio.run(run(lambda client: client.socket.emit("event", "not json", namespace="/_event")))
    assert "no_such_event" in web.log, "the malformed event was logged"
    assert secret not in web.log


def _datasets(name: str) -> list[TrainingDataset]:
    with transaction() as session:
        return list(session.exec(select(TrainingDataset).where(TrainingDataset.name == name)))
