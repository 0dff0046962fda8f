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

from app.infra.embedded import external, runtime
from app.infra.embedded.folders import InstanceLock, open_data_folder, socket_folder
from app.infra.embedded.postgres import Postgres
from app.infra.embedded.s3 import S3
from app.infra.embedded.valkey import Valkey
from app.supervisor import ChildSpec, Supervisor, exit_on_signals, reap_leftovers
from app.supervisor.supervisor import say

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

    def start(self) -> dict[str, str]:
        """Start or check all three; returns their TRAINYARD_* settings for child processes.

        Raises StartupError in plain words, with nothing left running.
        """
        open_data_folder(self.data_dir)
        self._lock.take()
        try:
            reap_leftovers(self.data_dir, self.report)
            self.supervisor = Supervisor(self.data_dir, report=self.report)
            self.env = self._bring_up()
            runtime.export(self.data_dir, self.env)
        except BaseException:
            self.stop()
            raise
        return self.env

    def _bring_up(self) -> dict[str, str]:
        external_ones, env = self._external()
        with ThreadPoolExecutor(3) as pool:
            for checked in [pool.submit(check) for check in external_ones]:
                checked.result()
        sockets = socket_folder(self.data_dir)
        postgres = None
        if "TRAINYARD_DATABASE_URL" not in env:
            postgres = Postgres(self.data_dir, sockets, self.environ)
            self._add(postgres.spec())
            env["TRAINYARD_DATABASE_URL"] = postgres.url
        if "TRAINYARD_REDIS_URL" not in env:
            valkey = Valkey(self.data_dir, sockets, self.environ)
            self._add(valkey.spec())
            env["TRAINYARD_REDIS_URL"] = valkey.url
        if "TRAINYARD_S3_ENDPOINT" not in env:
            s3 = S3(self.data_dir, self.environ, self.report)
            self._add(s3.spec())
            env.update(zip(S3_KEYS, (s3.endpoint, s3.access_key, s3.secret_key, "false"), strict=True))
        self.supervisor.start()
        if postgres:
            postgres.ensure_database()
        return env

    def _external(self) -> tuple[list[Callable[[], None]], dict[str, str]]:
        checks: list[Callable[[], None]] = []
        env: dict[str, str] = {}
        if database := self.environ.get("TRAINYARD_DATABASE_URL"):
            env["TRAINYARD_DATABASE_URL"] = database
            checks.append(lambda: external.check_postgres(database))
        if redis := self.environ.get("TRAINYARD_REDIS_URL"):
            env["TRAINYARD_REDIS_URL"] = redis
            checks.append(lambda: external.check_redis(redis))
        if self.environ.get("TRAINYARD_S3_ENDPOINT"):
            env.update({key: self.environ.get(key, "") for key in S3_KEYS})
            env["TRAINYARD_S3_SECURE"] = str(external.is_true(env["TRAINYARD_S3_SECURE"])).lower()
            checks.append(lambda: external.check_s3(self.environ))
        return checks, env

    def _add(self, spec: ChildSpec) -> None:
        self.supervisor.add_spec(spec)

    def stop(self) -> None:
        """Stop every child of `supervisor`, servers last, and give the data folder back. May be called twice."""
        runtime.withdraw(self.data_dir)
        self.supervisor.stop()
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
