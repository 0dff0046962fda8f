"""Whom a request comes from when a proxy stands between: `X-Forwarded-For` and `-Proto`, from trusted proxies only.

Anybody can send these headers, so they count only when the peer of the connection itself is trusted
(`TRAINYARD_TRUSTED_PROXIES`), and then from the right: the first address that no trusted proxy vouches for is the
caller's. Everything behind (request context, rate limits, audit, event socket) reads `scope["client"]`.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import get_settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SCHEMES = {"http", "https"}


class TrustedProxies:
    """Puts the caller's own address and scheme into the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and (trusted := networks(get_settings().trusted_proxies)):
            scope = _seen_through(scope, trusted)
        await self.app(scope, receive, send)


@lru_cache
def networks(text: str) -> tuple[Network, ...]:
    """The addresses and networks in `text`, separated by commas (the settings have checked them)."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def caller(peer: str, forwarded: Iterable[str], trusted: tuple[Network, ...]) -> str:
    """The nearest address that is no trusted proxy; `forwarded` are the hops as the header lists them."""
    found = peer
    for hop in reversed([part.strip() for value in forwarded for part in value.split(",")]):
        address = _address(found)
        if address is None or not any(address in network for network in trusted):
            break
        before = _address(hop)
        if before is None:  # what a trusted proxy did not write as an address proves nothing
            break
        found = str(before)
    return found


def _seen_through(scope: Scope, trusted: tuple[Network, ...]) -> Scope:
    peer = scope["client"][0] if scope.get("client") else ""
    address = _address(peer)
    if address is None or not any(address in network for network in trusted):
        return scope
    headers = Headers(scope=scope)
    changed = {**scope, "client": (caller(peer, headers.getlist("x-forwarded-for"), trusted), 0)}
    proto = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
    if proto in SCHEMES:
        changed["scheme"] = proto.replace("http", "ws") if scope["type"] == "websocket" else proto
    return changed


def _address(text: str) -> Address | None:
    """An address with or without brackets and port; an IPv4 address that came over IPv6 is an IPv4 address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
