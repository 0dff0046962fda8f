"""What a node will not load: each is refused with a sentence to act on, and 1.0.0 goes on serving."""

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from edge_support.bundles import Members, Version, expected, make_version, manifest_of, pack, pixels_of, png
from edge_support.cloud import FakeCloud
from edge_support.node import Node
from securesystemslib.signer import CryptoSigner

World = tuple[FakeCloud, Node]
KEPT = "Kept serving 1.0.0."


@pytest.fixture(autouse=True)
def _first_version_still_serves(world: World, first: Version) -> Iterator[None]:
    yield
    cloud, node = world
    answer = node.infer(png(pixels_of(7)))
    assert answer["bundle_sha256"] == first.sha256
    assert answer["results"][0]["probabilities"] == pytest.approx(list(expected(pixels_of(7), first.seed)), abs=1e-5)
    assert {path.parent.name for path in node.folder.rglob("bundle.tar")} == {first.sha256}
    assert list(node.folder.rglob("*.part")) == []
    beats = len(cloud.heartbeats)
    cloud.wait(lambda: len(cloud.heartbeats) > beats, what="a heartbeat")
    assert [loaded["bundle_sha256"] for loaded in cloud.heartbeats[-1]["loaded"]] == [first.sha256]


def test_byte_changed_in_the_store(world: World) -> None:
    cloud, _ = world
    version = make_version("2.0.0", seed=2)
    cloud.release(version)
    spoilt = bytearray(version.data)
    spoilt[len(spoilt) // 2] ^= 1
    cloud.store[version.target] = bytes(spoilt)

    sentence = cloud.refusal_of(version)

    assert f"the signed metadata says {version.sha256}" in sentence
    assert "the file in the store was changed after approval" in sentence
    assert sentence.endswith(KEPT)
    cloud.wait(lambda: cloud.heartbeats[-1]["last_error"] == sentence, what="the reason in the heartbeat")


@pytest.mark.parametrize("change", [lambda data: data[:-512], lambda data: data + b"\0" * 512])
def test_another_length_in_the_store(world: World, change: Callable[[bytes], bytes]) -> None:
    cloud, _ = world
    version = make_version("2.0.1", seed=2)
    cloud.release(version)
    cloud.store[version.target] = change(version.data)

    sentence = cloud.refusal_of(version)

    assert f"the signed metadata says {len(version.data)}" in sentence
    assert sentence.endswith(KEPT)


def test_nothing_in_the_store(world: World) -> None:
    cloud, _ = world
    version = make_version("2.0.2", seed=2)
    cloud.repository.approve(version)

    sentence = cloud.refusal_of(version)

    assert "The store answered 404" in sentence
    assert "Given up after 5 attempts." in sentence
    assert sentence.endswith(KEPT)


def test_version_that_no_approver_signed(world: World) -> None:
    cloud, _ = world
    version = make_version("2.1.0", seed=2)
    cloud.store[version.target] = version.data

    assert cloud.refusal_of(version) == (
        f"meter_digits/2.1.0 is not in the signed targets: no approver signed it. {KEPT}"
    )


def test_targets_signed_by_someone_else(world: World) -> None:
    cloud, _ = world
    version = make_version("2.2.0", seed=2)
    cloud.store[version.target] = version.data
    cloud.repository.approve(version, sign_with=CryptoSigner.generate_ed25519())

    sentence = cloud.refusal_of(version)

    assert "not signed by the keys this node trusts" in sentence
    assert sentence.endswith(KEPT)
    del cloud.repository.targets.signed.targets[version.target]
    cloud.repository.publish()


def test_older_metadata_than_the_node_has_seen(world: World) -> None:
    cloud, _ = world
    old = cloud.repository.files["timestamp.json"]
    version = make_version("2.3.0", seed=2)
    cloud.release(version)
    assert "needs edge version" in cloud.refusal_of(released(cloud, "2.3.1", min_edge_version="9.0.0"))
    newest, cloud.repository.files["timestamp.json"] = cloud.repository.files["timestamp.json"], old

    sentence = cloud.refusal_of(version)

    assert "older than this node has already seen, as in a rollback attack" in sentence
    assert sentence.endswith(KEPT)
    cloud.repository.files["timestamp.json"] = newest


def test_expired_metadata(world: World) -> None:
    cloud, _ = world
    version = make_version("2.4.0", seed=2)
    cloud.release(version)
    cloud.repository.publish(lifetime=timedelta(seconds=-1))

    sentence = cloud.refusal_of(version)

    assert "signed metadata has expired (timestamp.json is expired)" in sentence
    assert "clock" in sentence
    cloud.repository.publish()


def released(cloud: FakeCloud, number: str, **custom: object) -> Version:
    version = make_version(number, seed=2, custom=custom)
    cloud.release(version)
    return version


@pytest.mark.parametrize(
    ("custom", "reason"),
    [
        ({"organization_id": 8}, "is signed for organization 8; this node belongs to organization 7."),
        (
            {"supported_platforms": ["darwin/arm64", "plan9/mips"]},
            "is signed for darwin/arm64, plan9/mips; this node is",
        ),
        ({"supported_platforms": [f"board-{number}/armv7" for number in range(500)]}, "is signed for board-0/armv7, "),
        ({"min_edge_version": "99.1.0"}, "needs edge version 99.1.0 or newer; this node is 0.1.0: update it."),
        ({"min_edge_version": "soon"}, "The signed min_edge_version 'soon' is not a version"),
        ({"ai_module": "gauge_reader"}, "is signed with ai_module 'gauge_reader', the cloud assigned 'meter_digits'."),
        ({"version": "1.0.0"}, "is signed with version '1.0.0', the cloud assigned"),
        ({"model_version_id": "another"}, "is signed with model_version_id 'another'"),
    ],
)
def test_version_signed_for_something_else(
    world: World, custom: dict[str, object], reason: str, request: pytest.FixtureRequest
) -> None:
    cloud, _ = world
    place = request.node.callspec.indices["custom"]
    sentence = cloud.refusal_of(released(cloud, f"3.{place}.0", **custom))

    assert reason in sentence
    assert sentence.endswith(KEPT)


def test_bundle_of_another_version_under_a_signed_name(world: World) -> None:
    cloud, _ = world
    version = make_version("4.0.0", seed=2)
    version.model_version_id = version.custom["model_version_id"] = "not-the-one-in-the-manifest"
    cloud.release(version)

    assert "The bundle's manifest says" in cloud.refusal_of(version)


def test_golden_answers_that_this_machine_does_not_reach(world: World) -> None:
    cloud, _ = world
    version = make_version("4.1.0", seed=2, off_by=0.01)
    cloud.release(version)

    sentence = cloud.refusal_of(version)

    assert "Golden item golden/000.png: this machine answers" in sentence
    assert "the largest difference is 0.01, 0.001 is allowed." in sentence
    assert sentence.endswith(KEPT)


def replaced(name: str, data: bytes) -> Callable[[Members], None]:
    """Spoil one member and keep the manifest honest about it, as an attacker with the approver's key would."""

    def spoil(members: Members) -> None:
        manifest = json.loads(members.pop("manifest.json"))
        members[name] = data
        about = (manifest["ai_module"], manifest["version"], manifest["model_version_id"])
        members["manifest.json"] = manifest_of(members, *about)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (replaced("model.onnx", b"rubbish"), "cannot load model.onnx"),
        (replaced("contract.json", b'{"task": "detection", "input": {}, "output": {}}'), "task is 'detection'"),
        (replaced("labels.json", b'["only one"]'), "labels.json has 1 labels, contract.json says 3 classes."),
        (replaced("golden/golden.json", b'{"atol": 0.5, "items": []}'), "tolerance is 0.5"),
        (replaced("golden/golden.json", b'{"atol": 0.001, "items": []}'), "The golden set has 0 items; 8 to 32"),
        (replaced("golden/000.png", b"no image"), "Golden item golden/000.png cannot be run on this machine"),
        (replaced("../../../../tmp/evil", b"x"), "Member '../../../../tmp/evil' has a name that a bundle may not hold"),
        (lambda members: members.update({"labels.json": b"[]"}), "labels.json in the bundle is not the file"),
        (lambda members: members.pop("model_card.json"), "The bundle has no model_card.json."),
    ],
)
def test_spoilt_bundle_even_though_it_is_signed(
    world: World, spoil: Callable[[Members], None], reason: str, request: pytest.FixtureRequest
) -> None:
    cloud, _ = world
    version = make_version(f"5.{request.node.callspec.indices['spoil']}.0", seed=2, spoil=spoil)
    cloud.release(version)

    sentence = cloud.refusal_of(version)

    assert reason in sentence
    assert sentence.endswith(KEPT)


def test_bundle_with_a_symbolic_link(world: World) -> None:
    cloud, node = world
    version = make_version("6.0.0", seed=2)

    def link(member: tarfile.TarInfo) -> None:
        if member.name == "golden/000.png":
            member.type, member.linkname, member.size = tarfile.SYMTYPE, os.fspath(node.folder / "identity.key"), 0

    members: Members = {}
    make_version("6.0.0", seed=2, spoil=members.update)
    version.data = pack(members, link)
    cloud.release(version)

    assert "Member 'golden/000.png' is a symbolic link; a bundle holds regular files only." in cloud.refusal_of(version)


def test_bundle_that_does_not_fit_on_the_disk(world: World) -> None:
    """The signed length alone is enough to refuse: no byte is fetched."""
    cloud, _ = world
    version = make_version("7.0.0", seed=2)
    cloud.release(version)
    entry = cloud.repository.targets.signed.targets[version.target]
    downloads = len(cloud.ranges)

    entry.length = 10**12
    cloud.repository.publish()
    assert "this node takes at most 2000000000 (TRAINYARD_EDGE_MAX_BUNDLE_BYTES)" in cloud.refusal_of(version)
    assert len(cloud.ranges) == downloads
