"""A real TUF repository made with python-tuf: the root's key, an approver's key and the online key."""

import hashlib
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from .bundles import Version


class Repository:
    """Holds the signed files by name, as a cloud would serve them."""

    def __init__(self) -> None:
        self.root_key, self.approver, self.online = (CryptoSigner.generate_ed25519() for _ in range(3))
        self.files: dict[str, bytes] = {}
        later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
        root = Root(expires=later, consistent_snapshot=True)
        for role, signer in (
            ("root", self.root_key), ("targets", self.approver), ("snapshot", self.online), ("timestamp", self.online),
        ):  # fmt: skip
            root.add_key(signer.public_key, role)
        self.root = Metadata(root)
        self.root.sign(self.root_key)
        self.files["1.root.json"] = self.root.to_bytes()
        self.targets = Metadata(Targets(expires=later))
        self.snapshot = Metadata(Snapshot(expires=later))
        self.timestamp = Metadata(Timestamp(expires=later))
        self.publish()

    @property
    def root_sha256(self) -> str:
        return hashlib.sha256(self.files["1.root.json"]).hexdigest()

    def approve(self, version: Version, sign_with: CryptoSigner | None = None) -> None:
        """Put `version` into the signed targets and publish."""
        entry = TargetFile.from_data(version.target, version.data, ["sha256"])
        entry.unrecognized_fields["custom"] = version.custom
        self.targets.signed.targets[version.target] = entry
        self.publish(sign_with)

    def publish(self, sign_with: CryptoSigner | None = None, lifetime: timedelta = timedelta(days=1)) -> None:
        targets, snapshot, timestamp = self.targets.signed, self.snapshot.signed, self.timestamp.signed
        for part in (targets, snapshot, timestamp):
            part.version += 1
        timestamp.expires = datetime.now(UTC).replace(microsecond=0) + lifetime
        snapshot.meta["targets.json"] = MetaFile(version=targets.version)
        timestamp.snapshot_meta = MetaFile(version=snapshot.version)
        self.targets.sign(sign_with or self.approver)
        self.snapshot.sign(self.online)
        self.timestamp.sign(self.online)
        self.files[f"{targets.version}.targets.json"] = self.targets.to_bytes()
        self.files[f"{snapshot.version}.snapshot.json"] = self.snapshot.to_bytes()
        self.files["timestamp.json"] = self.timestamp.to_bytes()
