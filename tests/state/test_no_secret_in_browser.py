"""Nothing secret reaches a browser: not in a variable of a page, not in the files of the front end, not in a log.

A super admin sees most, so it is a super admin's tab that is read: every state is hydrated and every page loaded, as
they come over the raw event socket, and searched for secrets that are known to exist and for anything like them.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from reflex_base.registry import RegistrationContext
from sqlmodel import SQLModel, select

import app.app  # noqa: F401 registers every state of the product
from app.domain.permissions import Role
from app.infra.db import transaction
from app.settings import get_settings
from app.web.serving import client_folder
from tests.browser.web_process import Web, running_web
from tests.state.test_socket import ROOT, Client, sign_in
from tests.support import people
from tests.support.hooks import make_webhook
from tests.support.people import PASSWORD, Person, make_token
from tests.support.servers import Servers
from tests.support.world import World, make_world

LIKE_SECRETS = re.compile(
    r"\$argon2|tyat_[\w-]{20,}|whsec_[\w+/=-]{20,}|PRIVATE KEY-----\s*[\w+/]{40}"
    r"|postgres(?:ql)?(?:\+psycopg)?://|rediss?://|unix://|\"(?:cookie|authorization)\"",
    re.IGNORECASE,
)
ROOT_FOLDER = Path(__file__).resolve().parents[2]
PAGES = ("/", "/status", "/datasets", "/jobs", "/models", "/edge-servers", "/usage", "/webhooks", "/audit", "/account")


@pytest.fixture(scope="module")
def web(stack: Servers) -> Iterator[Web]:
    with running_web(stack, front_end=False) as started:
        yield started


@pytest.fixture(scope="module")
def ada(web: Web) -> Person:
    return people.make_person("Ada Admin", Role.SUPER_ADMIN)


@pytest.fixture(scope="module")
def world(ada: Person) -> World:
    return make_world(ada, None)


@pytest.fixture(scope="module")
def secrets(ada: Person, world: World, web: Web) -> dict[str, str]:
    """Secrets that exist in this installation, by what they are."""
    settings = get_settings()
    hook = make_webhook(ada, "https://93.184.215.14/hook")
    return {
        "API token": make_token(ada),
        "password": PASSWORD,
        "secret of a webhook": hook.secret,
        "key of the store": settings.s3_secret_key.get_secret_value(),
        "database": settings.database_url,
        "queue": settings.redis_url,
        "server key": settings.server_key_path.read_bytes().hex(),
        **stored_hashes(),
    }


def stored_hashes() -> dict[str, str]:
    """Every value of a column that holds the hash of a secret."""
    found = {}
    with transaction() as session:
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                if column.name.endswith("_hash"):
                    values = session.exec(select(column).where(column.is_not(None))).all()
                    found |= {f"{table.name}.{column.name} {n}": str(value) for n, value in enumerate(values)}
    return found


def everything(web: Web, cookie: str, world: World) -> str:
    """All that one tab is sent: every variable of every state, and what the loaders of all pages fill in."""
    ids = {"/datasets": world.dataset, "/jobs": world.job, "/models": world.version, "/edge-servers": world.edge}
    paths = [*PAGES, *(f"{page}/{identity}" for page, identity in ids.items())]
    loaders = sorted(name for name in RegistrationContext.get().event_handlers if name.endswith(".load"))

    async def run() -> list[dict[str, Any]]:
        answers = []
        async with Client(web, str(uuid4()), cookie) as client:
            for path in paths:
                answers += await client.send(f"{ROOT}.hydrate", {}, path)
                for name in loaders:
                    answers += await client.send(name, {}, path)
        return answers

    return json.dumps(asyncio.run(run()))


def test_a_super_admins_tab_holds_no_secret(web: Web, ada: Person, world: World, secrets: dict[str, str]) -> None:
    cookie = sign_in(web, ada)
    secrets = {**secrets, **stored_hashes(), "session cookie": cookie.partition("=")[2]}
    sent = everything(web, cookie, world)
    for proof in ("Ada Admin", str(world.dataset), str(world.job), str(world.version)):
        assert proof in sent, "the pages were loaded"
    assert len([name for name in secrets if "_hash" in name]) >= 3
    for what, secret in secrets.items():
        assert len(secret) > 5, what
        assert secret not in sent, what
        assert secret not in web.log, what
    assert (found := LIKE_SECRETS.search(sent)) is None, sent[found.start() - 100 : found.end() + 20]


def test_the_front_end_holds_no_secret() -> None:
    folder = client_folder()
    if not folder.is_dir():
        pytest.skip("the front end is not built")
    files = [path for path in folder.rglob("*") if path.suffix in {".js", ".html", ".json", ".css"}]
    assert len(files) > 20
    for path in files:
        text = path.read_text()
        assert (found := LIKE_SECRETS.search(text)) is None, f"{path}: {found}"
        assert str(ROOT_FOLDER) not in text, path


@pytest.mark.parametrize(
    "text",
    [
        f"tyat_{'a' * 43}",
        f"whsec_{'a' * 44}",
        "$argon2id$v=19$m=65536",
        "postgresql+psycopg://trainyard@/x",
        "unix:///tmp/valkey.sock",
        '"cookie": "a=b"',
        f"-----BEGIN PRIVATE KEY-----\n{'M' * 48}",
    ],
)
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert LIKE_SECRETS.search(text)


@pytest.mark.parametrize(
    "path", ["/_upload", "/_upload/x.txt", "/_upload/", "/_all_routes", "/auth-codespace", "/_health"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_what_reflex_would_serve_besides_does_not_exist(web: Web, ada: Person, path: str, method: str) -> None:
    for headers in ({}, {"cookie": sign_in(web, ada)} if method == "POST" else {}, {"accept": "text/html"}):
        answer = httpx.request(method, f"{web.url}{path}", headers=headers, trust_env=False)
        assert answer.status_code == 404
