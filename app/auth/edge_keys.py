"""Edge servers prove who they are by a signed, short-lived JWT bound to the request (docs/edge-protocol.md)."""

import base64
import hashlib
import json
import re
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlmodel import Session

from app.domain.permissions import EdgeActor
from app.errors import Unauthenticated
from app.infra.queue import first_use
from app.tables import EdgeServer
from app.tables.base import utcnow

AUDIENCE = "trainyard"
LIFETIME_SECONDS = 60
SKEW_SECONDS = 300
MAX_MOMENT = 2**53
_JTI = re.compile(r"[\x21-\x7e]{8,128}")
_ISSUER = re.compile(r"edge-([1-9][0-9]{0,9})")


def actor_of_jwt(session: Session, token: str, method: str, path: str, body: bytes) -> EdgeActor:
    """The edge server that signed `token` for exactly this request, or `Unauthenticated` with the reason."""
    edge = _claimed_edge(session, token)
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": edge.public_key or ""})
        signed = jws.deserialize_compact(token, key, algorithms=["EdDSA", "Ed25519"])
        claims: dict[str, Any] = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated("The signature of this edge token is wrong.", code="edge-token-invalid") from error
    _check_claims(claims, edge, method, path, body)
    if not first_use(f"edge-jwt:{edge.id}:{claims['jti']}", LIFETIME_SECONDS + 2 * SKEW_SECONDS):
        raise Unauthenticated("This edge token was used before.", code="edge-token-replayed")
    assert edge.id is not None
    return EdgeActor(edge.id, edge.name, edge.organization_id)


def _claimed_edge(session: Session, token: str) -> EdgeServer:
    invalid = Unauthenticated("This is not an edge token.", code="edge-token-invalid")
    try:
        payload = token.split(".")[1]
        issuer = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]
        match = _ISSUER.fullmatch(issuer)
    except (IndexError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise invalid from error
    edge = session.get(EdgeServer, int(match[1])) if match and int(match[1]) < 2**31 else None
    if edge is None or edge.public_key is None:
        raise Unauthenticated("This edge server is not enrolled.", code="edge-not-enrolled")
    if edge.revoked_at is not None:
        raise Unauthenticated("This edge server was revoked.", code="edge-revoked")
    return edge


def _check_claims(claims: dict[str, Any], edge: EdgeServer, method: str, path: str, body: bytes) -> None:
    now = utcnow().timestamp()
    issued, expires = claims.get("iat"), claims.get("exp")
    if (
        not isinstance(issued, int | float)
        or not isinstance(expires, int | float)
        or not (abs(issued) < MAX_MOMENT and abs(expires) < MAX_MOMENT)  # NaN is not less either
        or expires > issued + LIFETIME_SECONDS
    ):
        raise Unauthenticated(f"An edge token may live {LIFETIME_SECONDS} seconds at most.", code="edge-token-invalid")
    if now < issued - SKEW_SECONDS or now > expires + SKEW_SECONDS:
        raise Unauthenticated("The edge server's clock is off by more than five minutes.", code="edge-clock-skew")
    body_hash = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")
    expected = {"iss": f"edge-{edge.id}", "aud": AUDIENCE, "htm": method, "htp": path, "bsh": body_hash}
    wrong = [name for name, value in expected.items() if claims.get(name) != value]
    if not isinstance(claims.get("jti"), str) or not _JTI.fullmatch(claims["jti"]):
        wrong.append("jti")
    if wrong:
        raise Unauthenticated(
            f"This edge token is not for this request: {', '.join(wrong)}.", code="edge-token-invalid"
        )
