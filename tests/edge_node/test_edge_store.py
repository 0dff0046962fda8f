"""The models on disk: what is kept, what is loaded when something is damaged."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from edge_support.bundles import Version, make_version

from edge_node.bundle import read_bundle
from edge_node.errors import Refused
from edge_node.store import Pointer, Store, load_from_disk

MODULE = "meter_digits"


@dataclass
class Read:
    """A model that is read and verified and not run."""

    ai_module: str
    version: str
    bundle_sha256: str


def read(path: Path) -> Read:
    bundle = read_bundle(path)
    return Read(bundle.ai_module, bundle.version, bundle.sha256)


def adopt(store: Store, version: Version, previous: str | None) -> None:
    part = store.incoming_path(MODULE, version.sha256)
    part.write_bytes(version.data)
    store.adopt(part, MODULE, version.sha256, previous)


@pytest.fixture
def first() -> Version:
    return make_version("1.0.0", seed=1)


@pytest.fixture
def second() -> Version:
    return make_version("1.1.0", seed=2)


@pytest.fixture
def store(tmp_path: Path, first: Version, second: Version) -> Store:
    """1.1.0 serves, 1.0.0 is kept."""
    made = Store(tmp_path)
    adopt(made, first, None)
    adopt(made, second, first.sha256)
    return made


def test_current_version_is_loaded(store: Store, second: Version) -> None:
    model, problem = load_from_disk(store, MODULE, read)

    assert model is not None
    assert (model.version, model.bundle_sha256) == ("1.1.0", second.sha256)
    assert problem is None


@pytest.mark.parametrize("damage", ["flip a byte", "cut", "remove", "another bundle"])
def test_previous_version_is_loaded_when_the_current_one_is_damaged(store: Store, second: Version, damage: str) -> None:
    path = store.bundle_path(MODULE, second.sha256)
    data = second.data
    if damage == "remove":
        path.unlink()
    else:
        other = make_version("9.9.9", seed=9).data
        flipped = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
        path.write_bytes({"flip a byte": flipped, "cut": data[:3000], "another bundle": other}[damage])

    model, problem = load_from_disk(store, MODULE, read)

    assert model is not None
    assert model.version == "1.0.0"
    assert problem is not None
    assert str(path) in problem
    assert problem.endswith("Serving meter_digits 1.0.0 instead.")


def test_nothing_is_loaded_when_both_are_damaged(store: Store, first: Version, second: Version) -> None:
    for version in (first, second):
        store.bundle_path(MODULE, version.sha256).write_bytes(b"")

    model, problem = load_from_disk(store, MODULE, read)

    assert model is None
    assert problem is not None
    assert problem.endswith("Nothing is served for meter_digits: deploy it again.")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"current": 1}', '{"current": "../../etc", "previous": null}'])
def test_intact_bundle_is_found_when_the_pointer_is_damaged(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "versions" / MODULE / "current.json").write_text(text)

    model, problem = load_from_disk(store, MODULE, read)

    assert model is not None
    assert problem is not None
    assert "current.json is damaged" in problem


def test_going_back_and_forth_keeps_both(store: Store, first: Version, second: Version) -> None:
    kept = store.bundle_path(MODULE, first.sha256)
    store.adopt(kept, MODULE, first.sha256, second.sha256)

    assert store.pointer(MODULE) == Pointer(first.sha256, second.sha256)
    assert kept.exists()


def test_installing_what_serves_already_keeps_the_one_before_it(store: Store, first: Version, second: Version) -> None:
    store.adopt(store.bundle_path(MODULE, second.sha256), MODULE, second.sha256, second.sha256)

    assert store.pointer(MODULE) == Pointer(second.sha256, first.sha256)


def test_third_version_pushes_the_first_out(store: Store, first: Version, second: Version, tmp_path: Path) -> None:
    third = make_version("1.2.0", seed=3)
    adopt(store, third, second.sha256)

    assert store.pointer(MODULE) == Pointer(third.sha256, second.sha256)
    assert not store.bundle_path(MODULE, first.sha256).parent.exists()


def test_crash_before_the_pointer_is_written_leaves_the_old_pair(store: Store, second: Version) -> None:
    """The bundle is in place, `current.json` is not: the next start serves what was committed."""
    third = make_version("1.2.0", seed=3)
    home = store.bundle_path(MODULE, third.sha256)
    home.parent.mkdir()
    home.write_bytes(third.data)

    model, problem = load_from_disk(store, MODULE, read)

    assert model is not None
    assert (model.bundle_sha256, problem) == (second.sha256, None)


def test_starting_another_download_removes_the_remains_of_the_last(store: Store) -> None:
    old = store.incoming_path(MODULE, hashlib.sha256(b"old").hexdigest())
    old.write_bytes(b"half")

    new = store.incoming_path(MODULE, hashlib.sha256(b"new").hexdigest())

    assert not old.exists()
    assert new.parent.is_dir()


def test_module_without_a_pointer_is_simply_empty(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "versions" / MODULE).mkdir()

    assert load_from_disk(store, MODULE, read) == (None, None)
    assert store.modules() == [MODULE]


def test_damaged_pointer_is_named(store: Store, tmp_path: Path) -> None:
    (tmp_path / "versions" / MODULE / "current.json").write_text("{}")

    with pytest.raises(Refused, match="names no bundle"):
        store.pointer(MODULE)
