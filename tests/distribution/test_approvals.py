"""An approval is one approver's signature over exactly what the cloud proposes, once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.distribution import approvals, metadata, repository
from app.distribution.approvals import TargetEntry
from app.distribution.keys import KeyPair
from app.distribution.strict_json import canonical
from app.distribution.tuf_types import Targets
from app.errors import Conflict, Forbidden, Invalid
from tests.distribution.world import YEAR, World, entry

ONE, TWO = entry("1.0.0"), entry("1.1.0")


@pytest.fixture
def world() -> World:
    return World()


def accept_raw(world: World, payload: bytes, keyid: str, signature: str, *entries: TargetEntry, **kwargs: Any) -> bytes:
    return approvals.accept_approval(
        payload,
        keyid,
        signature,
        root=kwargs.get("root", world.root),
        current_targets=world.targets,
        expected_entries=entries,
        now=world.now,
    )


def forged(payload: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    value = json.loads(payload)
    change(value)
    return canonical(value)


def test_first_approval_is_version_one_with_one_target(world: World) -> None:
    signed = metadata.load(Targets, world.approve(ONE)).signed
    assert signed.version == 1
    assert approvals.entries_of(signed) == {ONE.path: ONE}


def test_next_approval_keeps_what_was_approved(world: World) -> None:
    world.approve(ONE)
    signed = metadata.load(Targets, world.approve(TWO, by=world.bob)).signed
    assert signed.version == 2
    assert approvals.entries_of(signed) == {ONE.path: ONE, TWO.path: TWO}


def test_approving_again_only_renews_the_signature(world: World) -> None:
    world.approve(ONE)
    signed = metadata.load(Targets, world.approve(ONE, by=world.bob)).signed
    assert (signed.version, list(signed.targets)) == (2, [ONE.path])


def test_approved_version_never_changes_its_bytes(world: World) -> None:
    world.approve(ONE)
    with pytest.raises(Conflict, match="never changes"):
        world.propose(entry("1.0.0", sha256="f" * 64))


def test_withdrawing_takes_a_target_out(world: World) -> None:
    world.approve(ONE)
    world.approve(TWO)
    signed = metadata.load(Targets, world.approve(withdrawn=(ONE.path,))).signed
    assert list(signed.targets) == [TWO.path]
    with pytest.raises(Conflict, match="not approved"):
        world.propose(withdrawn=(ONE.path,))


@pytest.mark.parametrize("who", ["mallory", "online", "holder"])
def test_key_that_is_no_approvers_is_forbidden(world: World, who: str) -> None:
    with pytest.raises(Forbidden, match="not an approver"):
        world.accept(world.propose(ONE), getattr(world, who), ONE)


def test_signature_of_another_key_under_an_approvers_name_is_invalid(world: World) -> None:
    payload = world.propose(ONE)
    for key in (world.mallory, world.bob, world.online):
        with pytest.raises(Invalid, match="signature"):
            accept_raw(world, payload, world.ann.keyid, key.sign(payload), ONE)
    for signature in ("", "00" * 64, "zz" * 64, world.ann.sign(payload).upper(), world.ann.sign(payload + b" ")):
        with pytest.raises(Invalid, match="signature"):
            accept_raw(world, payload, world.ann.keyid, signature, ONE)


def test_signature_cannot_be_used_a_second_time(world: World) -> None:
    payload = world.propose(ONE)
    world.approve(ONE)
    with pytest.raises(Conflict, match="recorded meanwhile"):
        world.accept(payload, world.ann, ONE)


def test_slower_of_two_approvers_signs_again(world: World) -> None:
    first, second = world.propose(ONE), world.propose(TWO)
    world.targets = world.accept(first, world.ann, ONE)
    with pytest.raises(Conflict, match="sign again") as caught:
        world.accept(second, world.bob, TWO)
    assert caught.value.fields == {"targets_version": 2}
    world.approve(TWO, by=world.bob)


def test_version_ahead_of_its_time_is_invalid(world: World) -> None:
    payload = forged(world.propose(ONE), lambda value: value.update(version=5))
    with pytest.raises(Invalid, match="version 5"):
        world.accept(payload, world.ann, ONE)


def _other_hash(value: dict[str, Any]) -> None:
    value["targets"][ONE.path]["hashes"]["sha256"] = "e" * 64


def _another_target(value: dict[str, Any]) -> None:
    value["targets"][TWO.path] = TWO.to_target().to_dict()


def _other_length(value: dict[str, Any]) -> None:
    value["targets"][ONE.path]["length"] += 1


def _other_description(value: dict[str, Any]) -> None:
    value["targets"][ONE.path]["custom"]["organization_id"] = 2


def _no_target(value: dict[str, Any]) -> None:
    value["targets"] = {}


def _other_specification(value: dict[str, Any]) -> None:
    value["spec_version"] = "1.0.0"


@pytest.mark.parametrize(
    "change",
    [_other_hash, _another_target, _other_length, _other_description, _no_target, _other_specification],
)
def test_approver_may_sign_only_what_is_proposed(world: World, change: Callable[[dict[str, Any]], None]) -> None:
    payload = forged(world.propose(ONE), change)
    with pytest.raises(Invalid, match="not the one proposed"):
        world.accept(payload, world.ann, ONE)


@pytest.mark.parametrize(
    ("ahead", "good"),
    [
        (timedelta(days=-1), False),
        (timedelta(hours=23), False),
        (timedelta(days=1), True),
        (timedelta(days=400), True),
        (timedelta(days=400, seconds=1), False),
        (timedelta(days=4000), False),
    ],
)
def test_expiry_lies_1_to_400_days_ahead(world: World, ahead: timedelta, good: bool) -> None:
    payload = approvals.propose_targets(None, [ONE], world.now + ahead)
    if good:
        assert world.accept(payload, world.ann, ONE)
    else:
        with pytest.raises(Invalid, match="1 to 400 days"):
            world.accept(payload, world.ann, ONE)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"_type":"targets"}',
        b'{"_type":"targets","_type":"targets"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":"' + b"x" * 6_000_000 + b'"}',
    ],
)
def test_senseless_payload_is_invalid(world: World, payload: bytes) -> None:
    with pytest.raises(Invalid):
        accept_raw(world, payload, world.ann.keyid, world.ann.sign(payload), ONE)


def test_payload_with_a_second_meaning_is_invalid(world: World) -> None:
    payload = world.propose(ONE)
    doubled = payload.replace(b'"version":1}', b'"version":1,"version":1}')
    spaced = payload.replace(b":", b": ")
    assert doubled != payload
    for data, reason in ((doubled, "twice"), (spaced, "canonical"), (payload + b"\n", "canonical")):
        with pytest.raises(Invalid, match=reason):
            accept_raw(world, data, world.ann.keyid, world.ann.sign(data), ONE)


def test_root_or_delegation_cannot_pass_as_a_list(world: World) -> None:
    root = metadata.load(repository.Root, world.root).signed_bytes
    role = {"name": "x", "keyids": [], "threshold": 1, "terminating": False, "paths": ["*"]}
    delegations = {"keys": {}, "roles": [role]}
    delegating = forged(world.propose(ONE), lambda value: value.update(delegations=delegations))
    for payload in (root, delegating):
        with pytest.raises(Invalid, match="other members"):
            accept_raw(world, payload, world.ann.keyid, world.ann.sign(payload), ONE)


def test_nothing_is_approved_under_an_expired_root(world: World) -> None:
    world.now += YEAR + timedelta(days=1)
    with pytest.raises(Conflict, match="root expired"):
        world.accept(world.propose(ONE), world.ann, ONE)


def test_removed_approver_can_no_longer_approve(world: World) -> None:
    unsigned = repository.next_root(world.root, world.now, world.now + YEAR, remove_approvers=[world.ann.keyid])
    world.add_root(repository.sign_root(unsigned, [world.holder]))
    with pytest.raises(Forbidden):
        world.approve(ONE, by=world.ann)
    world.approve(ONE, by=world.bob)


def test_root_that_nobody_signed_gives_nobody_rights(world: World) -> None:
    other = World(holder=world.mallory, ann=KeyPair.generate("Eve"), online=world.online)
    document = json.loads(other.root)
    document["signatures"] = json.loads(world.root)["signatures"]
    payload = world.propose(ONE)
    with pytest.raises(Invalid, match="root keys"):
        accept_raw(world, payload, other.ann.keyid, other.ann.sign(payload), ONE, root=json.dumps(document).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "meter_digits/1.0.0/model.onnx"},
        {"path": "../1.0.0/bundle.tar"},
        {"path": "meter_digits/../bundle.tar"},
        {"path": "/meter_digits/1.0.0/bundle.tar"},
        {"path": "other/1.0.0/bundle.tar"},
        {"path": "org-2/meter_digits/1.0.0/bundle.tar"},
        {"path": "org-None/meter_digits/1.0.0/bundle.tar"},
        {"path": "meter_digits/1.0.0/bundle.tar\n"},
        {"length": 0},
        {"length": -1},
        {"length": True},
        {"length": 2**41},
        {"sha256": "F" * 64},
        {"sha256": "f" * 63},
        {"custom": {}},
        {"custom": {"ai_module": "meter_digits", "version": "1.0.0"}},
    ],
)
def test_entry_that_makes_no_sense_cannot_be_made(changes: dict[str, Any]) -> None:
    value = {"path": ONE.path, "length": ONE.length, "sha256": ONE.sha256, "custom": ONE.custom, **changes}
    with pytest.raises(Invalid):
        TargetEntry(**value)


def test_two_organizations_may_have_the_same_version(world: World) -> None:
    ours = TargetEntry(f"org-1/{ONE.path}", ONE.length, "a" * 64, ONE.custom)
    theirs = TargetEntry(f"org-2/{ONE.path}", ONE.length, "b" * 64, {**ONE.custom, "organization_id": 2})
    world.approve(ours)
    signed = metadata.load(Targets, world.approve(theirs)).signed
    assert approvals.entries_of(signed) == {ours.path: ours, theirs.path: theirs}


def test_description_with_control_characters_cannot_be_proposed(world: World) -> None:
    tricky = TargetEntry(ONE.path, ONE.length, ONE.sha256, {**ONE.custom, "min_edge_version": "1\n+ other"})
    with pytest.raises(Invalid):
        world.propose(tricky)
