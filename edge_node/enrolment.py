"""Becoming an edge server: a one-time token is traded for an identity and a root of trust (docs/edge-protocol.md).

Rules: the private key is made here and stays here; the cloud's root of trust is taken only if its sha256 is the one in
the token, which a person carried over from the dashboard; `edge.json` is written last: a half-made enrolment is none.
"""

import json
import logging
import platform as machine_platform
import re
import sys
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from edge_node import __version__
from edge_node.cloud import HttpCloud
from edge_node.errors import CloudRefused, CloudUnreachable, Misconfigured, Refused
from edge_node.files import write_atomically, write_json_atomically
from edge_node.identity import Identity
from edge_node.trust import check_root

logger = logging.getLogger(__name__)
_TOKEN = re.compile(r"tyedge_(\d+)_(.+)_([0-9a-f]{64})")
RECORD, KEY, TRUST = "edge.json", "identity.key", "trust"


@dataclass(frozen=True)
class Enrolment:
    """What the node remembers of its enrolment; `root_sha256` is the pin from the token."""

    edge_server_id: int
    organization_id: int | None
    name: str
    cloud_url: str
    root_sha256: str
    platform: str


def this_platform() -> str:
    """Such as `linux/x86_64`."""
    return f"{sys.platform}/{machine_platform.machine().lower()}"


def read_pin(token: str) -> str:
    """The root's sha256 in a token. Raises Misconfigured."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise Misconfigured("The token is not an enrolment token (tyedge_<id>_<secret>_<root>): copy it whole.")
    return match[3]


def is_enrolled(folder: Path) -> bool:
    return (folder / RECORD).exists()


def enrol(folder: Path, cloud_url: str, token: str, name: str, timeout_seconds: float) -> Enrolment:
    """Enrol the node in `folder`. Raises Misconfigured with what to do; then nothing was enrolled here."""
    if is_enrolled(folder):
        known = load_enrolment(folder)
        raise Misconfigured(
            f"{folder} is enrolled already, as {known.name} at {known.cloud_url}. Use another --data folder."
        )
    pin = read_pin(token)
    _warn_if_in_the_clear(cloud_url)
    identity = Identity.create(
        folder / KEY
    )  # always a new one: the cloud may know the key of an attempt that broke off
    cloud = HttpCloud(cloud_url, None, timeout_seconds)
    try:
        answer = cloud.enrol(
            {
                "token": token,
                "public_key": identity.public_key,
                "edge_version": __version__,
                "platform": this_platform(),
            }
        )
    except CloudUnreachable as error:
        raise Misconfigured(f"Not enrolled: {error} Check --cloud and the network.") from error
    except CloudRefused as error:
        advice = (
            " A token works once: make a new one in the dashboard." if error.status == HTTPStatus.UNAUTHORIZED else ""
        )
        raise Misconfigured(f"Not enrolled: {error}{advice}") from error
    finally:
        cloud.close()
    return _accept(folder, answer, pin, cloud_url.rstrip("/"), name)


def _accept(folder: Path, answer: dict[str, Any], pin: str, cloud_url: str, name: str) -> Enrolment:
    root, number = answer.get("root"), answer.get("edge_server_id")
    organization = answer.get("organization_id")
    if not isinstance(root, str) or not isinstance(number, int) or not isinstance(organization, int | None):
        raise Misconfigured("Not enrolled: the cloud's answer lacks root, edge_server_id or organization_id.")
    try:
        check_root(root.encode(), pin)
    except Refused as error:
        raise Misconfigured(f"Not enrolled: {error}") from error
    enrolment = Enrolment(
        number, organization, name or str(answer.get("name") or f"edge-{number}"), cloud_url, pin, this_platform()
    )
    write_atomically(folder / TRUST / "root.json", root.encode())
    write_json_atomically(folder / RECORD, asdict(enrolment), mode=0o600)
    logger.info("enrolled as %s (edge server %d) at %s", enrolment.name, number, cloud_url)
    return enrolment


def load_enrolment(folder: Path) -> Enrolment:
    """The enrolment in `folder`. Raises Misconfigured when there is none or it is damaged."""
    path = folder / RECORD
    try:
        value = json.loads(path.read_bytes())
        known = Enrolment(**{**value, "platform": this_platform()})
    except FileNotFoundError:
        raise Misconfigured(
            f"{folder} is not enrolled: run 'trainyard-edge enrol --cloud URL --token TOKEN --data {folder}'."
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise Misconfigured(f"{path} is damaged ({error}): enrol this node again in an empty folder.") from error
    if not isinstance(known.edge_server_id, int) or not re.fullmatch(r"[0-9a-f]{64}", str(known.root_sha256)):
        raise Misconfigured(f"{path} is damaged: enrol this node again in an empty folder.")
    return known


def _warn_if_in_the_clear(cloud_url: str) -> None:
    if re.match(r"http://(?!127\.|localhost\b|\[::1\])", cloud_url):
        logger.warning("%s is not encrypted: others on the network can read the token and the models", cloud_url)
