"""The demonstration's people, and the folder that stands for the machine where they keep their keys."""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.demo.client import ApiClient
from app.distribution import keys, repository, signer
from app.distribution.keys import KeyPair
from app.errors import NotFound

ANN, BEN, CLEO = "ann@demo.example", "ben@demo.example", "cleo@demo.example"
NAMES = {ANN: "Ann Ito", BEN: "Ben Okafor", CLEO: "Cleo Marsh"}


@dataclass
class Machine:
    """What the people keep to themselves: passwords, passphrase, key files. Never sent to the server."""

    folder: Path
    secrets: dict[str, str]

    @classmethod
    def open(cls, folder: Path) -> "Machine":
        """The folder's content; made on first use, readable by its owner only."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "secrets.json"
        if not path.exists():
            made = {name: secrets.token_urlsafe(15) for name in (*NAMES, "passphrase")}
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump(made, file)
        kept = json.loads(path.read_text())
        missing = [name for name in NAMES if name not in kept]  # a folder from before that person came
        if missing:
            kept |= {name: secrets.token_urlsafe(15) for name in missing}
            path.write_text(json.dumps(kept))
        return cls(folder, kept)

    @property
    def approver_key_file(self) -> Path:
        """Ben's key, encrypted with the passphrase."""
        return self.folder / "ben.key"

    def key(self, name: str, owner: str) -> KeyPair:
        """The key in `name`; made on first use."""
        path = self.folder / name
        if not path.exists():
            path.write_text(keys.seal_key_file(KeyPair.generate(owner), self.secrets["passphrase"]))
            path.chmod(0o600)
        return keys.open_key_file(path.read_text(), self.secrets["passphrase"])

    def approver(self) -> KeyPair:
        """Ben's key."""
        return self.key("ben.key", NAMES[BEN])


def establish_trust(api: ApiClient, machine: Machine) -> str:
    """Publish a root that trusts Ben's key, unless one is in force; returns the root's sha256."""
    trust = api.get("/training/trust")
    ben = machine.approver()
    if trust["root"] is not None:
        if ben.keyid not in {approver["keyid"] for approver in trust["approvers"]}:
            raise NotFound(
                "This installation has a root of trust of its own, and the demonstration's approver is not in it. "
                "Use another folder: TRAINYARD_DATA_DIR=.trainyard-demo ./trainyard demo"
            )
        return str(trust["root"]["sha256"])
    root_key = machine.key("root.key", "Root of the demonstration")
    online = keys.public_key_from_dict(trust["online_public_key"])
    now = datetime.now(UTC)
    unsigned = repository.initial_root([root_key.public], [ben.public], online, now, now + timedelta(days=365))
    text = repository.sign_root(unsigned, [root_key]).decode()
    body = {"metadata": text, "approvers": [{"keyid": ben.keyid, "email": BEN}]}
    return str(api.post("/training/trust/root", body)["sha256"])


def approve(api: ApiClient, machine: Machine, version_id: str) -> dict[str, Any]:
    """Ben reads what he would sign, signs it on his machine, and sends the signature."""
    import base64

    proposal = api.get(f"/training/models/{version_id}/approval")
    keyid, signature = signer.sign_payload(base64.b64decode(proposal["payload_base64"]), machine.approver())
    body = {"payload_base64": proposal["payload_base64"], "keyid": keyid, "signature": signature}
    approved: dict[str, Any] = api.post(f"/training/models/{version_id}/approve", body)
    return approved
