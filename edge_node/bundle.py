"""Reading a bundle (docs/bundle-format.md): every limit is enforced before a byte is trusted. Nothing is run here.

Rules: the file is read once, front to back, and the sha256 is taken from the very bytes that are handed on, so the
digest the node reports is the digest of what it loads. Nothing is unpacked to disk: a member's name never becomes a
path. Only plain ustar headers of regular files are understood (the `tarfile` module knows links, sparse files and
extended headers, none of which a bundle may have).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edge_node.errors import Refused
from edge_node.files import readable_size

BLOCK = 512
MAX_MEMBERS = 64
MAX_JSON_BYTES = 8_000_000
MAX_GOLDEN_FILE_BYTES = 20_000_000
MAX_GOLDEN_BYTES = 256_000_000
REQUIRED = ("manifest.json", "model.onnx", "labels.json", "contract.json", "model_card.json", "golden/golden.json")
_GOLDEN_FILE = re.compile(r"golden/[0-9]{3}\.[A-Za-z0-9]{1,5}")
_KINDS = {"1": "a hard link", "2": "a symbolic link", "3": "a device", "4": "a device", "5": "a folder", "6": "a pipe"}


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory: `files` are the members but the manifest, by name."""

    sha256: str
    length: int
    ai_module: str
    version: str
    model_version_id: str
    files: Mapping[str, bytes]

    def json(self, name: str) -> Any:
        return parse_json(self.files[name], name)


class _HashingFile:
    """Reads a file forwards only and remembers the sha256 of all that was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.position = 0

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.sha256.update(data)
        self.position += len(data)
        return data


def read_bundle(path: Path) -> Bundle:
    """Read and verify `path`. Raises Refused with the member and the rule it breaks."""
    length = path.stat().st_size
    with path.open("rb") as raw:
        file = _HashingFile(raw)
        members = _read_members(file, length)
        _require_zeros(file)
    if file.position != length:
        raise Refused(f"The bundle changed while it was read: {file.position} bytes instead of {length}.")
    manifest = _verified_manifest(members)
    return Bundle(
        file.sha256.hexdigest(),
        length,
        manifest["ai_module"],
        manifest["version"],
        manifest["model_version_id"],
        {name: data for name, data in members.items() if name != "manifest.json"},
    )


def parse_json(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} in the bundle is not JSON: {error}.") from error


def _read_members(file: _HashingFile, length: int) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    golden = 0
    while True:
        header = file.read(BLOCK)
        if len(header) < BLOCK:
            raise Refused("The bundle ends in the middle of a tar header: it was cut off.")
        if header.count(0) == BLOCK:
            return members
        if len(members) == MAX_MEMBERS:
            raise Refused(f"The bundle has more than {MAX_MEMBERS} members.")
        name, size = _parse_header(header)
        if name in members:
            raise Refused(f"Member {name!r} is in the bundle twice.")
        _check_size(name, size, length - file.position)
        golden += size if name.startswith("golden/") else 0
        if golden > MAX_GOLDEN_BYTES:
            raise Refused(f"The golden set is larger than {readable_size(MAX_GOLDEN_BYTES)}.")
        members[name] = file.read(size)
        padding = -size % BLOCK
        if file.read(padding).count(0) != padding:
            raise Refused(f"Member {name!r} is followed by bytes that should be zero.")


def _parse_header(header: bytes) -> tuple[str, int]:
    """(name, size) of a ustar header of a regular file with an allowed name. Raises Refused."""
    checksum = sum(header[:148]) + 8 * 0x20 + sum(header[156:])
    if header[257:263] != b"ustar\0" or _octal(header[148:156]) != checksum:
        raise Refused("The bundle is not a plain ustar archive: a header is damaged.")
    text = (header[345:500].rstrip(b"\0") + b"/" if header[345] else b"") + header[:100].split(b"\0", 1)[0]
    name = text.decode("ascii", "backslashreplace")
    kind = header[156:157].decode("latin-1")
    if kind not in ("0", "\0"):
        raise Refused(f"Member {name!r} is {_KINDS.get(kind, f'of type {kind!r}')}; a bundle holds regular files only.")
    if name not in REQUIRED and not _GOLDEN_FILE.fullmatch(name):
        raise Refused(f"Member {name!r} has a name that a bundle may not hold.")
    size = _octal(header[124:136])
    if size is None:
        raise Refused(f"The size of member {name!r} is not an octal number.")
    return name, size


def _octal(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else None


def _check_size(name: str, size: int, left: int) -> None:
    if size > left:
        raise Refused(f"Member {name!r} claims {readable_size(size)}, but {readable_size(left)} are left in the file.")
    limit = MAX_GOLDEN_FILE_BYTES if _GOLDEN_FILE.fullmatch(name) else MAX_JSON_BYTES
    if name != "model.onnx" and size > limit:
        raise Refused(f"Member {name!r} is {readable_size(size)}; at most {readable_size(limit)} are allowed.")


def _require_zeros(file: _HashingFile) -> None:
    while block := file.read(65536):
        if block.count(0) != len(block):
            raise Refused("The bundle has bytes after its end mark.")


def _verified_manifest(members: Mapping[str, bytes]) -> dict[str, Any]:
    missing = [name for name in REQUIRED if name not in members]
    if missing:
        raise Refused(f"The bundle has no {', '.join(missing)}.")
    manifest = parse_json(members["manifest.json"], "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != 1:
        raise Refused("The bundle's manifest is not of format 1: this node cannot read it. Update the node.")
    for name in ("ai_module", "version", "model_version_id"):
        if not isinstance(manifest.get(name), str):
            raise Refused(f"The bundle's manifest has no {name}.")
    listed = manifest.get("files")
    if not isinstance(listed, dict) or set(listed) != set(members) - {"manifest.json"}:
        raise Refused("The bundle's manifest does not list exactly the files that are in it.")
    for name, entry in listed.items():
        data = members[name]
        wanted = (entry.get("sha256"), entry.get("length")) if isinstance(entry, dict) else (None, None)
        if wanted != (hashlib.sha256(data).hexdigest(), len(data)):
            raise Refused(f"{name} in the bundle is not the file that the manifest names.")
    return manifest
