"""An OpenID Connect provider: a process of its own that consents at once, and can be told to answer wrongly.

`python -m tests.support.oidc_provider` serves it; `oidc_provider()` starts it. It imports nothing of the product
and signs with joserfc. What it shall do wrong is posted to `/control` (`Provider.behave`).
"""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID, CLIENT_SECRET = "trainyard", "a secret of both sides that is long enough"
PERSON = {"sub": "248289761001", "email": "ann@example.test", "email_verified": True, "name": "Ann Example"}


class State:
    """What the process remembers: its keys, whom it signs in, and what it shall do wrong."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[Key] = [new_key("RS256", "first")]
        self.listed: list[Key] | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: set[str] = set()
        self.counts: dict[str, int] = {}
        self.over = threading.Event()
        self.behave({})

    def behave(self, wanted: dict[str, Any]) -> None:
        """Do as `wanted` says, where everything is optional; nothing at all is everything right.

        `person`: whom it signs in. `claims` are set in the ID token or, as null, left out of it; `header` is added to
        its head. `fault`: what goes wrong. `userinfo`: claims of its userinfo endpoint. `discovery`: members of its
        description. `key`: sign with another key of this algorithm, and list (`listed`: true) or hide it.
        """
        self.person = wanted.get("person", PERSON)
        self.header = wanted.get("header", {})
        self.claims, self.fault = wanted.get("claims", {}), wanted.get("fault", "")
        self.userinfo, self.discovery = wanted.get("userinfo", {}), wanted.get("discovery", {})
        self.listed = None
        if algorithm := wanted.get("key"):
            listed = [*self.keys] if not wanted.get("listed") else None
            self.keys = [new_key(algorithm, f"key {algorithm} {len(self.counts)} {time.monotonic_ns()}"), *self.keys]
            self.listed = listed


def new_key(algorithm: str, kid: str) -> Key:
    """A key pair for `algorithm`."""
    options: dict[str, Any] = {"kid": kid, "alg": algorithm, "use": "sig"}
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519", options)
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    return ECKey.generate_key(curve, options) if curve else RSAKey.generate_key(2048, options)


def id_token(state: State, code: dict[str, str], access_token: str) -> str:
    """The ID token for what `code` stands for, right or wrong as told."""
    now = int(time.time())
    key = state.keys[0]
    bits = "512" if key.get("alg") == "EdDSA" else str(key.get("alg"))[-3:]
    digest = hashlib.new(f"sha{bits}", access_token.encode()).digest()
    claims = {
        "iss": state.url,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 300,
        "nonce": code["nonce"],
        "at_hash": encoded(digest[: len(digest) // 2]),
        **state.person,
        **state.claims,
    }
    payload = json.dumps({name: value for name, value in claims.items() if value is not None}).encode()
    header = {"alg": str(key.get("alg")), "kid": str(key.get("kid")), **state.header}
    if state.fault == "unsigned":
        return f"{encoded(json.dumps({'alg': 'none'}).encode())}.{encoded(payload)}."
    if state.fault == "signed-with-client-secret":
        return keyed({"alg": "HS256"}, payload, CLIENT_SECRET.encode())
    if state.fault == "signed-with-public-key":
        return keyed({**header, "alg": "HS256"}, payload, key.as_pem(private=False))
    if state.fault == "signed-with-own-key-in-header":
        other = new_key("RS256", "mine")
        return sign("RS256", {"alg": "RS256", "jwk": other.as_dict(private=False)}, payload, other)
    token = sign(header["alg"], header, payload, key)
    if state.fault == "changed-after-signing":
        head, _, signature = token.split(".")
        return f"{head}.{encoded(payload.replace(b'Ann', b'Eve'))}.{signature}"
    return token


class LongHeaders(jws.JWSRegistry):
    max_header_length = 65_536


def sign(algorithm: str, header: dict[str, Any], payload: bytes, key: Key) -> str:
    return jws.serialize_compact(
        header, payload, key, registry=LongHeaders(algorithms=[algorithm], strict_check_header=False)
    )


def keyed(header: dict[str, Any], payload: bytes, secret: bytes) -> str:
    """A token that whoever knows `secret` can make; joserfc refuses to make it with a public key."""
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Handler(BaseHTTPRequestHandler):
    """One request of a browser, of the product or of a test."""

    state: State

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        state, path = self.state, parts.path
        state.counts[path] = state.counts.get(path, 0) + 1
        if path == "/.well-known/openid-configuration":
            names = ("authorize", "token", "userinfo", "jwks")
            members = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
            places = {member: f"{state.url}/{name}" for member, name in zip(members, names, strict=True)}
            self.answer({"issuer": state.url, **places, **state.discovery})
        elif path == "/jwks":
            listed = state.keys if state.listed is None else state.listed
            self.answer({"keys": [key.as_dict(private=False) for key in listed]})
        elif path == "/authorize":
            self.authorize(query)
        elif path == "/userinfo":
            known = self.headers.get("authorization", "").removeprefix("Bearer ") in state.tokens
            self.answer({"sub": state.person["sub"], **state.userinfo}, 200 if known else 401)
        elif path == "/counts":
            self.answer(state.counts)

    def authorize(self, query: dict[str, str]) -> None:
        """Consent, and lead the browser back."""
        right = query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        assert right, query
        assert query["client_id"] == CLIENT_ID, query
        assert "openid" in query["scope"].split(), query
        code = encoded(hashlib.sha256(f"{self.path}{time.monotonic_ns()}".encode()).digest())
        self.state.codes[code] = query
        back = {"code": code, "state": query["state"]}
        if self.state.fault == "declines":
            back = {"error": "access_denied", "error_description": "<b>no</b>", "state": query["state"]}
        elif self.state.fault == "wrong-state":
            back["state"] = "another"
        elif self.state.fault == "wrong-code":
            back["code"] = "another"
        elif self.state.fault == "other-issuer-in-answer":
            back["iss"] = "https://other.example"
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/control":
            self.state.behave(json.loads(body))
            return self.answer({})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        fault = self.state.fault
        if fault == "token-error":
            return self.answer({"error": "server_error", "error_description": "<script>"}, 400)
        if fault == "token-crash":
            return self.answer({}, 500)
        if fault in {"token-garbage", "token-list", "token-redirect"}:
            return self.garbage(fault)
        if fault == "token-slow":
            self.state.over.wait(60)
        return self.answer(*self.exchange(form))

    def exchange(self, form: dict[str, str]) -> tuple[dict[str, Any], int]:
        """The tokens, if client, code, address and PKCE verifier are right."""
        code = self.state.codes.pop(form.get("code", ""), None)
        secret = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if self.headers.get("authorization") != f"Basic {secret}":
            return {"error": "invalid_client"}, 401
        fits = code is not None and code["redirect_uri"] == form.get("redirect_uri")
        if code is None or not fits or code["code_challenge"] != challenge:
            return {"error": "invalid_grant"}, 400
        access_token = encoded(hashlib.sha256(code["state"].encode()).digest())
        self.state.tokens.add(access_token)
        tokens = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300}
        return {**tokens, "id_token": id_token(self.state, code, access_token)}, 200

    def garbage(self, fault: str) -> None:
        self.send_response(302 if fault == "token-redirect" else 200)
        self.send_header("Location", f"{self.state.url}/counts")
        body = b"[1, 2]" if fault == "token-list" else b"<html>"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, said: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it expects."""


class Provider:
    """The running provider, as a test sees it."""

    def __init__(self, url: str) -> None:
        self.url, self.discovery_url = url, f"{url}/.well-known/openid-configuration"

    def settings(self, roles: list[dict[str, Any]]) -> dict[str, str]:
        """The product's settings for this provider, without their prefix."""
        return {
            "oidc_discovery_url": self.discovery_url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_label": "Sign in with Example",
            "oidc_roles": json.dumps(roles),
        }

    def behave(self, **wanted: Any) -> None:
        """Do this from now on, see `State.behave`; nothing given: everything right."""
        httpx.post(f"{self.url}/control", json=wanted, trust_env=False).raise_for_status()

    def person(self, **claims: Any) -> None:
        """Sign in this person from now on."""
        self.behave(person={**PERSON, **claims})

    def counts(self) -> dict[str, int]:
        """How often each address was read."""
        return dict(httpx.get(f"{self.url}/counts", trust_env=False).json())

    def answers(self) -> bool:
        """True once it serves."""
        try:
            return httpx.get(self.discovery_url, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def oidc_provider() -> Iterator[Provider]:
    """Run the provider on a free port until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", __name__], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    provider = Provider(process.stdout.readline().strip())
    try:
        wait_for(provider.answers, 20, "the provider")
        yield provider
    finally:
        process.kill()
        process.wait(15)
        process.stdout.close()


def serve() -> None:
    """Listen on a free port, and print where."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.state = State(f"http://127.0.0.1:{server.server_port}")
    print(Handler.state.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
