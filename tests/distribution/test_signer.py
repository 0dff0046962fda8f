"""A person sees what they sign: all of it, and nothing but it."""

import json

import pytest

from app.distribution import metadata, pinning, repository, signer
from app.distribution.approvals import TargetEntry
from app.distribution.pinning import Pin
from app.distribution.strict_json import canonical
from app.distribution.tuf_types import Root
from app.errors import Conflict, Invalid
from tests.distribution.world import YEAR, World, entry, resigned

ONE, TWO, EVIL = entry("1.0.0"), entry("1.1.0"), entry("6.6.6")


@pytest.fixture
def world() -> World:
    return World()


def root_of(world: World) -> Root:
    return repository.trusted_root(world.root).signed


def test_difference_is_added_removed_and_kept(world: World) -> None:
    world.approve(ONE)
    world.approve(TWO)
    third = entry("1.2.0")
    payload = world.propose(third, withdrawn=(ONE.path,))
    seen = signer.describe(payload, world.targets, root=root_of(world))
    assert (seen.added, seen.removed, seen.kept, seen.changed) == ((third,), (ONE,), (TWO,), ())
    assert (seen.version, seen.previous_version) == (3, 2)
    for line in ("+ meter_digits 1.2.0", "- meter_digits 1.0.0", "= meter_digits 1.1.0", third.sha256):
        assert line in seen.text


def test_renewal_says_that_nothing_changes(world: World) -> None:
    world.approve(ONE)
    assert "renews the signature" in signer.describe(world.propose(), world.targets).text


def test_list_that_no_approver_signed_vouches_for_nothing(world: World) -> None:
    """A server that slips a target into the present list cannot pass it off as long approved."""
    world.approve(ONE)
    assert world.targets
    document = json.loads(world.targets)
    document["signed"]["targets"][EVIL.path] = EVIL.to_target().to_dict()
    tampered = json.dumps(document).encode()
    forged = resigned("targets", tampered, world.online)
    for current in (tampered, forged):
        world.targets = current
        seen = signer.describe(world.propose(TWO), current, root=root_of(world))
        assert {added.path for added in seen.added} == {ONE.path, TWO.path, EVIL.path}
        assert seen.kept == ()


def test_what_was_signed_before_stands_in_for_a_list_that_is_not_believed(world: World) -> None:
    before = world.propose(ONE)
    world.approve(ONE)
    payload = world.propose(TWO)
    for current in (None, resigned("targets", world.targets or b"", world.mallory)):
        seen = signer.describe(payload, current, root=root_of(world), signed_before=before)
        assert (seen.added, seen.kept, seen.previous_version) == ((TWO,), (ONE,), 1)


def test_changed_content_under_an_approved_version_is_shouted(world: World) -> None:
    world.approve(ONE)
    value = json.loads(world.propose())
    value["targets"][ONE.path]["hashes"]["sha256"] = "e" * 64
    seen = signer.describe(canonical(value), world.targets)
    assert [changed.sha256 for changed in seen.changed] == ["e" * 64]
    assert "CHANGED CONTENT" in seen.text


def test_text_cannot_play_tricks_in_a_terminal() -> None:
    custom = {**ONE.custom, "min_edge_version": "\u202e0.1.0\u009b2J", "organization_id": "ü"}
    sly = TargetEntry(ONE.path, ONE.length, ONE.sha256, custom)
    text = signer.describe(World().propose(sly), None).text
    assert all(" " <= character <= "~" or character == "\n" for character in text)
    assert "\\u202e" in text


def test_signature_is_over_a_list_and_over_nothing_else(world: World) -> None:
    payload = world.propose(ONE)
    keyid, signature = signer.sign_payload(payload, world.ann)
    assert (keyid, signature) == (world.ann.keyid, world.ann.sign(payload))
    root = metadata.load(Root, world.root).signed_bytes
    for other in (b"", b"hello", root, payload + b" "):
        with pytest.raises(Invalid):
            signer.sign_payload(other, world.ann)


def test_root_is_described_with_whom_it_adds_and_removes(world: World) -> None:
    unsigned = repository.next_root(
        world.root,
        world.now,
        world.now + YEAR,
        add_approvers=[world.mallory.public],
        remove_approvers=[world.ann.keyid],
    )
    text = signer.describe_root(unsigned, root_of(world), {world.mallory.keyid: "mal@example.com"})
    assert f"+ approver    {world.mallory.keyid} mal@example.com" in text
    assert f"- approver    {world.ann.keyid}" in text
    assert f"= approver    {world.bob.keyid}" in text


def test_machine_follows_a_proper_successor_only(world: World) -> None:
    pin = pinning.follow(None, world.root)
    assert pinning.follow(pin, world.root) == pin
    unsigned = repository.next_root(world.root, world.now, world.now + YEAR, add_approvers=[world.mallory.public])
    world.add_root(repository.sign_root(unsigned, [world.holder]))
    moved = pinning.follow(pin, world.root)
    assert moved.root == world.root
    with pytest.raises(Conflict, match="does not follow"):
        pinning.follow(moved, world.roots[0])
    stranger = World(online=world.online)
    for offered in (stranger.root, resigned("root", stranger.root, stranger.holder, version=2)):
        with pytest.raises(Conflict, match="root-sha256"):
            pinning.follow(pin, offered)


def test_fingerprint_told_by_a_person_settles_it(world: World) -> None:
    other = World()
    pin = pinning.follow(None, world.root)
    assert pinning.follow(pin, other.root, told=pinning.fingerprint(other.root)).root == other.root
    with pytest.raises(Invalid, match="not the one you were given"):
        pinning.follow(pin, world.root, told="0" * 64)


def test_older_list_than_signed_here_is_noticed(world: World) -> None:
    pin = Pin(world.root, world.propose(ONE))
    pinning.check_not_older(pin, 2, 1)
    pinning.check_not_older(Pin(world.root), 1, None)
    for version, previous in ((1, None), (2, 0)):
        with pytest.raises(Conflict, match="old state"):
            pinning.check_not_older(pin, version, previous)


def test_trusted_roots_are_kept_as_text(world: World) -> None:
    pins = {"https://a.test": Pin(world.root, world.propose(ONE)), "https://b.test": Pin(world.root)}
    assert pinning.load_pins(pinning.dump_pins(pins)) == pins
    for text in ("", "[]", '{"a": 1}', '{"a": {"root": null, "signed_list": null}}', '{"a": {"root": "x"}}'):
        with pytest.raises(Invalid):
            pinning.load_pins(text)
