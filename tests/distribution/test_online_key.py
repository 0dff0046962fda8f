"""The server's key file: made once, whole, and for the server's eyes only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.distribution.online_key import OnlineKey
from app.errors import Invalid, NotFound


def test_key_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "online.json"
    made = OnlineKey.load_or_create(path)
    assert OnlineKey.load_or_create(path).keyid == made.keyid == OnlineKey.load(path).keyid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["online.json"]


def test_servers_starting_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "online.json"
    with ThreadPoolExecutor(8) as pool:
        found = {key.keyid for key in pool.map(lambda _: OnlineKey.load_or_create(path), range(16))}
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "online.json"
    OnlineKey.load_or_create(path)
    path.chmod(mode)
    with pytest.raises(Invalid, match="chmod 600"):
        OnlineKey.load_or_create(path)


def test_missing_or_damaged_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "online.json"
    with pytest.raises(NotFound, match="no online key"):
        OnlineKey.load(path)
    OnlineKey.load_or_create(path)
    good = path.read_text()
    other = OnlineKey.load_or_create(tmp_path / "other.json")
    for text in ("", "{}", "x" * 5000, good.replace('"d": "', '"d": "A'), good.replace(good[-20:], ""), "[]"):
        path.write_text(text)
        with pytest.raises(Invalid):
            OnlineKey.load(path)
    path.write_text(good.replace(good.split('"kid": "')[1][:64], other.keyid))
    with pytest.raises(Invalid, match="keyid"):
        OnlineKey.load(path)
    assert path.exists()
