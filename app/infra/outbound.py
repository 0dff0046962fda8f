"""Requests to addresses that people entered, so that nobody reaches our own network through us (SSRF).

- https only, no credentials in the address, port 443 or 1024 and above.
- The name is resolved here, once for each request. If any of its addresses is not public, it is refused; the connection
  goes to the very addresses that were looked at, so that a name which changes its mind (DNS rebinding) gains nothing.
  TLS still checks the certificate against the name.
- Redirects are not followed, no proxy is taken from the environment, every wait has an end, answers are not kept.
`TRAINYARD_WEBHOOK_ALLOW_PRIVATE` permits http, private networks and every port: for receivers in one's own network.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore

from app import __version__
from app.errors import Invalid, Unavailable
from app.infra.public_addresses import is_public, parse
from app.settings import get_settings

RESOLVE_SECONDS = 5.0
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MAX_ANSWER = 65_536
USER_AGENT = f"Trainyard/{__version__}"
_PORTS = {"http": 80, "https": 443}

Resolver = Callable[[str], Sequence[str]]


class Unreachable(Unavailable):
    """The other side could not be reached or gave no answer."""

    code, title = "unreachable", "The receiver could not be reached"


@dataclass(frozen=True)
class Target:
    """Where a request goes: the name in the address and what it stands for now."""

    host: str
    port: int
    addresses: tuple[str, ...]


@lru_cache(maxsize=1)
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="resolver")


def system_resolver(host: str) -> Sequence[str]:
    """The addresses of `host` as this machine resolves them. Raises OSError or TimeoutError."""
    found = _resolvers().submit(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM).result(RESOLVE_SECONDS)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def system_trust() -> ssl.SSLContext:
    """The certificate authorities of this machine, and the common ones where it has none."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context


@dataclass(frozen=True)
class Outbound:
    """The way out. What a test puts in the place of the world's name servers, authorities and clocks is given here."""

    allow_private: bool = False
    resolver: Resolver = system_resolver
    trust: Callable[[], ssl.SSLContext] = system_trust
    total_seconds: float = TOTAL_SECONDS
    connect_seconds: float = CONNECT_SECONDS

    def check(self, url: str) -> Target:
        """Where `url` leads now. Raises `Invalid` if it may not be called or leads nowhere."""
        host, port = self._host_and_port(url)
        try:
            addresses = tuple(self.resolver(host))
        except (OSError, UnicodeError, TimeoutError) as error:
            raise _refused(f"The name {host!r} cannot be resolved. Is it spelled right?") from error
        if not addresses:
            raise _refused(f"The name {host!r} has no address.")
        if not self.allow_private and not all(is_public(parse(address)) for address in addresses):
            raise _refused(
                f"{host!r} leads into a private or reserved network, which is refused. "
                "TRAINYARD_WEBHOOK_ALLOW_PRIVATE=true permits receivers in your own network."
            )
        return Target(host, port, addresses)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send `body` and return the status of the answer. Raises `Invalid` or `Unreachable`, in words."""
        deadline = _Deadline(time.monotonic() + self.total_seconds, self.total_seconds)
        target = self.check(url)
        limits = dict.fromkeys(("connect", "read", "write", "pool"), self.total_seconds)
        limits["connect"] = self.connect_seconds
        sent = {**headers, "user-agent": USER_AGENT, "content-type": "application/json", "connection": "close"}
        backend = _VettedBackend(target, deadline)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self.trust(), network_backend=backend) as pool,
                pool.stream("POST", url, headers=sent, content=body, extensions={"timeout": limits}) as answer,
            ):
                _drain(answer)
                return int(answer.status)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Unreachable(_in_words(error, self)) from error

    def _host_and_port(self, url: str) -> tuple[str, int]:
        if not url.isascii() or any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
            raise _refused("Write the address in ASCII without spaces (names as xn--…, other characters as %XX).")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise _refused(f"This is not an address: {error}.") from error
        schemes = ("https", "http") if self.allow_private else ("https",)
        if parts.scheme not in schemes or not host:
            raise _refused("The address must begin with https:// and name a host, as https://example.org/hook.")
        if "@" in parts.netloc or parts.fragment:
            raise _refused("The address may hold no user name, no password and no # part.")
        port = _PORTS[parts.scheme] if port is None else port
        if port == 0 or (port < 1024 and port != _PORTS["https"] and not self.allow_private):
            raise _refused(f"Port {port} is refused: it is 443, or 1024 and above.")
        return host, port


def outbound() -> Outbound:
    """The way out as the settings allow it."""
    return Outbound(allow_private=get_settings().webhook_allow_private)


def _refused(message: str) -> Invalid:
    return Invalid(message, code="address-refused", field="url")


def _drain(answer: httpcore.Response) -> None:
    """Read a little of the answer, so that its sender is not cut off, and forget it."""
    size = 0
    for part in answer.iter_stream():
        size += len(part)
        if size >= MAX_ANSWER:
            return


def _in_words(error: Exception, limits: Outbound) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"Its certificate is not valid: {cause.verify_message}."
    if isinstance(cause, ssl.SSLError):
        return f"No encrypted connection could be made ({cause.reason or 'TLS'})."
    if isinstance(error, httpcore.ConnectTimeout):
        return f"No connection within {limits.connect_seconds:g} seconds."
    if isinstance(error, httpcore.TimeoutException):
        return f"No answer within {limits.total_seconds:g} seconds."
    if isinstance(error, httpcore.ConnectError):
        detail = getattr(cause, "strerror", None)
        return f"No connection: {str(detail).lower()}." if detail else "No connection could be made."
    return "The connection ended before an answer came."


@dataclass(frozen=True)
class _Deadline:
    """The end of everything: a receiver that sends one byte at a time gains nothing."""

    end: float
    seconds: float

    def left(self, wanted: float | None, late: type[httpcore.TimeoutException]) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise late(f"not within {self.seconds:g} s")
        return left if wanted is None else min(left, wanted)


class _VettedBackend(httpcore.NetworkBackend):
    """Connects to the addresses that were looked at, in their order, whatever the name stands for by now."""

    def __init__(self, target: Target, deadline: _Deadline) -> None:
        self._target, self._deadline = target, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        if (host.strip("[]"), port) != (self._target.host, self._target.port):
            raise httpcore.ConnectError(f"asked for {host}:{port} instead of the target")
        *others, last = self._target.addresses
        for address in others:
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                return self._connect(address, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next address may answer
        return self._connect(last, self._deadline.left(timeout, httpcore.ConnectTimeout), local_address, socket_options)

    def _connect(
        self, address: str, timeout: float, local_address: str | None, socket_options: Any
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(address, self._target.port, timeout, local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends with the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
