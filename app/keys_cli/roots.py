"""Making a root and changing it: what the holder of the root key does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from app.distribution import keys, pinning, repository, signer
from app.distribution.keys import PublicCard
from app.distribution.pinning import Pin
from app.distribution.tuf_types import Root, SSlibKey
from app.errors import Conflict, Invalid
from app.keys_cli.cloud import Cloud
from app.keys_cli.machine import TrustedRoots, confirm, open_key, read_text

_MIN_PREFIX = 8


def init_root(cloud: Cloud, root_keys: list[Path], approvers: list[PublicCard], days: int, threshold: int) -> bytes:
    """The canonical bytes of the first root of the server."""
    trust = cloud.get("trust")
    if trust.get("root"):
        raise Conflict("The server has a root already; change it with add-approver, remove-approver or renew-root.")
    now = datetime.now(UTC)
    return repository.initial_root(
        [keys.read_public(read_text(path)).key for path in root_keys],
        [card.key for card in approvers],
        online_key(trust),
        now,
        now + timedelta(days=days),
        root_threshold=threshold,
    )


def change_root(
    cloud: Cloud,
    root_keys: list[Path],
    days: int,
    yes: bool,
    told: str | None,
    *,
    add: list[PublicCard] | None = None,
    remove: list[str] | None = None,
) -> None:
    """Build, show, sign and send the version after the server's present root."""
    trust = cloud.get("trust")
    current = _own_root(trust, root_keys, cloud.url, told)
    root, now = repository.trusted_root(current).signed, datetime.now(UTC)
    unsigned = repository.next_root(
        current,
        now,
        now + timedelta(days=days),
        add_approvers=[card.key for card in add or []],
        remove_approvers=[_full_keyid(root, prefix) for prefix in remove or []],
        online_key=online_key(trust),
    )
    emails = {str(known.get("keyid")): known.get("email") for known in trust.get("approvers") or []}
    emails |= {card.keyid: card.email for card in add or []}
    submit_root(cloud, unsigned, root, root_keys, emails, yes)


def submit_root(
    cloud: Cloud, unsigned: bytes, current: Root | None, root_keys: list[Path], emails: dict[str, Any], yes: bool
) -> None:
    """Show the root, sign it with every root key given, send it, and trust it here from now on."""
    typer.echo(signer.describe_root(unsigned, current, {keyid: str(email) for keyid, email in emails.items()}))
    confirm("Sign this root?", yes)
    signed = repository.sign_root(unsigned, [open_key(path) for path in root_keys])
    root = repository.trusted_root(signed).signed
    known = [{"keyid": k, "email": emails[k]} for k in repository.approver_keyids(root) if emails.get(k)]
    cloud.post("trust/root", {"metadata": signed.decode("utf-8"), "approvers": known})
    for path in root_keys:
        TrustedRoots(path, cloud.url).save(Pin(signed))
    typer.echo(f"The server has root version {root.version}. Fingerprint: {pinning.fingerprint(signed)}")


def online_key(trust: dict[str, Any]) -> SSlibKey:
    """The server's online public key, under its true keyid."""
    key = keys.public_key_from_dict(trust.get("online_public_key"), what="The server's online key")
    if trust.get("online_keyid") != key.keyid:
        raise Invalid("The server names a keyid that does not belong to its online key.")
    return key


def offered_root(trust: dict[str, Any]) -> bytes:
    """The exact bytes of the root that the server shows. Raises Conflict when it has none."""
    root = trust.get("root")
    if not isinstance(root, dict) or not isinstance(root.get("metadata"), str):
        raise Conflict("The server has no root yet: whoever holds the root key runs `trainyard keys init-root` first.")
    return str(root["metadata"]).encode("utf-8")


def _own_root(trust: dict[str, Any], root_keys: list[Path], url: str, told: str | None) -> bytes:
    """The server's root, if the holder's own machine trusts it or the holder's own key signed it."""
    offered, pin = offered_root(trust), TrustedRoots(root_keys[0], url).pin
    if pin is not None or told is not None:
        return pinning.follow(pin, offered, told=told).root
    loaded = repository.trusted_root(offered)
    for path in root_keys:
        keyid = keys.read_public(read_text(path)).keyid
        signature = loaded.signatures.get(keyid)
        if keyid in loaded.signed.roles[Root.type].keyids and signature is not None:
            key = repository.root_key_of(loaded.signed, keyid)
            if keys.verify_signature(key, loaded.signed_bytes, signature.signature):
                return offered
    raise Conflict(
        "The server's root is not signed with this root key, and this machine has not seen it before. If it is the "
        f"right one, give its fingerprint with --root-sha256 (the server's is {pinning.fingerprint(offered)})."
    )


def _full_keyid(root: Root, prefix: str) -> str:
    found = [keyid for keyid in repository.approver_keyids(root) if keyid.startswith(prefix.lower())]
    if len(prefix) < _MIN_PREFIX or len(found) != 1:
        raise Invalid(f"{prefix!a} must be the first {_MIN_PREFIX} or more digits of exactly one approver's keyid.")
    return found[0]
