"""PostgreSQL, Valkey and S3 as one thing to start and stop, each embedded or external.

Data, logs, sockets and secrets lie in one folder that one instance holds at a time. Embedded servers start together and
are supervised: one that dies comes back with its data, on the same socket and port. `stack.supervisor` takes the
product's own processes too, so that one stop ends all of them in reverse order.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from app.infra.embedded import runtime
from app.infra.embedded.folders import InstanceLock, drop_socket_folder, open_data_folder, socket_folder
from app.infra.embedded.postgres import Postgres
from app.infra.embedded.s3 import S3
from app.infra.embedded.valkey import Valkey
from app.supervisor import StartupError, Supervisor, exit_on_signals, reap_leftovers
from app.supervisor.supervisor import say

DATABASE, REDIS = "TRAINYARD_DATABASE_URL", "TRAINYARD_REDIS_URL"
S3_KEYS = ("TRAINYARD_S3_ENDPOINT", "TRAINYARD_S3_ACCESS_KEY", "TRAINYARD_S3_SECRET_KEY", "TRAINYARD_S3_SECURE")


class Stack:
    """The servers of one data folder. `env` holds their addresses once started."""

    def __init__(
        self, data_dir: Path, environ: Mapping[str, str] = os.environ, *, report: Callable[[str], None] = say
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.environ = environ
        self.report = report
        self.env: dict[str, str] = {}
        self.supervisor = Supervisor(self.data_dir, report=report)
        self._lock = InstanceLock(self.data_dir)

    def claim(self) -> None:
        """Take the data folder and end what a killed run left running in it; `start` does it where it was not done.

        For what has to happen between the two, such as asking whether a port is free. Raises StartupError.
        """
        if self._lock.held:
            return
        open_data_folder(self.data_dir)
        self._lock.take()
        try:
            reap_leftovers(self.data_dir, self.report)
        except BaseException:
            self._lock.release()
            raise

    def start(self) -> dict[str, str]:
        """Start or check all three; returns their TRAINYARD_* settings for child processes. Once per object.

        Raises StartupError in plain words, with nothing left running.
        """
        self.claim()
        try:
            self.env = self._external() | self._embedded()
            runtime.export(self.data_dir, self.env)
        except OSError as error:
            self.stop()
            raise StartupError(f"{error.filename or self.data_dir} cannot be used: {error.strerror}") from error
        except BaseException:
            self.stop()
            raise
        return self.env

    def _external(self) -> dict[str, str]:
        """Settings of the servers chosen by address, once they have answered."""
        if not any(self.environ.get(name) for name in (DATABASE, REDIS, S3_KEYS[0])):
            return {}
        from app.infra.embedded import external  # its three clients cost half a second to import

        given = {name: self.environ[name] for name in (DATABASE, REDIS) if self.environ.get(name)}
        if self.environ.get(S3_KEYS[0]):
            given |= {name: self.environ.get(name, "") for name in S3_KEYS}
            given[S3_KEYS[3]] = str(external.is_true(given[S3_KEYS[3]])).lower()
        checks: dict[str, Callable[[], None]] = {
            DATABASE: lambda: external.check_postgres(given[DATABASE]),
            REDIS: lambda: external.check_redis(given[REDIS]),
            S3_KEYS[0]: lambda: external.check_s3(self.environ),
        }
        with ThreadPoolExecutor(len(checks)) as pool:
            for asked in [pool.submit(check) for name, check in checks.items() if name in given]:
                asked.result()
        return given

    def _embedded(self) -> dict[str, str]:
        """Start those that were not chosen by address, together; their settings."""
        env: dict[str, str] = {}
        sockets = socket_folder(self.data_dir)
        postgres = None if self.environ.get(DATABASE) else Postgres(self.data_dir, sockets, self.environ)
        if postgres:
            self.supervisor.add_spec(postgres.spec())
            env[DATABASE] = postgres.url
        if not self.environ.get(REDIS):
            valkey = Valkey(self.data_dir, sockets, self.environ)
            self.supervisor.add_spec(valkey.spec())
            env[REDIS] = valkey.url
        if not self.environ.get(S3_KEYS[0]):
            s3 = S3(self.data_dir, self.environ, self.report)
            self.supervisor.add_spec(s3.spec())
            env.update(zip(S3_KEYS, (s3.endpoint, s3.access_key, s3.secret_key, "false"), strict=True))
        self.supervisor.start()
        if postgres:
            postgres.ensure_database()
        return env

    def stop(self) -> None:
        """Stop every child of `supervisor`, servers last, and give the data folder back. May be called twice."""
        if self._lock.held:
            runtime.withdraw(self.data_dir)
        self.supervisor.stop()
        if self._lock.held:
            drop_socket_folder(self.data_dir)
            self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


@contextmanager
def servers(data_dir: Path, environ: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """Settings of the running instance's servers; when none runs, start them for the time of the block."""
    running = runtime.embedded_settings(data_dir)
    if running:
        yield running
        return
    with exit_on_signals(), Stack(data_dir, environ, report=lambda _line: None) as stack:
        yield stack.env
