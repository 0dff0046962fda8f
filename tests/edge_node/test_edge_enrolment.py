"""Trading a one-time token for an identity and a root of trust: what is accepted, refused and left behind."""

import json
import stat
from pathlib import Path

from edge_support.bundles import make_version
from edge_support.cloud import FakeCloud
from edge_support.node import Node
from edge_support.repository import Repository


def test_enrolment_leaves_a_private_key_and_the_pinned_root(cloud: FakeCloud, node: Node) -> None:
    done = node.enrol(cloud.url, cloud.token)

    assert done.returncode == 0, done.stderr
    assert "Enrolled as pump-house (edge server 1)" in done.stdout
    assert stat.S_IMODE((node.folder / "identity.key").stat().st_mode) == 0o600
    assert (node.folder / "trust/root.json").read_bytes() == cloud.repository.files["1.root.json"]
    record = json.loads((node.folder / "edge.json").read_bytes())
    assert record["root_sha256"] == cloud.repository.root_sha256
    assert cloud.token not in (node.folder / "edge.json").read_text(), "a spent token is not kept"
    assert cloud.public_key is not None


def test_root_other_than_the_tokens_is_refused(cloud: FakeCloud, node: Node) -> None:
    cloud.token_root = Repository().root_sha256

    done = node.enrol(cloud.url, cloud.token)

    assert done.returncode == 2
    assert f"the enrolment token names {cloud.token_root}" in done.stderr
    assert "Nothing was trusted" in done.stderr
    assert not (node.folder / "edge.json").exists()
    assert not (node.folder / "trust/root.json").exists()


def test_token_works_once(cloud: FakeCloud, node: Node, edge_python: Path, tmp_path: Path) -> None:
    assert node.enrol(cloud.url, cloud.token).returncode == 0

    second = Node(edge_python, tmp_path / "second").enrol(cloud.url, cloud.token)

    assert second.returncode == 2
    assert "The token is unknown or spent. A token works once: make a new one in the dashboard." in second.stderr


def test_new_attempt_after_a_broken_one_uses_a_new_key(cloud: FakeCloud, node: Node) -> None:
    """The cloud may have heard the first attempt although its answer was lost; it takes no key twice."""
    cloud.token_root = Repository().root_sha256
    assert node.enrol(cloud.url, cloud.token).returncode == 2
    first = cloud.public_key
    cloud.token_root = None
    cloud.new_token()

    assert node.enrol(cloud.url, cloud.token).returncode == 0
    assert cloud.public_key != first


def test_enrolled_folder_is_not_enrolled_again(cloud: FakeCloud, node: Node) -> None:
    assert node.enrol(cloud.url, cloud.token).returncode == 0
    key = (node.folder / "identity.key").read_bytes()

    again = node.enrol(cloud.url, cloud.token)

    assert again.returncode == 2
    assert f"is enrolled already, as pump-house at {cloud.url}" in again.stderr
    assert (node.folder / "identity.key").read_bytes() == key


def test_cloud_that_does_not_answer_is_named(node: Node) -> None:
    done = node.enrol("http://127.0.0.1:9", "tyedge_1_secret_" + "0" * 64)

    assert done.returncode == 2
    assert "http://127.0.0.1:9 does not answer" in done.stderr
    assert "Check --cloud and the network" in done.stderr


def test_rubbish_for_a_token_or_an_address_is_named(node: Node) -> None:
    assert "is not an enrolment token" in node.enrol("http://127.0.0.1:9", "hello").stderr
    assert "must look like https://" in node.enrol("ftp://x", "tyedge_1_secret_" + "0" * 64).stderr


def test_node_without_an_enrolment_says_how_to_get_one(node: Node) -> None:
    done = node.command("run")

    assert done.returncode == 2
    assert "is not enrolled: run 'trainyard-edge enrol --cloud URL --token TOKEN" in done.stderr


def test_key_that_others_may_read_is_refused(cloud: FakeCloud, node: Node) -> None:
    assert node.enrol(cloud.url, cloud.token).returncode == 0
    (node.folder / "identity.key").chmod(0o644)

    done = node.command("run", "--port", "0")

    assert done.returncode == 2
    assert "may be read by others (mode 0644): chmod 600" in done.stderr


def test_swapped_root_on_disk_stops_installs(cloud: FakeCloud, node: Node) -> None:
    """Whoever can write the trust folder still cannot bring in another root: the pin is checked at every install."""
    assert node.enrol(cloud.url, cloud.token).returncode == 0
    mallory = Repository()
    (node.folder / "trust/root.json").write_bytes(mallory.files["1.root.json"])
    cloud.repository = mallory
    version = make_version("1.0.0")
    cloud.release(version)
    node.start()

    assert "Nothing was trusted." in cloud.refusal_of(version)
