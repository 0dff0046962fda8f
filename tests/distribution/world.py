"""A small world for the tests: people with keys, a server, and an edge that runs python-tuf's client."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from app.distribution import approvals, metadata, publishing, repository, signer
from app.distribution.approvals import TargetEntry
from app.distribution.keys import KeyPair
from app.distribution.tuf_types import Root, Snapshot, Targets, Timestamp

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR = timedelta(days=365)
ROLES: dict[str, type[Any]] = {"root": Root, "targets": Targets, "snapshot": Snapshot, "timestamp": Timestamp}


def entry(version: str = "1.0.0", module: str = "meter_digits", sha256: str | None = None) -> TargetEntry:
    """A bundle of `module`; the sha256 differs with the version unless it is given."""
    return TargetEntry(
        path=f"{module}/{version}/bundle.tar",
        length=616_448,
        sha256=sha256 or (version.encode().hex() + "0" * 64)[:64],
        custom={
            "ai_module": module,
            "version": version,
            "model_version_id": f"00000000-0000-4000-8000-{version.encode().hex():0>12}"[:36],
            "organization_id": 1,
            "min_edge_version": "0.1.0",
            "supported_platforms": ["linux/x86_64"],
        },
    )


@dataclass
class World:
    """The people, the server's key and the stored documents."""

    holder: KeyPair = field(default_factory=lambda: KeyPair.generate("Rita Root"))
    ann: KeyPair = field(default_factory=lambda: KeyPair.generate("Ann"))
    bob: KeyPair = field(default_factory=lambda: KeyPair.generate("Bob"))
    mallory: KeyPair = field(default_factory=lambda: KeyPair.generate("Mallory"))
    online: KeyPair = field(default_factory=lambda: KeyPair.generate("server"))
    now: datetime = NOW
    roots: list[bytes] = field(default_factory=list)
    targets: bytes | None = None
    snapshot: bytes | None = None
    timestamp: bytes | None = None
    served: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unsigned = repository.initial_root(
            [self.holder.public],
            [self.ann.public, self.bob.public],
            self.online.public,
            self.now,
            self.now + YEAR,
        )
        self.add_root(repository.sign_root(unsigned, [self.holder]))

    @property
    def root(self) -> bytes:
        return self.roots[-1]

    def add_root(self, root: bytes) -> None:
        current = self.roots[-1] if self.roots else None
        repository.verify_new_root(root, current, self.online.public, now=self.now)
        self.roots.append(root)
        self.served[f"{len(self.roots)}.root.json"] = root

    def propose(self, *entries: TargetEntry, withdrawn: tuple[str, ...] = ()) -> bytes:
        expires = approvals.default_expiry(self.now)
        return approvals.propose_targets(self.targets, entries, expires, withdrawn=withdrawn)

    def accept(self, payload: bytes, by: KeyPair, *entries: TargetEntry, withdrawn: tuple[str, ...] = ()) -> bytes:
        keyid, signature = signer.sign_payload(payload, by)
        return approvals.accept_approval(
            payload,
            keyid,
            signature,
            root=self.root,
            current_targets=self.targets,
            expected_entries=entries,
            now=self.now,
            withdrawn=withdrawn,
        )

    def approve(self, *entries: TargetEntry, by: KeyPair | None = None, withdrawn: tuple[str, ...] = ()) -> bytes:
        payload = self.propose(*entries, withdrawn=withdrawn)
        self.targets = self.accept(payload, by or self.ann, *entries, withdrawn=withdrawn)
        return self.targets

    def publish(self) -> None:
        assert self.targets is not None
        self.snapshot, self.timestamp = publishing.publish(
            self.root, self.targets, self.snapshot, self.timestamp, self.online, self.now
        )
        self.serve()

    def serve(self) -> None:
        assert self.targets
        assert self.snapshot
        assert self.timestamp
        self.served[f"{metadata.load(Targets, self.targets).signed.version}.targets.json"] = self.targets
        self.served[f"{metadata.load(Snapshot, self.snapshot).signed.version}.snapshot.json"] = self.snapshot
        self.served["timestamp.json"] = self.timestamp


class DictFetcher(FetcherInterface):
    """Serves documents out of a dictionary, 404 for the rest."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.rsplit("/", 1)[-1]
        if name not in self.files:
            raise DownloadHTTPError("not found", 404)
        return iter([self.files[name]])


def updater(folder: Path, root: bytes, files: dict[str, bytes]) -> Updater:
    """An edge's client with its state in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return Updater(str(folder), "https://cloud.test/metadata/", fetcher=DictFetcher(files), bootstrap=root)


def resigned(role: str, data: bytes, by: KeyPair, **changes: Any) -> bytes:
    """`data` with members of its signed part replaced, signed by `by`: what the holder of that key could make."""
    kind = ROLES[role]
    document = json.loads(data)
    document["signed"].update(changes)
    document["signatures"] = []
    unsigned = metadata.load(kind, json.dumps(document).encode()).signed_bytes
    return metadata.assemble(kind, unsigned, [(by.keyid, by.sign(unsigned))])
