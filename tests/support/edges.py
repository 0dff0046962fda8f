"""An edge server as the cloud sees it: its own key, and a signed token for every request (docs/edge-protocol.md)."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

PREFIX = "/api/v1/edge"


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class EdgeClient:
    """Speaks the edge protocol over `http`. `sign` and `call` take claims that differ from what is right."""

    http: TestClient
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: int = 0

    @property
    def public_key(self) -> str:
        return b64(self.key.public_key().public_bytes_raw())

    def enrol(self, token: str) -> httpx.Response:
        """Exchange the one-time token for an identity."""
        body = {
            "token": token,
            "public_key": self.public_key,
            "edge_version": "0.1.0",
            "platform": "linux/x86_64",
        }
        answer = self.http.post(f"{PREFIX}/enrol", json=body)
        if answer.status_code == 200:
            self.id = answer.json()["edge_server_id"]
        return answer

    def claims(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        """What an honest node claims about a request."""
        now = int(time.time())
        return {
            "iss": f"edge-{self.id}",
            "aud": "trainyard",
            "iat": now,
            "exp": now + 60,
            "jti": uuid.uuid4().hex,
            "htm": method,
            "htp": path,
            "bsh": b64(hashlib.sha256(body).digest()),
        }

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A compact JWS over `claims`."""
        head = {"alg": "EdDSA", "typ": "JWT", "kid": f"edge-{self.id}", **header}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{b64(self.key.sign(signed.encode()))}"

    def call(self, method: str, path: str, payload: Any = None, **claims: Any) -> httpx.Response:
        """One signed request to `/api/v1/edge<path>`."""
        body = b"" if payload is None else json.dumps(payload).encode()
        token = self.sign({**self.claims(method, PREFIX + path, body), **claims})
        return self.send(method, path, body, token)

    def send(self, method: str, path: str, body: bytes, token: str) -> httpx.Response:
        """One request with a token that was made elsewhere."""
        headers = {"Authorization": f"Bearer {token}"}
        if body:
            headers["Content-Type"] = "application/json"
        return self.http.request(method, PREFIX + path, content=body, headers=headers)

    def heartbeat(self, *loaded: dict[str, Any], **more: Any) -> httpx.Response:
        """Say what is loaded."""
        payload = {"edge_version": "0.1.0", "platform": "linux/x86_64", "loaded": [*loaded], **more}
        return self.call("POST", "/heartbeat", payload)

    def progress(
        self, deployment_id: object, status: str, percent: int = 0, error: str | None = None
    ) -> httpx.Response:
        """Say how far a deployment is."""
        payload = {"status": status, "progress_percent": percent, "error_message": error}
        return self.call("POST", f"/deployments/{deployment_id}/progress", payload)
