"""The OpenID Connect provider over the network: what it says of itself, its keys, its tokens and its user information.

Nothing here is believed: `app/auth/id_tokens.py` checks what a token claims. Every wait has an end, also when a
body comes byte by byte; no answer is larger than `MAX_ANSWER`; redirects are not followed; every address is https, but
on this very machine. What failed is said in our own words, as the provider's may hold anything.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from app.errors import Unavailable
from app.infra.outbound import USER_AGENT, system_trust
from app.settings import OIDC_DISCOVERY, Settings, get_settings, is_safe_provider

CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 10.0
MAX_ANSWER = 512 * 1024
# How long the provider's description and keys are taken as they are. A key that is missing is asked for at once.
KEEP_SECONDS = 3600.0


class ProviderFault(Unavailable):
    """The identity provider does not answer, or not as OpenID Connect says."""

    code, title = "oidc-unavailable", "The identity provider does not answer"


@dataclass(frozen=True)
class Metadata:
    """What the provider says of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    token_auth_method: str
    names_itself: bool  # every answer to the browser carries the issuer (RFC 9207)


class IdentityProvider:
    """One provider, known by the address of its description. Safe to share between threads."""

    def __init__(self, discovery_url: str) -> None:
        self._url = discovery_url
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def metadata(self) -> Metadata:
        """What the provider says of itself, at most an hour old."""
        return self._keep("metadata", self._discover)

    def keys(self, *, fresh: bool = False) -> list[dict[str, Any]]:
        """The provider's public keys (RFC 7517), at most an hour old, or asked for now."""
        return self._keep("keys", self._fetch_keys, fresh=fresh)

    def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser asks the person (code flow with PKCE S256)."""
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self.metadata().authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
            )
        return str(url)

    def exchange(self, redirect_uri: str, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code that the browser brought back."""
        endpoint = self.metadata().token_endpoint
        with self._client(redirect_uri) as client:
            try:
                tokens = client.fetch_token(
                    endpoint, code=code, code_verifier=verifier, grant_type="authorization_code", allow_redirects=False
                )
            except (requests.RequestException, AuthlibBaseError, HTTPError, ValueError, TypeError) as error:
                raise ProviderFault("The identity provider gave no tokens for its code.") from error
        return _object(tokens, "its token endpoint")

    def user_information(self, access_token: str) -> dict[str, Any]:
        """The claims that the userinfo endpoint gives to the bearer of `access_token`; none without an endpoint."""
        endpoint = self.metadata().userinfo_endpoint
        return self._get(endpoint, {"authorization": f"Bearer {access_token}"}) if endpoint else {}

    def _keep(self, name: str, make: Callable[[], Any], *, fresh: bool = False) -> Any:
        with self._lock:
            until, kept = self._kept.get(name, (0.0, None))
        if fresh or time.monotonic() >= until:
            kept = make()
            with self._lock:
                self._kept[name] = (time.monotonic() + KEEP_SECONDS, kept)
        return kept

    def _discover(self) -> Metadata:
        said = self._get(self._url, {})
        issuer = said.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") + OIDC_DISCOVERY != self._url:
            raise ProviderFault("The identity provider's description names another issuer than its address does.")
        userinfo = said.get("userinfo_endpoint")
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        post = "client_secret_basic" not in methods and "client_secret_post" in methods
        return Metadata(
            issuer=issuer,
            authorization_endpoint=self._endpoint(said, "authorization_endpoint"),
            token_endpoint=self._endpoint(said, "token_endpoint"),
            jwks_uri=self._endpoint(said, "jwks_uri"),
            userinfo_endpoint=self._endpoint(said, "userinfo_endpoint") if userinfo else None,
            token_auth_method="client_secret_post" if post else "client_secret_basic",
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, said: dict[str, Any], name: str) -> str:
        url = said.get(name)
        if not isinstance(url, str) or not is_safe_provider(url):
            raise ProviderFault(f"The identity provider's description has no {name} with https.")
        return url

    def _fetch_keys(self) -> list[dict[str, Any]]:
        keys = self._get(self.metadata().jwks_uri, {}).get("keys")
        if not isinstance(keys, list):
            raise ProviderFault("The identity provider gives no list of keys.")
        return [key for key in keys if isinstance(key, dict)]

    def _get(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        place = urlsplit(url).path
        with requests.Session() as session:
            self._set_up(session)
            try:
                answer = session.get(url, headers=headers, allow_redirects=False)
                if answer.status_code != 200:
                    raise ProviderFault(f"The identity provider answers {place} with status {answer.status_code}.")
                return _object(answer.json(), place)
            except (requests.RequestException, HTTPError, ValueError) as error:
                raise ProviderFault(f"The identity provider gives no sound answer at {place}.") from error

    def _client(self, redirect_uri: str) -> OAuth2Session:
        settings = get_settings()
        secret = settings.oidc_client_secret.get_secret_value()
        client = OAuth2Session(
            settings.oidc_client_id,
            secret or None,
            scope=settings.oidc_scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=self.metadata().token_auth_method if secret else "none",
        )
        self._set_up(client)
        return client

    @staticmethod
    def _set_up(session: requests.Session) -> None:
        session.headers["user-agent"] = USER_AGENT
        session.trust_env = False  # neither proxies nor passwords from files of the account that runs this
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Bounded())


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Reading all authorities takes longer than a sign-in should, so it is done once."""
    return system_trust()


class _Bounded(HTTPAdapter):
    """Reads an answer whole, within a time and a size, whatever the other side does."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_trust(), **kwargs)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        end = time.monotonic() + TOTAL_SECONDS
        limits = (CONNECT_SECONDS, TOTAL_SECONDS)
        answer = super().send(request, **{**options, "stream": True, "timeout": limits})
        body = b""
        while part := answer.raw.read1(65_536, decode_content=True):
            body += part
            if len(body) > MAX_ANSWER or time.monotonic() > end:
                answer.close()
                raise requests.ReadTimeout("The answer is too long or takes too long.", request=request)
        answer._content, answer._content_consumed = body, True
        return answer


def _object(found: Any, place: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ProviderFault(f"The identity provider gives no JSON object at {place}.")
    return dict(found)


@lru_cache(maxsize=8)
def provider_at(discovery_url: str) -> IdentityProvider:
    """The provider with that description; its description and keys are shared by all requests of this process."""
    return IdentityProvider(discovery_url)


def identity_provider(settings: Settings) -> IdentityProvider:
    """The provider that the settings name."""
    return provider_at(settings.oidc_discovery_url)
