"""Which roots are accepted: signed by the old and the new holders, one version on, one purpose per key."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.distribution import keys, metadata, repository
from app.distribution.keys import KeyPair
from app.distribution.strict_json import canonical
from app.distribution.tuf_types import Key, Root
from app.errors import Conflict, Invalid
from tests.distribution.world import NOW, YEAR, World, resigned


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def accept(world: World, candidate: bytes, current: bytes | None = None) -> Root:
    return repository.verify_new_root(candidate, current, world.online.public, now=NOW)


def successor(world: World, *signers: KeyPair, **changes: Any) -> bytes:
    unsigned = repository.next_root(world.root, NOW, NOW + YEAR, **changes)
    return repository.sign_root(unsigned, signers or [world.holder])


def signed(world: World, **changes: Any) -> dict[str, Any]:
    """The signed part of the first root, as JSON that a test may change."""
    value = json.loads(world.roots[0])["signed"]
    value.update(changes)
    return dict(value)


def test_first_root_names_people_and_server(world: World) -> None:
    root = accept(world, world.roots[0])
    assert repository.approver_keyids(root) == (world.ann.keyid, world.bob.keyid)
    assert root.consistent_snapshot is True
    assert root.version == 1


def test_approver_can_be_added_and_removed(world: World) -> None:
    added = accept(world, successor(world, add_approvers=[world.mallory.public]), world.root)
    assert world.mallory.keyid in repository.approver_keyids(added)
    removed = accept(world, successor(world, remove_approvers=[world.ann.keyid]), world.root)
    assert repository.approver_keyids(removed) == (world.bob.keyid,)
    assert world.ann.keyid not in removed.keys


def test_online_key_can_be_replaced(world: World) -> None:
    fresh = KeyPair.generate("server")
    candidate = successor(world, online_key=fresh.public)
    with pytest.raises(Invalid, match="another online key"):
        accept(world, candidate, world.root)
    root = repository.verify_new_root(candidate, world.root, fresh.public, now=NOW)
    assert root.roles["snapshot"].keyids == root.roles["timestamp"].keyids == [fresh.keyid]
    assert world.online.keyid not in root.keys


@pytest.mark.parametrize("who", ["ann", "mallory", "online"])
def test_only_the_root_key_makes_a_successor(world: World, who: str) -> None:
    with pytest.raises(Invalid, match="not signed by enough"):
        accept(world, successor(world, getattr(world, who)), world.root)


def test_root_of_another_holder_is_no_successor(world: World) -> None:
    other = World(online=world.online)
    candidate = repository.sign_root(repository.next_root(other.root, NOW, NOW + YEAR), [other.holder])
    with pytest.raises(Invalid, match="root keys of version 1"):
        accept(world, candidate, world.root)


def test_old_root_keys_must_agree_to_new_ones(world: World) -> None:
    value = signed(world, version=2)
    taker = KeyPair.generate("taker")
    value["keys"] = {taker.keyid: keys.public_key_to_dict(taker.public), **value["keys"]}
    del value["keys"][world.holder.keyid]
    value["roles"]["root"]["keyids"] = [taker.keyid]
    unsigned = metadata.load(Root, json.dumps({"signed": value, "signatures": []}).encode()).signed_bytes
    with pytest.raises(Invalid, match="root keys of version 1"):
        accept(world, repository.sign_root(unsigned, [taker]), world.root)
    with pytest.raises(Invalid, match="its own root keys"):
        accept(world, repository.sign_root(unsigned, [world.holder]), world.root)
    assert accept(world, repository.sign_root(unsigned, [world.holder, taker]), world.root).version == 2


def test_versions_may_not_be_repeated_or_left_out(world: World) -> None:
    with pytest.raises(Conflict, match="already recorded"):
        accept(world, world.root, world.root)
    with pytest.raises(Invalid, match="left out"):
        accept(world, resigned("root", world.root, world.holder, version=3), world.root)
    with pytest.raises(Invalid, match="must have version 1"):
        accept(world, successor(world), None)


def test_expired_root_is_refused_and_cannot_be_built(world: World) -> None:
    late = (NOW - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(Invalid, match="expired"):
        accept(world, resigned("root", world.root, world.holder, version=2, expires=late), world.root)
    with pytest.raises(Invalid, match="expired from the start"):
        repository.next_root(world.root, NOW, NOW)


def test_several_root_keys_can_be_asked_for(world: World) -> None:
    second = KeyPair.generate("Second holder")
    holders: list[Key] = [world.holder.public, second.public]
    unsigned = repository.initial_root(
        holders, [world.ann.public], world.online.public, NOW, NOW + YEAR, root_threshold=2
    )
    with pytest.raises(Invalid, match="enough"):
        accept(world, repository.sign_root(unsigned, [second]))
    assert accept(world, repository.sign_root(unsigned, [second, world.holder])).roles["root"].threshold == 2


@pytest.mark.parametrize(
    ("role", "change", "reason"),
    [
        ("targets", {"threshold": 2}, "this product makes one"),
        ("targets", {"threshold": 3}, "asks for 3 of 2"),
        ("targets", {"threshold": 0}, "not TUF metadata"),
        ("targets", {"threshold": True}, "asks for"),
        ("targets", {"keyids": []}, "every key it uses"),
        ("root", {"threshold": 2}, "asks for 2 of 1"),
        ("root", {"x-note": "hello"}, "not in the TUF specification"),
    ],
)
def test_wrong_thresholds_are_refused(world: World, role: str, change: dict[str, Any], reason: str) -> None:
    value = signed(world)
    value["roles"][role] |= change
    with pytest.raises(Invalid, match=reason):
        accept(world, _forced(world, value))


def test_key_serves_one_purpose_only(world: World) -> None:
    for role, extra in (("targets", world.online), ("targets", world.holder), ("root", world.online)):
        value = signed(world)
        value["roles"][role]["keyids"].append(extra.keyid)
        with pytest.raises(Invalid, match="two purposes"):
            accept(world, _forced(world, value))


def test_same_key_under_two_names_is_refused(world: World) -> None:
    value = signed(world)
    value["keys"]["0" * 64] = value["keys"][world.ann.keyid]
    value["roles"]["targets"]["keyids"].append("0" * 64)
    with pytest.raises(Invalid, match="not that key"):
        accept(world, _forced(world, value))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"consistent_snapshot": False}, "consistent_snapshot"),
        ({"x-extra": 1}, "not in the TUF specification"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"version": 2**31}, "version"),
        ({"spec_version": "2.0.0"}, "not TUF metadata"),
        ({"expires": "tomorrow"}, "not TUF metadata"),
        ({"_type": "targets"}, "of the type"),
    ],
)
def test_root_that_breaks_a_rule_is_refused(world: World, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        accept(world, _forced(world, signed(world, **changes)))


def test_key_of_another_kind_is_refused(world: World) -> None:
    value = signed(world)
    value["keys"][world.ann.keyid] |= {"keytype": "rsa", "scheme": "rsassa-pss-sha256"}
    with pytest.raises(Invalid, match="not an Ed25519 key"):
        accept(world, _forced(world, value))


def test_described_and_used_keys_are_the_same(world: World) -> None:
    value = signed(world)
    value["keys"][world.mallory.keyid] = keys.public_key_to_dict(world.mallory.public)
    with pytest.raises(Invalid, match="every key it uses, and no other"):
        accept(world, _forced(world, value))
    del value["keys"][world.mallory.keyid], value["keys"][world.bob.keyid]
    with pytest.raises(Invalid, match="every key it uses"):
        accept(world, _forced(world, value))


def test_adding_a_present_or_removing_an_absent_approver_is_a_conflict(world: World) -> None:
    with pytest.raises(Conflict, match="already an approver"):
        successor(world, add_approvers=[world.ann.public])
    with pytest.raises(Conflict, match="not an approver"):
        successor(world, remove_approvers=[world.mallory.keyid])


def test_last_approver_cannot_be_removed(world: World) -> None:
    with pytest.raises(Invalid, match="1 of 0"):
        successor(world, remove_approvers=[world.ann.keyid, world.bob.keyid])


def _forced(world: World, value: dict[str, Any]) -> bytes:
    """`value` signed by the root key without any check on the way."""
    payload = canonical(value)
    signature = {"keyid": world.holder.keyid, "sig": world.holder.sign(payload)}
    return json.dumps({"signed": value, "signatures": [signature]}).encode()
