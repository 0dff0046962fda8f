"""What an attacker can serve, and what the edge's client says to it.

Each attack is shown to python-tuf's client (as on an edge) and to `verify_repository` (as in doctor); both refuse.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError

from app.distribution import metadata, publishing, repository
from app.distribution.keys import KeyPair
from app.distribution.tuf_types import Snapshot, Targets, Timestamp
from app.distribution.verify import verify_repository
from app.errors import Conflict, Invalid
from tests.distribution.world import YEAR, World, entry, resigned, updater

ONE, TWO, EVIL = entry("1.0.0"), entry("1.1.0"), entry("6.6.6")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One approved and released version, and an edge that knows it."""
    made = World()
    made.approve(ONE)
    made.publish()
    updater(tmp_path, made.roots[0], made.served).refresh()
    return made


def refused(world: World, folder: Path, role: str, reason: str) -> None:
    """Both readers refuse what is stored and served now, and doctor names `role`."""
    with pytest.raises((RepositoryError, DownloadError)):
        updater(folder, world.roots[0], world.served).refresh()
    assert world.timestamp
    assert world.snapshot
    assert world.targets
    with pytest.raises(Invalid, match=reason) as caught:
        verify_repository(world.roots, world.timestamp, world.snapshot, world.targets, now=world.now)
    assert caught.value.fields.get("role") == role


def state_online(world: World, targets: bytes, by: KeyPair | None = None) -> None:
    """Serve `targets` with fresh, properly signed snapshot and timestamp: all that the online key can do."""
    key = by or world.online
    assert world.snapshot
    assert world.timestamp
    number = metadata.load(Targets, targets).signed.version
    reference = metadata.meta_file(number, targets).to_dict()
    version = metadata.load(Snapshot, world.snapshot).signed.version + 1
    world.snapshot = resigned("snapshot", world.snapshot, key, version=version, meta={"targets.json": reference})
    reference = metadata.meta_file(version, world.snapshot).to_dict()
    version = metadata.load(Timestamp, world.timestamp).signed.version + 1
    world.timestamp = resigned("timestamp", world.timestamp, key, version=version, meta={"snapshot.json": reference})
    world.targets = targets
    world.serve()


def with_evil(world: World) -> dict[str, object]:
    assert world.targets
    signed = json.loads(world.targets)["signed"]
    targets = {**signed["targets"], EVIL.path: EVIL.to_target().to_dict()}
    return {"targets": targets, "version": signed["version"] + 1}


@pytest.mark.parametrize("who", ["online", "mallory", "holder"])
def test_list_signed_by_no_approver(world: World, tmp_path: Path, who: str) -> None:
    assert world.targets
    state_online(world, resigned("targets", world.targets, getattr(world, who), **with_evil(world)))
    refused(world, tmp_path, "targets", "signed by 0/1")


def test_list_with_the_approvers_old_signature(world: World, tmp_path: Path) -> None:
    assert world.targets
    document = json.loads(world.targets)
    document["signed"].update(with_evil(world))
    state_online(world, json.dumps(document).encode())
    refused(world, tmp_path, "targets", "signed by 0/1")


def test_list_without_any_signature(world: World, tmp_path: Path) -> None:
    assert world.targets
    document = json.loads(world.targets)
    document["signed"].update(with_evil(world))
    document["signatures"] = []
    state_online(world, json.dumps(document).encode())
    refused(world, tmp_path, "targets", "signed by 0/1")


def test_changed_byte_in_the_stored_list(world: World, tmp_path: Path) -> None:
    assert world.targets
    world.targets = world.targets.replace(ONE.sha256.encode(), EVIL.sha256.encode())
    world.served["1.targets.json"] = world.targets
    refused(world, tmp_path / "new", "targets", "hash|length")


def test_changed_byte_in_the_stored_list_under_a_new_statement(world: World, tmp_path: Path) -> None:
    assert world.targets
    state_online(world, world.targets.replace(ONE.sha256.encode(), EVIL.sha256.encode()))
    refused(world, tmp_path / "new", "targets", "signed by 0/1")


@pytest.mark.parametrize("role", ["snapshot", "timestamp"])
def test_statement_by_another_key(world: World, tmp_path: Path, role: str) -> None:
    state_online(world, world.approve(TWO), by=world.mallory)
    refused(world, tmp_path / role, "timestamp", "signed by 0/1")


def test_older_list_offered_again(world: World, tmp_path: Path) -> None:
    first = world.targets
    assert first
    world.approve(TWO)
    world.publish()
    updater(tmp_path, world.roots[0], world.served).refresh()
    state_online(world, first)
    with pytest.raises(RepositoryError, match=r"[Ee]xpected targets\.json version"):
        updater(tmp_path, world.roots[0], world.served).refresh()


def test_older_statement_offered_again(world: World, tmp_path: Path) -> None:
    old = dict(world.served)
    world.approve(TWO)
    world.publish()
    updater(tmp_path, world.roots[0], world.served).refresh()
    with pytest.raises(RepositoryError, match="version"):
        updater(tmp_path, world.roots[0], old).refresh()


def test_statements_of_two_times_mixed(world: World, tmp_path: Path) -> None:
    old_snapshot = world.snapshot
    world.approve(TWO)
    world.publish()
    world.snapshot = old_snapshot
    assert old_snapshot
    world.served["2.snapshot.json"] = old_snapshot
    refused(world, tmp_path, "snapshot", "hash|length")


def test_list_of_another_time_mixed_in(world: World, tmp_path: Path) -> None:
    first = world.targets
    world.approve(TWO)
    world.publish()
    world.targets = first
    assert first
    world.served["2.targets.json"] = first
    refused(world, tmp_path, "targets", "hash|length")


@pytest.mark.parametrize(
    ("days", "role"), [(8, "timestamp"), (366, "root")], ids=["no fresh timestamp", "no renewed root"]
)
def test_everything_expires(world: World, days: int, role: str) -> None:
    assert world.timestamp
    assert world.snapshot
    assert world.targets
    world.now += timedelta(days=days)
    with pytest.raises(Invalid, match="expired") as caught:
        verify_repository(world.roots, world.timestamp, world.snapshot, world.targets, now=world.now)
    assert caught.value.fields["role"] == role


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "root"])
def test_expired_document_is_refused_by_the_client(world: World, tmp_path: Path, role: str) -> None:
    past = (world.now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert world.targets
    assert world.timestamp
    assert world.snapshot
    if role == "targets":
        state_online(world, resigned("targets", world.targets, world.ann, version=2, expires=past))
    elif role == "timestamp":
        world.timestamp = resigned("timestamp", world.timestamp, world.online, version=2, expires=past)
        world.serve()
    elif role == "snapshot":
        world.snapshot = resigned("snapshot", world.snapshot, world.online, version=2, expires=past)
        meta = {"snapshot.json": metadata.meta_file(2, world.snapshot).to_dict()}
        world.timestamp = resigned("timestamp", world.timestamp, world.online, version=2, meta=meta)
        world.serve()
    else:
        world.roots.append(resigned("root", world.root, world.holder, version=2, expires=past))
        world.served["2.root.json"] = world.root
    refused(world, tmp_path, role, "expired")


def test_list_signed_by_a_removed_approver(world: World, tmp_path: Path) -> None:
    unsigned = repository.next_root(world.root, world.now, world.now + YEAR, remove_approvers=[world.ann.keyid])
    world.add_root(repository.sign_root(unsigned, [world.holder]))
    refused(world, tmp_path, "targets", "signed by 0/1")
    with pytest.raises(Invalid, match="present approver"):
        world.publish()
    world.approve(by=world.bob)
    world.publish()
    assert updater(tmp_path, world.roots[0], world.served).get_targetinfo(ONE.path)


def test_replaced_online_key_loses_its_say_and_the_new_one_carries_on(world: World, tmp_path: Path) -> None:
    stolen, world.online = world.online, KeyPair.generate("new server key")
    with pytest.raises(Conflict, match="renew-root"):
        world.publish()
    unsigned = repository.next_root(world.root, world.now, world.now + YEAR, online_key=world.online.public)
    world.add_root(repository.sign_root(unsigned, [world.holder]))
    world.publish()
    assert updater(tmp_path, world.roots[0], world.served).get_targetinfo(ONE.path)
    state_online(world, world.approve(TWO), by=stolen)
    refused(world, tmp_path, "timestamp", "signed by 0/1")


def test_root_of_another_holder(world: World, tmp_path: Path) -> None:
    other = World(holder=world.mallory)
    world.roots.append(resigned("root", other.root, world.mallory, version=2))
    world.served["2.root.json"] = world.root
    refused(world, tmp_path, "root", "signed by 0/1")


def test_root_that_lets_the_server_approve_is_refused_by_doctor(world: World) -> None:
    """TUF itself would allow it; this product does not, even if the holder of the root key signed it."""
    roles = json.loads(world.root)["signed"]["roles"]
    roles["targets"]["keyids"].append(world.online.keyid)
    assert world.timestamp
    assert world.snapshot
    assert world.targets
    chain = [*world.roots, resigned("root", world.root, world.holder, version=2, roles=roles)]
    with pytest.raises(Invalid, match="two purposes"):
        verify_repository(chain, world.timestamp, world.snapshot, world.targets, now=world.now)


def test_another_first_root_than_the_enrolled_one(world: World) -> None:
    assert world.timestamp
    assert world.snapshot
    assert world.targets
    with pytest.raises(Invalid, match="not the root that is trusted"):
        verify_repository(
            World().roots, world.timestamp, world.snapshot, world.targets, now=world.now, root_sha256="0" * 64
        )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data.replace(b'"version":1}', b'"version":1,"version":1}'), "twice"),
        (lambda _: b"[" * 200_000, "nested"),
        (lambda data: data + b" " * 6_000_000, "at most"),
        (lambda data: data[:-1], "not acceptable JSON"),
        (lambda _: b"", "not acceptable JSON"),
        (lambda data: data.replace(b'"signed":', b'"extra":1,"signed":'), "and no other"),
    ],
    ids=["member twice", "deep", "huge", "cut", "empty", "extra member"],
)
def test_malformed_list_is_named_and_never_published(world: World, damage: object, reason: str) -> None:
    assert callable(damage)
    assert world.targets
    assert world.timestamp
    assert world.snapshot
    bad = damage(world.targets)
    with pytest.raises(Invalid, match=reason):
        verify_repository(world.roots, world.timestamp, world.snapshot, bad, now=world.now)
    with pytest.raises(Invalid, match=reason):
        publishing.publish(world.root, bad, world.snapshot, world.timestamp, world.online, world.now)


def test_server_does_not_release_an_older_or_a_second_list(world: World) -> None:
    first = world.targets
    world.approve(TWO)
    world.publish()
    second, world.targets = world.targets, first
    with pytest.raises(Conflict, match="already released"):
        world.publish()
    assert second
    world.targets = resigned("targets", second, world.bob)
    with pytest.raises(Conflict, match="Another document"):
        world.publish()


def test_server_does_not_release_what_has_expired(world: World) -> None:
    world.now += timedelta(days=366)
    with pytest.raises(Conflict, match="root expired"):
        world.publish()
    unsigned = repository.next_root(world.root, world.now, world.now + YEAR)
    world.add_root(repository.sign_root(unsigned, [world.holder]))
    with pytest.raises(Conflict, match="approval expired"):
        world.publish()


def test_refresh_refuses_a_statement_the_server_did_not_make(world: World) -> None:
    assert world.snapshot
    assert world.timestamp
    forged = resigned("snapshot", world.snapshot, world.mallory, version=9)
    with pytest.raises(Conflict, match="release a model version again"):
        publishing.refresh_timestamp(world.root, forged, world.timestamp, world.online, world.now)
