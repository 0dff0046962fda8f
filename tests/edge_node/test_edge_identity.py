"""The node's key and its signatures."""

import base64
import hashlib
import json
import stat
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge_node.errors import Misconfigured
from edge_node.identity import EdgeAuth, Identity


def unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_token_is_bound_to_one_request(tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "key")

    header, claims, signature = identity.token(7, "post", "/api/v1/edge/heartbeat", b"{}", now=1000.9).split(".")

    Ed25519PublicKey.from_public_bytes(unpad(identity.public_key)).verify(
        unpad(signature), f"{header}.{claims}".encode()
    )
    assert json.loads(unpad(header)) == {"alg": "EdDSA", "typ": "JWT", "kid": "edge-7"}
    said = json.loads(unpad(claims))
    assert len(said.pop("jti")) >= 20
    assert said == {
        "iss": "edge-7",
        "aud": "trainyard",
        "iat": 1000,
        "exp": 1060,
        "htm": "POST",
        "htp": "/api/v1/edge/heartbeat",
        "bsh": base64.urlsafe_b64encode(hashlib.sha256(b"{}").digest()).decode().rstrip("="),
    }


def test_no_two_tokens_are_alike(tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "key")

    assert identity.token(1, "GET", "/", b"", now=5) != identity.token(1, "GET", "/", b"", now=5)


def test_client_signs_path_without_query_and_body(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    auth = EdgeAuth(Identity.create(tmp_path / "key"), 7)
    httpx.Client(auth=auth, transport=httpx.MockTransport(answer)).post("https://cloud.test/a/b?c=d", content=b"body")

    claims = json.loads(unpad(seen[0].headers["Authorization"].removeprefix("Bearer ").split(".")[1]))
    assert claims["htp"] == "/a/b"
    assert unpad(claims["bsh"]) == hashlib.sha256(b"body").digest()


def test_key_survives_a_restart_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = Identity.create(tmp_path / "key")

    assert Identity.load(tmp_path / "key").public_key == first.public_key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len(unpad(first.public_key)) == 32


def test_damaged_or_foreign_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for data in (b"rubbish", b"", ec_key()):
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(Misconfigured, match="Enrol again"):
            Identity.load(path)


def ec_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
