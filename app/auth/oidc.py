"""Signing in at an OpenID Connect provider: the code flow with PKCE. Knows no web framework.

What belongs to a sign-in under way (state, nonce, code verifier, where to go after) stays here in Redis for ten minutes
and is used once. The browser holds a random value of its own: an answer of the provider counts only from the browser
that began. Who somebody then is here, and what they may do, is decided in `app/auth/oidc_accounts.py`.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.auth.actors import digest
from app.auth.id_tokens import Expected, KeyUnknown, TokenRefused, verified_claims
from app.domain.role_rules import claim_of
from app.errors import DomainError
from app.infra import short_lived
from app.infra.identity_provider import IdentityProvider, ProviderFault, identity_provider
from app.schemas.oidc import OidcMethod, SignInMethods
from app.settings import get_settings
from app.tables.base import utcnow

CALLBACK_PATH = "/api/v1/auth/oidc/callback"
FLOW_SECONDS = 600
MAX_NEXT = 2000
EXPIRED, DECLINED, OFF = "oidc-expired", "oidc-declined", "oidc-off"
# Where it would make no sense, or harm, to land after a sign-in.
_NOT_NEXT = ("/sign-in", "/api/")


class SignInRefused(DomainError):
    """A sign-in at the provider that ends without a session. The sign-in page explains each code in words."""

    code, status, title = "oidc-refused", 403, "This sign-in was refused"


@dataclass(frozen=True)
class Answer:
    """What the browser brings back from the provider."""

    state: str
    code: str
    error: str
    issuer: str


@dataclass(frozen=True)
class Verified:
    """Somebody as the provider vouches for them, and where they wanted to go."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]
    next_path: str


def methods() -> SignInMethods:
    """How people can sign in here."""
    settings = get_settings()
    return SignInMethods(
        password=True, oidc=OidcMethod(label=settings.oidc_label) if settings.oidc_discovery_url else None
    )


def begin(next_path: str) -> tuple[str, str]:
    """Where to send the browser, and the secret that it keeps until it comes back."""
    provider = _configured()
    state, nonce, verifier, browser = (secrets.token_urlsafe(size) for size in (32, 32, 64, 32))
    url = provider.authorization_url(_redirect_uri(), state, nonce, verifier)
    flow = {"state": state, "nonce": nonce, "verifier": verifier, "next": own_path(next_path)}
    short_lived.put(_key(browser), flow, FLOW_SECONDS)
    return url, browser


def finish(browser: str, answer: Answer) -> Verified:
    """Whom the provider vouches for. Raises `SignInRefused`, `TokenRefused` or, if it is away, `Unavailable`."""
    provider = _configured()
    flow = short_lived.take(_key(browser)) if browser else None
    if flow is None or not hmac.compare_digest(answer.state.encode(errors="replace"), flow["state"].encode()):
        raise SignInRefused("This sign-in was not begun in this browser, took too long, or is used up.", code=EXPIRED)
    issuer = provider.metadata().issuer
    if answer.issuer != issuer and (answer.issuer or provider.metadata().names_itself):
        raise TokenRefused("The answer is from another issuer.")
    if answer.error:
        raise _declined(answer.error)
    tokens = provider.exchange(_redirect_uri(), answer.code, flow["verifier"])
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise TokenRefused("The provider gave no ID token. Is openid among TRAINYARD_OIDC_SCOPES?")
    expected = Expected(issuer, get_settings().oidc_client_id, flow["nonce"], access_token, utcnow().timestamp())
    claims = _verified(provider, id_token, expected)
    return Verified(issuer, claims["sub"], _completed(provider, claims, access_token), flow["next"])


def _configured() -> IdentityProvider:
    settings = get_settings()
    if not settings.oidc_discovery_url:
        raise SignInRefused("No identity provider is configured.", code=OFF)
    return identity_provider(settings)


def _redirect_uri() -> str:
    return get_settings().base_url + CALLBACK_PATH


def _key(browser: str) -> str:
    return f"oidc:{digest(browser)}"


def _declined(error: str) -> DomainError:
    """The provider's own text is neither shown nor kept: whoever writes the address could write it."""
    if error == "access_denied":
        return SignInRefused("The identity provider, or the person there, declined.", code=DECLINED)
    return ProviderFault("The identity provider answered with an error.")


def _verified(provider: IdentityProvider, id_token: str, expected: Expected) -> dict[str, Any]:
    try:
        return verified_claims(id_token, provider.keys(), expected)
    except KeyUnknown:  # providers change their keys; asked again once
        return verified_claims(id_token, provider.keys(fresh=True), expected)


def _completed(provider: IdentityProvider, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
    """The claims, with those of the userinfo endpoint where some that count are missing."""
    wanted = {"email", "email_verified", "name", *(rule.claim for rule in get_settings().oidc_rules)}
    if all(claim_of(claims, name) is not None for name in wanted):
        return claims
    information = provider.user_information(access_token)
    if information and information.get("sub") != claims["sub"]:
        raise TokenRefused("The provider's user information is about somebody else.")
    merged = {**information, **claims}
    # "Verified" belongs to the address that it was said of, and to no other.
    if "email" in claims and information.get("email") != claims["email"]:
        merged["email_verified"] = claims.get("email_verified")
    elif "email" not in claims:
        merged["email_verified"] = information.get("email_verified")
    return merged


def own_path(wanted: str) -> str:
    """`wanted` if it is a path of our own, otherwise the start page: nobody is led elsewhere by signing in."""
    plain = all(32 < ord(c) < 127 for c in wanted) and "\\" not in wanted and len(wanted) <= MAX_NEXT
    if not plain or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    path = urlsplit(wanted).path
    return "/" if "//" in path or path.startswith(_NOT_NEXT) else wanted
