"""Whatever an attacker does without an approver's or the root key, the edge's client accepts only what was approved.

The attacker owns the server: the online key, every stored document, every document ever made, and keys of their own.
Honest people go on approving meanwhile. After every step a client that keeps its state, and a new one, take whatever is
served; each target they list must be one that an approver signed for.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tuf.api.exceptions import DownloadError, RepositoryError

from app.distribution import metadata
from app.distribution.keys import KeyPair
from app.distribution.strict_json import canonical
from app.distribution.tuf_types import Root, Snapshot, Targets, Timestamp
from app.errors import DomainError
from tests.distribution.world import World, entry, updater

KINDS: dict[str, type[Any]] = {"targets": Targets, "snapshot": Snapshot, "timestamp": Timestamp, "root": Root}
ATTACKERS = st.sampled_from(["online", "mallory"])
PATHS = [f"meter_digits/{version}/bundle.tar" for version in ("1.0.0", "1.1.0", "2.0.0", "6.6.6")]


class Takeover(RuleBasedStateMachine):
    """The steps that people and the attacker can take, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World()
        self.approved: set[tuple[str, str]] = set()
        self.lists: list[bytes] = []
        self.accepted = 0

    @initialize()
    def start(self) -> None:
        self.approve("1.0.0", "ann")

    @rule(version=st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]), who=st.sampled_from(["ann", "bob"]))
    def approve(self, version: str, who: str) -> None:
        """An honest approval and release, if the state that the attacker left still admits it."""
        world, good = self.world, entry(version)
        world.targets = self.lists[-1] if self.lists else None
        world.approve(good, by=getattr(world, who))
        self.approved.add((good.path, good.sha256))
        assert world.targets
        self.lists.append(world.targets)
        try:
            world.publish()
        except DomainError:
            return

    @rule(path=st.sampled_from(PATHS), sha256=st.sampled_from(["e" * 64, "f" * 64]), by=ATTACKERS, keep=st.booleans())
    def forge_list(self, path: str, sha256: str, by: str, keep: bool) -> None:
        """A list with other content, signed with a key at hand, or still carrying the approver's signature."""
        document = json.loads(self.lists[-1])
        version = path.split("/")[1]
        evil = entry(version, sha256=sha256)
        document["signed"]["targets"][path] = evil.to_target().to_dict()
        document["signed"]["version"] += 0 if keep else 1
        if not keep:
            self._sign(document, getattr(self.world, by))
        self._state(json.dumps(document).encode(), self.world.online)

    @rule(by=ATTACKERS, claim=st.sampled_from(["ann", "bob"]))
    def sign_in_an_approvers_name(self, by: str, claim: str) -> None:
        document = json.loads(self.lists[-1])
        document["signed"]["targets"][PATHS[-1]] = entry("6.6.6").to_target().to_dict()
        document["signed"]["version"] += 1
        self._sign(document, getattr(self.world, by))
        document["signatures"][0]["keyid"] = getattr(self.world, claim).keyid
        self._state(json.dumps(document).encode(), self.world.online)

    @rule(index=st.integers(0, 50), by=ATTACKERS)
    def state_an_old_list(self, index: int, by: str) -> None:
        self._state(self.lists[index % len(self.lists)], getattr(self.world, by))

    @rule(position=st.integers(0, 10**6), bit=st.integers(0, 7), again=st.booleans())
    def flip_a_bit(self, position: int, bit: int, again: bool) -> None:
        data = bytearray(self.lists[-1])
        data[position % len(data)] ^= 1 << bit
        if again:
            self._state(bytes(data), self.world.online)
        else:
            self.world.served[f"{len(self.lists)}.targets.json"] = bytes(data)

    @rule(by=ATTACKERS, role=st.sampled_from(["targets", "root"]), key=ATTACKERS)
    def take_the_root(self, by: str, role: str, key: str) -> None:
        """A next root that hands a role to the attacker, signed with what the attacker has."""
        document = json.loads(self.world.root)
        pair: KeyPair = getattr(self.world, key)
        public = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": pair.public.keyval["public"]}}
        document["signed"]["keys"][pair.keyid] = public
        document["signed"]["roles"][role]["keyids"].append(pair.keyid)
        document["signed"]["version"] += 1
        self._sign(document, getattr(self.world, by))
        self.world.served[f"{len(self.world.roots) + 1}.root.json"] = json.dumps(document).encode()

    @rule()
    def give_the_root_back(self) -> None:
        self.world.served.pop(f"{len(self.world.roots) + 1}.root.json", None)

    @rule(first=st.integers(0, 100), second=st.integers(0, 100))
    def swap_documents(self, first: int, second: int) -> None:
        names = sorted(name for name in self.world.served if name != "1.root.json")
        a, b = names[first % len(names)], names[second % len(names)]
        self.world.served[a], self.world.served[b] = self.world.served[b], self.world.served[a]

    @invariant()
    def clients_accept_only_what_was_approved(self) -> None:
        for name in ("steady", f"new-{self.accepted}"):
            client = updater(Path(self.folder.name) / name, self.world.roots[0], self.world.served)
            try:
                client.refresh()
            except (RepositoryError, DownloadError):
                continue
            self.accepted += 1
            for path in PATHS:
                found = client.get_targetinfo(path)
                assert found is None or (path, found.hashes["sha256"]) in self.approved

    def teardown(self) -> None:
        self.folder.cleanup()

    def _sign(self, document: dict[str, Any], by: KeyPair) -> None:
        payload = canonical(document["signed"])
        document["signatures"] = [{"keyid": by.keyid, "sig": by.sign(payload)}]

    def _state(self, targets: bytes, by: KeyPair) -> None:
        """Serve `targets` under a new snapshot and timestamp made by `by`."""
        world = self.world
        assert world.snapshot
        assert world.timestamp
        try:
            number = int(json.loads(targets)["signed"]["version"])
        except (ValueError, KeyError, TypeError):
            number = len(self.lists)
        number = max(1, number)
        world.served[f"{number}.targets.json"] = targets
        files = {"targets.json": metadata.meta_file(number, targets).to_dict()}
        snapshot = self._restate(Snapshot, world.snapshot, files, by)
        version = metadata.load(Snapshot, snapshot).signed.version
        files = {"snapshot.json": metadata.meta_file(version, snapshot).to_dict()}
        world.served[f"{version}.snapshot.json"] = snapshot
        timestamp = self._restate(Timestamp, world.timestamp, files, by)
        world.served["timestamp.json"] = timestamp
        if by is world.online:
            world.snapshot, world.timestamp = snapshot, timestamp

    def _restate(self, kind: type[Any], data: bytes, files: dict[str, Any], by: KeyPair) -> bytes:
        document = json.loads(data)
        document["signed"]["version"] += 1
        document["signed"]["meta"] = files
        self._sign(document, by)
        return json.dumps(document).encode()


Takeover.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
TestTakeover = Takeover.TestCase
