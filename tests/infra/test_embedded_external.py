"""Servers chosen by address take the place of embedded ones; a wrong address is told at once and without a password."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.infra.embedded import Stack, external
from app.infra.embedded.external import without_password
from app.supervisor import StartupError
from app.supervisor.leftovers import read_records


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of real servers that are not ours."""
    with Stack(tmp_path_factory.mktemp("elsewhere"), {}, report=lambda _line: None) as stack:
        yield stack.env


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections as long as the test runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


@pytest.fixture
def mute_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that takes connections and never says a word."""
    monkeypatch.setattr(external, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def failure(data_dir: Path, environ: dict[str, str]) -> str:
    begun = time.monotonic()
    with pytest.raises(StartupError) as told:
        Stack(data_dir, environ, report=lambda _line: None).start()
    assert time.monotonic() - begun < 8
    assert read_records(data_dir) == []
    return told.value.message


def test_all_external_starts_nothing(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    with Stack(tmp_path, elsewhere, report=lambda _line: None) as stack:
        assert stack.env == elsewhere
        assert stack.supervisor.names() == []


def test_one_external_leaves_the_others_embedded(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    url = elsewhere["TRAINYARD_DATABASE_URL"]
    with Stack(tmp_path, {"TRAINYARD_DATABASE_URL": url}, report=lambda _line: None) as stack:
        assert stack.env["TRAINYARD_DATABASE_URL"] == url
        assert stack.supervisor.names() == ["valkey", "s3"]


def test_closed_database_is_told_without_its_password(tmp_path: Path, closed_port: int) -> None:
    url = f"postgresql+psycopg://me:hunter2@127.0.0.1:{closed_port}/trainyard"
    message = failure(tmp_path, {"TRAINYARD_DATABASE_URL": url})
    assert message.startswith(
        f"the database of TRAINYARD_DATABASE_URL (postgresql+psycopg://me:…@127.0.0.1:{closed_port}"
    )
    assert "Connection refused" in message
    assert "hunter2" not in message


def test_mute_database_is_given_up(tmp_path: Path, mute_port: int) -> None:
    message = failure(tmp_path, {"TRAINYARD_DATABASE_URL": f"postgresql+psycopg://me@127.0.0.1:{mute_port}/x"})
    assert "cannot be reached" in message


def test_other_kind_of_database_is_refused_without_its_password(tmp_path: Path) -> None:
    message = failure(tmp_path, {"TRAINYARD_DATABASE_URL": "mysql://me:hunter2@127.0.0.1/x"})
    assert "(mysql://me:…@127.0.0.1/x) is no PostgreSQL address" in message
    assert "hunter2" not in message


def test_unknown_database_is_told(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    url = elsewhere["TRAINYARD_DATABASE_URL"].replace("/trainyard?", "/nothing?")
    assert 'database "nothing" does not exist' in failure(tmp_path, {"TRAINYARD_DATABASE_URL": url})


def test_closed_redis_is_told_without_its_password(tmp_path: Path, closed_port: int) -> None:
    message = failure(tmp_path, {"TRAINYARD_REDIS_URL": f"redis://:hunter2@127.0.0.1:{closed_port}/0"})
    assert message.startswith(
        f"the server of TRAINYARD_REDIS_URL (redis://:…@127.0.0.1:{closed_port}/0) cannot be reached"
    )
    assert "hunter2" not in message


def test_mute_redis_is_given_up(tmp_path: Path, mute_port: int) -> None:
    assert "cannot be reached" in failure(tmp_path, {"TRAINYARD_REDIS_URL": f"redis://127.0.0.1:{mute_port}/0"})


def test_redis_address_that_is_none_is_told(tmp_path: Path) -> None:
    assert "TRAINYARD_REDIS_URL" in failure(tmp_path, {"TRAINYARD_REDIS_URL": "valkey.example:6379"})


def test_closed_store_is_told(tmp_path: Path, elsewhere: dict[str, str], closed_port: int) -> None:
    message = failure(tmp_path, elsewhere | {"TRAINYARD_S3_ENDPOINT": f"127.0.0.1:{closed_port}"})
    assert f"TRAINYARD_S3_ENDPOINT (127.0.0.1:{closed_port}) cannot be used" in message


def test_wrong_store_secret_is_told_without_it(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    message = failure(tmp_path, elsewhere | {"TRAINYARD_S3_SECRET_KEY": "not-the-secret"})
    assert "cannot be used" in message
    assert "not-the-secret" not in message


def test_store_without_keys_is_told(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    only = {"TRAINYARD_S3_ENDPOINT": elsewhere["TRAINYARD_S3_ENDPOINT"]}
    assert "TRAINYARD_S3_ACCESS_KEY and TRAINYARD_S3_SECRET_KEY not; set all three" in failure(tmp_path, only)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:1/0", "redis://host:1/0"),
        ("redis://:secret@host:1/0", "redis://:…@host:1/0"),
        ("postgresql://me:a@b@host/x", "postgresql://me:…@host/x"),
        ("http://[broken", "an address that cannot be read"),
    ],
)
def test_shown_addresses_hold_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
