"""Who this node is: an Ed25519 key that never leaves the machine, and the signature it puts on each request.

The token is a compact JWS bound to one method, path and body, good for a minute and once (docs/edge-protocol.md).
"""

import base64
import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Generator
from pathlib import Path

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_node.errors import Misconfigured
from edge_node.files import write_atomically

AUDIENCE = "trainyard"
LIFETIME_SECONDS = 60


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


class Identity:
    """The node's private key. `public_key` is what the cloud may know."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def create(cls, path: Path) -> "Identity":
        """A new key in `path`, readable by its owner only, in place of any key there."""
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_atomically(path, pem, mode=0o600)
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> "Identity":
        """Read the key. Raises Misconfigured when it is missing, readable by others, or no Ed25519 key."""
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            pem = path.read_bytes()
        except OSError as error:
            raise Misconfigured(f"The node's key {path} cannot be read: {error.strerror}. Enrol again.") from error
        if mode & 0o077:
            raise Misconfigured(f"The node's key {path} may be read by others (mode {mode:04o}): chmod 600 {path}")
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Misconfigured(f"{path} is damaged: it holds no private key. Enrol again.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Misconfigured(f"{path} holds no Ed25519 key. Enrol again.")
        return cls(key)

    @property
    def public_key(self) -> str:
        """The 32 raw bytes of the public key, base64url without padding."""
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64url(raw)

    def token(self, edge_server_id: int, method: str, path: str, body: bytes, now: float | None = None) -> str:
        """A JWS for exactly this request: `path` without its query, `body` the bytes sent (empty when none)."""
        issued = int(time.time() if now is None else now)
        issuer = f"edge-{edge_server_id}"
        header = {"alg": "EdDSA", "typ": "JWT", "kid": issuer}
        claims = {
            "iss": issuer,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + LIFETIME_SECONDS,
            "jti": secrets.token_urlsafe(16),
            "htm": method.upper(),
            "htp": path,
            "bsh": base64url(hashlib.sha256(body).digest()),
        }
        signed = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{signed}.{base64url(self._key.sign(signed.encode('ascii')))}"


class EdgeAuth(httpx.Auth):
    """Signs every request of an httpx client as this edge server."""

    requires_request_body = True

    def __init__(self, identity: Identity, edge_server_id: int) -> None:
        self._identity = identity
        self._edge_server_id = edge_server_id

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._identity.token(self._edge_server_id, request.method, request.url.path, request.content)
        request.headers["Authorization"] = f"Bearer {token}"
        yield request
