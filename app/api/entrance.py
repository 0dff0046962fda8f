"""The door of the whole server, for pages, API and sockets alike; the order of its parts is their meaning.

First who calls is found behind proxies, then the server's name and the address are checked, then sockets are counted.
"""

from starlette.types import ASGIApp

from app.api.addresses import PrintablePaths
from app.api.hosts import TrustedHosts
from app.api.proxies import TrustedProxies
from app.api.sockets import SocketLimits


def entrance(app: ASGIApp) -> ASGIApp:
    """`app` behind the door."""
    return TrustedProxies(TrustedHosts(PrintablePaths(SocketLimits(app))))
