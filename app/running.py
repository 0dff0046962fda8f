"""The product as processes: servers, migrations, web, workers, courier, media worker, reconciler, under one supervisor.

`Product` is what `./trainyard up` and `demo` start. A killed process comes back; stopping leaves nothing.
"""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from app.errors import Unavailable
from app.infra.db import forget_engine
from app.infra.embedded import Stack, servers
from app.infra.object_store import get_object_store
from app.settings import Settings, get_settings
from app.supervisor.supervisor import say

ROOT = Path(__file__).resolve().parent.parent


def adopt(env: Mapping[str, str]) -> Settings:
    """Make `env` the settings of this process and of its children."""
    os.environ.update(env)
    get_settings.cache_clear()
    get_object_store.cache_clear()
    forget_engine()
    return get_settings()


def migrate() -> None:
    """Bring the database to the newest schema."""
    from alembic import command
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "alembic"))
    command.upgrade(config, "head")


@contextmanager
def reached() -> Iterator[None]:
    """Reach the database: that of the running product, or one started for the time of a command."""
    with servers(get_settings().data_dir) as env:
        adopt(env)
        migrate()
        yield


class Product:
    """Everything that runs on this machine for one data folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stack = Stack(settings.data_dir)
        self._begun = time.monotonic()

    def start(self) -> Self:
        """Start all of it and return when the first page can be had. Raises `Unavailable` with what to do."""
        try:
            # What a killed start left behind is ended first: it may be what holds the port.
            self.stack.claim()
            _port_must_be_free(self.settings.host, self.settings.port)
            self.settings = adopt(self.stack.start())
            self._tell("PostgreSQL, Valkey and S3 answer")
            migrate()
            get_object_store().ensure_bucket()
            self._tell("database schema is current")
            self._add_processes()
            self.stack.supervisor.start()
        except BaseException:
            self.stack.stop()
            raise
        self._tell(f"dashboard and API: {self.settings.base_url}")
        return self

    def _add_processes(self) -> None:
        from app.web.serving import web_command, web_environment

        settings, python = self.settings, sys.executable
        env = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        supervisor = self.stack.supervisor
        supervisor.add(
            "web",
            web_command(settings.host, settings.port),
            env={**env, **web_environment()},
            ready=lambda: _answers(f"http://{_local(settings.host)}:{settings.port}/api/v1/healthz"),
            after=(),
            ready_seconds=60,
            cwd=ROOT,
        )
        for number in range(1, settings.workers + 1):
            # A worker finishes its job on SIGTERM; the supervisor waits a little, and the job is taken up again later.
            supervisor.add(f"worker-{number}", [python, "-m", "workers.worker"], env=env, after=(), cwd=ROOT)
        supervisor.add("courier", [python, "-m", "workers.courier"], env=env, after=(), cwd=ROOT)
        supervisor.add("media", [python, "-m", "workers.media"], env=env, after=(), cwd=ROOT)
        supervisor.add("transfers", [python, "-m", "workers.transfers"], env=env, after=(), cwd=ROOT)
        supervisor.add("reconciler", [python, "-m", "workers.reconciler"], env=env, after=(), cwd=ROOT)

    def _tell(self, line: str) -> None:
        say(f"[{time.monotonic() - self._begun:6.1f} s] {line}")

    def wait(self) -> None:
        """Until something fails for good, or a signal comes."""
        self.stack.supervisor.wait()

    def stop(self) -> None:
        """Stop everything, servers last."""
        self.stack.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _local(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 compared, not bound


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 our own http address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _port_must_be_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"Port {port} on {host} cannot be used ({error.strerror}). Stop what uses it, or choose another: "
                f"TRAINYARD_PORT={port + 1} ./trainyard up"
            ) from error
