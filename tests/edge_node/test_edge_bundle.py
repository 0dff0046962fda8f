"""Reading bundles: every limit of docs/bundle-format.md, byte by byte."""

import hashlib
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from edge_support.bundles import Members, make_version, members_of, pack

from edge_node.bundle import BLOCK, read_bundle
from edge_node.errors import Refused


def good() -> Members:
    members: Members = {}
    make_version("1.0.0", spoil=members.update)
    return members


def refusal(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "bundle.tar"
    path.write_bytes(data)
    with pytest.raises(Refused) as caught:
        read_bundle(path)
    return str(caught.value)


def test_bundle_is_read_whole_and_its_digest_is_of_the_bytes_read(tmp_path: Path) -> None:
    data = pack(good())
    path = tmp_path / "bundle.tar"
    path.write_bytes(data)

    bundle = read_bundle(path)

    assert bundle.sha256 == hashlib.sha256(data).hexdigest()
    assert bundle.length == len(data)
    assert (bundle.ai_module, bundle.version) == ("meter_digits", "1.0.0")
    assert bundle.files["model.onnx"] == members_of(1)["model.onnx"]
    assert "manifest.json" not in bundle.files


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.XHDTYPE, "of type 'x'"),
        (tarfile.GNUTYPE_LONGNAME, "of type 'L'"),
        (tarfile.GNUTYPE_SPARSE, "of type 'S'"),
    ],
)
def test_only_regular_files(tmp_path: Path, kind: bytes, said: str) -> None:
    def change(member: tarfile.TarInfo) -> None:
        if member.name == "labels.json":
            member.type, member.linkname = kind, "/etc/passwd"

    sentence = refusal(tmp_path, pack(good(), change))
    assert sentence.startswith("Member 'labels.json")
    assert sentence.endswith(f" is {said}; a bundle holds regular files only.")


@pytest.mark.parametrize(
    "name",
    [
        "../escape", "/etc/passwd", "golden/../../escape.png", "golden/000.png/../../x", "./model.onnx", "extra.json",
        "golden/0000.png", "golden/abc.png", "golden/000.png\n", "model.onnx.data", "d" * 120 + "/x.json",
    ],
)  # fmt: skip
def test_only_names_of_the_format(tmp_path: Path, name: str) -> None:
    assert "has a name that a bundle may not hold" in refusal(tmp_path, pack({**good(), name: b"x"}))


def test_member_that_claims_more_than_there_is(tmp_path: Path) -> None:
    data = bytearray(pack(good()))
    data[124:136] = b"77777777777\0"
    fix_checksum(data)

    assert "claims 8.6 GB, but" in refusal(tmp_path, bytes(data))


def test_member_larger_than_its_limit(tmp_path: Path) -> None:
    assert "'labels.json' is 8.1 MB; at most 8.0 MB are allowed" in refusal(
        tmp_path, pack({**good(), "labels.json": b" " * 8_100_000})
    )


def test_too_many_members(tmp_path: Path) -> None:
    many = {f"golden/{number:03}.png": b"x" for number in range(64)}

    assert refusal(tmp_path, pack({**good(), **many})) == "The bundle has more than 64 members."


def test_member_that_is_there_twice(tmp_path: Path) -> None:
    data = pack({"labels.json": b"[]"})
    entry = data[: 2 * BLOCK]

    assert refusal(tmp_path, entry + data) == "Member 'labels.json' is in the bundle twice."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:700], "ends in the middle of a tar header|claims"),
        (lambda data: data[: -10 * 1024], "ends in the middle|claims|bytes after"),
        (lambda data: data[:0], "ends in the middle of a tar header"),
        (lambda data: b"\x1f\x8b" + data, "not a plain ustar archive"),
        (lambda data: data[:200] + b"\xff" + data[201:], "a header is damaged"),
        (lambda data: data + b"hidden", "bytes after its end mark"),
        (lambda data: data[:-1] + b"x", "bytes after its end mark"),
    ],
)
def test_damaged_archive(tmp_path: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    assert re.search(reason, refusal(tmp_path, change(pack(good()))))


def test_bytes_hidden_in_the_padding(tmp_path: Path) -> None:
    members = good()
    data = bytearray(pack(members))
    size = len(members["contract.json"])
    data[BLOCK + size] = 1

    assert "followed by bytes that should be zero" in refusal(tmp_path, bytes(data))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda manifest: manifest.update(format=2), "not of format 1"),
        (lambda manifest: manifest.pop("version"), "has no version"),
        (lambda manifest: manifest["files"].pop("model.onnx"), "does not list exactly the files"),
        (lambda manifest: manifest["files"].update(ghost={"sha256": "", "length": 0}), "does not list exactly"),
        (lambda manifest: manifest["files"]["model.onnx"].update(length=3), "model.onnx in the bundle is not the file"),
        (lambda manifest: manifest["files"].update({"model.onnx": None}), "model.onnx in the bundle is not the file"),
    ],
)
def test_manifest_must_tell_the_truth(tmp_path: Path, change: Callable[[dict], object], reason: str) -> None:
    members = good()
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    members["manifest.json"] = json.dumps(manifest).encode()

    assert reason in refusal(tmp_path, pack(members))


@pytest.mark.parametrize("data", [b"not json", b"[1]", b"[" * 100_000, b"\xff\xfe"])
def test_manifest_that_is_no_object(tmp_path: Path, data: bytes) -> None:
    assert "manifest" in refusal(tmp_path, pack({**good(), "manifest.json": data}))


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "golden/golden.json"])
def test_missing_member(tmp_path: Path, name: str) -> None:
    members = good()
    del members[name]

    assert refusal(tmp_path, pack(members)) == f"The bundle has no {name}."


def fix_checksum(data: bytearray) -> None:
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:BLOCK])
