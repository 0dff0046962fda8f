"""What an ID token must be to be believed (OpenID Connect Core 3.1.3.7): rules that take bytes and keys and do no I/O.

Signed by one of the provider's own keys, with an asymmetric algorithm that fits the key; from the issuer, for us, for
this very sign-in, and of this moment. `none` and HS* are refused: with them everybody who knows a public key or the
client's secret would be the provider.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from app.errors import Unauthenticated

SKEW_SECONDS = 60
MAX_TOKEN, MAX_SUBJECT = 64 * 1024, 255
LEAST_RSA_BITS = 2048
MAX_MOMENT = 2**53
# Algorithm → type of key, curve, and the hash that at_hash is made with.
ALGORITHMS = {
    **{f"{kind}{bits}": ("RSA", None, f"sha{bits}") for kind in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256", "sha256"),
    "ES384": ("EC", "P-384", "sha384"),
    "ES512": ("EC", "P-521", "sha512"),
    "EdDSA": ("OKP", "Ed25519", "sha512"),
    "Ed25519": ("OKP", "Ed25519", "sha512"),
}


class TokenRefused(Unauthenticated):
    """The provider's answer is not what it must be."""

    code, title = "oidc-invalid", "The identity provider's answer cannot be believed"


class KeyUnknown(TokenRefused):
    """No key that is known has signed this; the provider may have a new one."""


class _Registry(jws.JWSRegistry):
    """One algorithm, and heads that may say more than is known here, such as certificates (RFC 7515, 4)."""

    max_header_length = 16 * 1024

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=False)


@dataclass(frozen=True)
class Expected:
    """What this sign-in must be about."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now: float


def verified_claims(token: str, keys: Sequence[dict[str, Any]], expected: Expected) -> dict[str, Any]:
    """The claims of `token`, or `TokenRefused` with the reason (`KeyUnknown`: try again with fresh keys)."""
    header = _header(token)
    algorithm = header["alg"]
    key = _key_for(header, keys)
    try:
        claims = json.loads(jws.deserialize_compact(token, key, registry=_Registry(algorithm)).payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("The signature of the ID token is wrong.") from error
    if not isinstance(claims, dict):
        raise TokenRefused("The ID token holds no claims.")
    _check_times(claims, expected.now)
    _check_parties(claims, expected)
    _check_access_token(claims, expected.access_token, algorithm)
    return claims


def _header(token: str) -> dict[str, Any]:
    malformed = TokenRefused("The provider's ID token is no signed token.")
    if not isinstance(token, str) or len(token) > MAX_TOKEN or token.count(".") != 2:
        raise malformed
    try:
        part = token.split(".")[0]
        header = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise malformed from error
    if not isinstance(header, dict):
        raise malformed
    if not isinstance(header.get("alg"), str) or header["alg"] not in ALGORITHMS:
        raise TokenRefused("The ID token is not signed with an algorithm that is accepted here.")
    if "crit" in header or "b64" in header:
        raise TokenRefused("The ID token demands what is not understood here.")
    return header


def _key_for(header: dict[str, Any], keys: Sequence[dict[str, Any]]) -> Key:
    """The one key that the header names and whose type fits the algorithm. Keys within the token count for nothing."""
    kid, algorithm = header.get("kid"), header["alg"]
    fitting = [key for key in keys if _fits(key, algorithm) and (kid is None or key.get("kid") == kid)]
    if not fitting:
        raise KeyUnknown("The ID token is signed with a key that the provider does not list.")
    if len(fitting) > 1:
        raise TokenRefused("The ID token does not say which of the provider's keys has signed it.")
    try:
        key = JWKRegistry.import_key(fitting[0])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("The provider's key cannot be read.") from error
    if not isinstance(key, RSAKey | ECKey | OKPKey):
        raise TokenRefused("The provider's key is of a type that is not accepted here.")
    if isinstance(key, RSAKey) and key.raw_value.key_size < LEAST_RSA_BITS:
        raise TokenRefused(f"The provider's RSA key is shorter than {LEAST_RSA_BITS} bits.")
    return key


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    kind, curve, _ = ALGORITHMS[algorithm]
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if expires <= now - SKEW_SECONDS:
        raise TokenRefused("The ID token has expired.")
    if issued > now + SKEW_SECONDS:
        raise TokenRefused("The ID token was issued in the future. Are the clocks of both servers right?")
    if "nbf" in claims and _moment(claims, "nbf") > now + SKEW_SECONDS:
        raise TokenRefused("The ID token is not valid yet. Are the clocks of both servers right?")


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    # The comparison refuses NaN too, which later ones would not.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < MAX_MOMENT:
        raise TokenRefused(f"The ID token has no {name} that is a moment.")
    return float(value)


def _check_parties(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenRefused("The ID token is from another issuer.")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise TokenRefused("The ID token is for another application.")
    party = claims.get("azp")
    if (len(audiences) > 1 and party is None) or (party is not None and party != expected.client_id):
        raise TokenRefused("The ID token was made for another application (azp).")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(errors="replace"), expected.nonce.encode()):
        raise TokenRefused("The ID token belongs to another sign-in (nonce).")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isascii() or "\0" in subject:
        raise TokenRefused("The ID token does not say whom it is about (sub).")


def _check_access_token(claims: dict[str, Any], access_token: str, algorithm: str) -> None:
    given = claims.get("at_hash")
    if given is None:
        return
    digest = hashlib.new(ALGORITHMS[algorithm][2], access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(errors="replace"), half.encode()):
        raise TokenRefused("The ID token belongs to another access token (at_hash).")
