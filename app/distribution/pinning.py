"""Which root a person's machine trusts, remembered beside the key file, per server.

A server could show an approver a root and a list of its own making, so that the difference to sign looks harmless. So
the first root seen is remembered, and from then on only that root or its properly signed successor is believed; so is
the list last signed here, and an older one is refused. Anything else needs the fingerprint (sha256) of the root, told
by whoever holds the root key.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.distribution import approvals, metadata, repository, strict_json
from app.distribution.tuf_types import Root
from app.errors import Conflict, Invalid

_LIMIT = 4_000_000


@dataclass(frozen=True)
class Pin:
    """The newest trusted root of one server, and the payload of the newest approved list signed here."""

    root: bytes
    signed_list: bytes | None = None

    @property
    def targets_version(self) -> int:
        """The version of the list last signed here; 0 before the first."""
        return int(approvals.read_payload(self.signed_list)["version"]) if self.signed_list is not None else 0

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.root)


def fingerprint(root: bytes) -> str:
    """The sha256 of the exact root document: what people compare, and what an enrolment token carries."""
    return hashlib.sha256(root).hexdigest()


def follow(pin: Pin | None, offered: bytes, *, told: str | None = None) -> Pin:
    """The pin after a server `offered` its root; `told` is a fingerprint that the person was given.

    Raises Invalid when the root is not the told one, and Conflict when it neither is nor directly follows the pinned.
    """
    root = repository.trusted_root(offered)
    if told is not None:
        if told.lower() != fingerprint(offered):
            raise Invalid(f"The server's root has the fingerprint {fingerprint(offered)}, not the one you were given.")
        return Pin(offered, pin.signed_list if pin else None)
    if pin is None or pin.root == offered:
        return pin or Pin(offered)
    known = repository.trusted_root(pin.root).signed
    if root.signed.version != known.version + 1 or not metadata.is_signed(known, Root.type, root):
        raise Conflict(
            f"The server shows root version {root.signed.version}, which does not follow from version {known.version} "
            f"that this machine trusts. Ask the holder of the root key for its fingerprint and give it with "
            f"--root-sha256; the server's is {fingerprint(offered)}."
        )
    return Pin(offered, pin.signed_list)


def check_not_older(pin: Pin, version: int, previous: int | None) -> None:
    """Raises Conflict when a list of `version`, said to follow `previous`, goes behind what was signed here before."""
    if version <= pin.targets_version or (previous is not None and previous < pin.targets_version):
        raise Conflict(
            f"This machine already signed version {pin.targets_version} of the list, and the server offers version "
            f"{version} on top of {previous or 'nothing'}: it shows an old state. Do not sign; run `trainyard doctor`."
        )


def load_pins(text: str) -> dict[str, Pin]:
    """The pins by server address. Raises Invalid for a damaged file."""
    value = strict_json.parse(text.encode("utf-8"), limit=_LIMIT, what="The file of trusted roots")
    try:
        return {url: _pin_from_json(pin) for url, pin in value.items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise Invalid("The file of trusted roots is damaged: delete it and compare fingerprints again.") from error


def dump_pins(pins: Mapping[str, Pin]) -> str:
    """The text of the file of trusted roots."""
    value = {
        url: {
            "root": pin.root.decode("utf-8"),
            "signed_list": pin.signed_list.decode("utf-8") if pin.signed_list else None,
        }
        for url, pin in pins.items()
    }
    return json.dumps(value, indent=1) + "\n"


def _pin_from_json(value: dict[str, str | None]) -> Pin:
    root, signed_list = value["root"], value["signed_list"]
    if root is None:
        raise KeyError("root")
    pin = Pin(root.encode("utf-8"), signed_list.encode("utf-8") if signed_list is not None else None)
    repository.trusted_root(pin.root)
    if pin.signed_list is not None:
        approvals.read_payload(pin.signed_list)
    return pin
