"""Which root a person's machine trusts, remembered beside the key file, per server.

A server could show an approver a root and a list of its own making, so that the difference to sign looks harmless. So
the first root seen is remembered, and from then on only that root or its properly signed successor is believed; nor is
a list older than one already signed here. Anything else needs the fingerprint (sha256) of the root, told by whoever
holds the root key.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from app.distribution import metadata, repository, strict_json
from app.distribution.tuf_types import Root
from app.errors import Conflict, Invalid

_LIMIT = 4_000_000


@dataclass(frozen=True)
class Pin:
    """The newest trusted root of one server, and the highest version of the approved list signed here."""

    root: bytes
    targets_version: int = 0

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
        return Pin(offered, pin.targets_version if pin else 0)
    if pin is None or pin.root == offered:
        return pin or Pin(offered)
    known = repository.trusted_root(pin.root).signed
    if root.signed.version != known.version + 1 or not metadata.is_signed(known, Root.type, root):
        raise Conflict(
            f"The server shows root version {root.signed.version}, which does not follow from version {known.version} "
            f"that this machine trusts. Ask the holder of the root key for its fingerprint and give it with "
            f"--root-sha256; the server's is {fingerprint(offered)}."
        )
    return Pin(offered, pin.targets_version)


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
        return {url: Pin(pin["root"].encode("utf-8"), int(pin["targets_version"])) for url, pin in value.items()}
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise Invalid(
            "The file of trusted roots is damaged: restore it, or delete it and compare fingerprints."
        ) from error


def dump_pins(pins: Mapping[str, Pin]) -> str:
    """The text of the file of trusted roots."""
    value = {
        url: {"root": pin.root.decode("utf-8"), "targets_version": pin.targets_version} for url, pin in pins.items()
    }
    return json.dumps(value, indent=1) + "\n"
