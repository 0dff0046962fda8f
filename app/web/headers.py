"""Security headers on every answer, and how long browsers may keep what.

The Content-Security-Policy allows no foreign origin and no `eval`; inline scripts only by the digest of those that
the build itself put into its pages. That is why messages to people are rendered from state instead of being sent
as scripts.
"""

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_FOREVER = b"public, max-age=31536000, immutable"
_ALWAYS_ASK = b"no-cache"


@lru_cache
def inline_script_sources(folder: Path) -> str:
    """CSP sources for the inline scripts of the built pages in `folder`."""
    digests = {digest for page in folder.rglob("*.html") for digest in _digests(page.read_bytes())}
    return " ".join(sorted(digests))


def _digests(page: bytes) -> set[str]:
    hashes = (hashlib.sha256(script).digest() for script in _INLINE.findall(page))
    return {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes}


def content_security_policy(inline: str, store_origin: str) -> str:
    """The policy; `store_origin` is where samples come from and files go, `inline` what inline scripts may run."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {inline}".rstrip(),
            # React and Radix set style attributes on elements; no style can be given a digest beforehand.
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {store_origin}".rstrip(),
            f"media-src 'self' {store_origin}".rstrip(),
            "font-src 'self'",
            # 'self' covers the sockets of this host too (CSP 3; Safari since 15.4).
            f"connect-src 'self' {store_origin}".rstrip(),
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def policy_of_page(page: bytes) -> str:
    """The policy for one page that is made on the way, such as the API's documentation."""
    return content_security_policy(" ".join(sorted(_digests(page))), "")


def origin(endpoint: str, *, secure: bool) -> str:
    """`host:port` of the store as an origin, or nothing when there is none."""
    if not endpoint:
        return ""
    host = urlsplit(f"//{endpoint}").netloc
    return f"{'https' if secure else 'http'}://{host}"


class SecurityHeaders:
    """Adds the headers; what the inner application set itself stays."""

    def __init__(self, app: ASGIApp, *, client: Path, store_origin: str, https: bool) -> None:
        self.app = app
        self.policy = content_security_policy(inline_script_sources(client), store_origin).encode()
        self.fixed = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
        ]
        if https:
            self.fixed.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with_headers(scope["path"], int(message["status"]), message["headers"])
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _with_headers(self, path: str, status: int, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        wanted = [*self.fixed, (b"content-security-policy", self.policy)]
        if not path.startswith("/api/"):
            hashed = path.startswith("/assets/") and status == 200
            wanted.append((b"cache-control", _FOREVER if hashed else _ALWAYS_ASK))
        known = {name.lower() for name, _ in present}
        return [*present, *((name, value) for name, value in wanted if name not in known)]
