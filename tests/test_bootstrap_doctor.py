"""The doctor names what is wrong and what to do, and finds a healthy machine healthy."""

import os
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import doctor
from app.doctor import Check, diagnose
from app.infra.embedded import Stack


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with a data folder and a free port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {"PATH": os.environ["PATH"], "TRAINYARD_DATA_DIR": str(tmp_path), "TRAINYARD_PORT": str(port)}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def find(env: dict[str, str], name: str) -> Check:
    return next(check for check in diagnose(env) if check.name == name)


def test_every_fault_comes_with_advice_and_a_sound_machine_has_none(env: dict[str, str]) -> None:
    checks = diagnose(env)
    machine = [check for check in checks if check.name not in ("Front end", "Node")]
    assert [check for check in machine if not check.ok] == []
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.ok or check.advice for check in checks)


def test_misspelt_setting_is_named_with_the_right_one(env: dict[str, str]) -> None:
    check = find(env | {"TRAINYARD_DATABSE_URL": "x"}, "Settings")
    assert not check.ok
    assert check.detail == "TRAINYARD_DATABSE_URL is no setting"
    assert "TRAINYARD_DATABASE_URL" in check.advice


def test_wrong_value_is_named(env: dict[str, str]) -> None:
    check = find(env | {"TRAINYARD_WORKERS": "many"}, "Settings")
    assert not check.ok
    assert "TRAINYARD_WORKERS" in check.detail


def test_production_without_https_is_a_fault(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINYARD_PUBLIC_URL", raising=False)
    check = find(env | {"TRAINYARD_ENVIRONMENT": "production"}, "Settings")
    assert not check.ok
    assert "set TRAINYARD_PUBLIC_URL to the https:// address" in check.detail


def test_taken_port_is_a_fault(env: dict[str, str], taken_port: int) -> None:
    check = find(env | {"TRAINYARD_PORT": str(taken_port)}, "Web port")
    assert not check.ok
    assert f"127.0.0.1:{taken_port} cannot be used" in check.detail


def test_full_disk_is_a_fault(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: usage(10**12, 10**12, 5_000_000))
    check = find(env, "Disk space")
    assert not check.ok
    assert check.detail.startswith("0.0 GB free")


def test_unreachable_servers_are_faults(env: dict[str, str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        broken = env | {
            "TRAINYARD_DATABASE_URL": f"postgresql://me:hunter2@127.0.0.1:{port}/x",
            "TRAINYARD_REDIS_URL": f"redis://127.0.0.1:{port}",
            "TRAINYARD_S3_ENDPOINT": f"127.0.0.1:{port}",
            "TRAINYARD_S3_ACCESS_KEY": "a",
            "TRAINYARD_S3_SECRET_KEY": "b",
        }
        faults = {check.name: check for check in diagnose(broken) if not check.ok}
    assert {"PostgreSQL", "Redis or Valkey", "S3 store", "Database schema"} <= set(faults)
    assert "cannot be reached" in faults["PostgreSQL"].detail
    assert faults["PostgreSQL"].advice.startswith("Correct the address")
    assert not any("hunter2" in check.detail + check.advice for check in faults.values())


def test_running_servers_are_asked_and_an_empty_database_is_a_fault(env: dict[str, str], tmp_path: Path) -> None:
    with Stack(tmp_path, {}, report=lambda _line: None):
        found = {check.name: check for check in diagnose(env)}
    for name in ("PostgreSQL", "Redis or Valkey", "S3 store"):
        assert found[name].ok
        assert found[name].detail.startswith("embedded, answers at ")
    assert not found["Database schema"].ok
    assert found["Database schema"].detail.startswith("empty, newest is ")
    assert found["Database schema"].advice == "Run ./trainyard migrate"


def test_names_are_told_and_a_server_that_others_cannot_name_is_a_fault(env: dict[str, str]) -> None:
    assert "127.0.0.1, ::1, localhost" in find(env, "Host names").detail
    everywhere = {**env, "TRAINYARD_HOST": "0.0.0.0"}
    fault = find(everywhere, "Host names")
    assert not fault.ok
    assert "TRAINYARD_PUBLIC_URL" in fault.advice
    named = find({**everywhere, "TRAINYARD_PUBLIC_URL": "http://192.168.7.5:8700"}, "Host names")
    assert named.ok
    assert "192.168.7.5" in named.detail


def test_identity_provider_that_does_not_answer_is_named(env: dict[str, str]) -> None:
    url = "http://127.0.0.1:9/.well-known/openid-configuration"
    check = find({**env, "TRAINYARD_OIDC_DISCOVERY_URL": url}, "Single sign-on")
    assert not check.ok
    assert "TRAINYARD_OIDC_DISCOVERY_URL" in check.advice
    assert find(env, "Single sign-on").ok
