"""Approving a model version: fetch what the cloud proposes, show it, sign it, send the signature."""

import base64
import binascii
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from app.distribution import keys, pinning, repository, signer
from app.distribution.pinning import Pin
from app.distribution.signer import Description
from app.errors import Conflict, Forbidden, Invalid
from app.keys_cli.cloud import Cloud
from app.keys_cli.machine import TrustedRoots, confirm, open_key, read_text
from app.keys_cli.roots import offered_root


def sign(cloud: Cloud, model: str, key_file: Path, yes: bool, told: str | None) -> str:
    """Approve `model` with the person's consent, and say what was done."""
    model, own = _model_id(model), keys.read_public(read_text(key_file))
    trusted_here = TrustedRoots(key_file, cloud.url)
    pin = _follow_root(cloud.get("trust"), trusted_here.pin, told, yes)
    root = repository.trusted_root(pin.root).signed
    if own.keyid not in repository.approver_keyids(root):
        raise Forbidden(f"{key_file} is not an approver's key here: ask the holder of the root key to add it.")
    proposal = cloud.get(f"models/{model}/approval")
    payload, current = _payload(proposal), proposal.get("current_targets")
    description = signer.describe(
        payload,
        current.encode("utf-8") if isinstance(current, str) else None,
        root=root,
        signed_before=pin.signed_list,
    )
    pinning.check_not_older(pin, description.version, description.previous_version)
    typer.echo(description.text)
    _check_about(description, model, yes)
    confirm("Approve?", yes)
    keyid, signature = signer.sign_payload(payload, open_key(key_file))
    answer = {"payload_base64": proposal["payload_base64"], "keyid": keyid, "signature": signature}
    cloud.post(f"models/{model}/approve", answer)
    trusted_here.save(Pin(pin.root, payload))
    return f"Approved: list version {description.version}, signed with the key {keyid[:12]}."


def _follow_root(trust: dict[str, Any], pin: Pin | None, told: str | None, yes: bool) -> Pin:
    followed = pinning.follow(pin, offered_root(trust), told=told)
    if pin is None and told is None:
        typer.echo(f"First use of this key with this server. Its root has the fingerprint\n  {followed.fingerprint}")
        confirm("Is that what the holder of the root key told you?", yes)
    return followed


def _check_about(description: Description, model: str, yes: bool) -> None:
    """The list must approve the very model that was asked for; unattended, it may do nothing else."""
    named = [e for e in (*description.added, *description.kept) if e.custom["model_version_id"] == model]
    if not named:
        raise Conflict(f"The proposed list does not approve the model version {model}. Do not sign it.")
    others = [entry for entry in description.added if entry not in named]
    if yes and (others or description.changed or description.removed):
        raise Conflict("The list changes more than this one model version: look at it, and sign without --yes.")


def _model_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Invalid(f"{text!a:.60} is not the id of a model version (a UUID).") from error


def _payload(proposal: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(proposal["payload_base64"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Invalid("The server's proposal holds no list to sign.") from error
