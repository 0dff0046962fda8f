"""The server's key file: made once, whole, for the server's eyes only; what is derived depends on every input."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import Invalid
from app.infra import server_key
from app.settings import get_settings


def test_key_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "server.key"
    made = server_key.load_or_create(path)
    assert server_key.load_or_create(path) == made
    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["server.key"]


def test_servers_starting_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: server_key.load_or_create(tmp_path / "server.key"), range(16)))
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "server.key"
    server_key.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(Invalid, match="chmod 600"):
        server_key.load_or_create(path)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_damaged_key_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Invalid, match="damaged"):
        server_key.load_or_create(path)
    assert path.read_bytes() == content


def test_derived_secrets_differ_by_purpose_and_by_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for server in ("one", "two"):
        monkeypatch.setenv("TRAINYARD_SERVER_KEY_FILE", str(tmp_path / server))
        get_settings.cache_clear()
        for purpose in ("webhook:a:1", "webhook:a:2", "webhook:b:1"):
            assert server_key.derive(purpose) == server_key.derive(purpose)
            found.add(server_key.derive(purpose))
    get_settings.cache_clear()
    assert len(found) == 6
