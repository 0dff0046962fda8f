"""The web process as `trainyard up` starts it, on a port and a database of its own."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.infra import db, object_store, queue
from app.settings import Settings, get_settings
from app.web.serving import web_command, web_environment
from tests.support.servers import Servers
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Web:
    """A running web process."""

    url: str
    log_file: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def log(self) -> str:
        """Everything it has written."""
        return self.log_file.read_text(errors="replace")

    def answers(self) -> bool:
        """True once it serves; fails the test when it has ended."""
        assert self.process.poll() is None, f"the web process ended:\n{self.log[-3000:]}"
        try:
            return httpx.get(f"{self.url}/ping", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_web(stack: Servers, *, front_end: bool = True, **chosen: str) -> Iterator[Web]:
    """Start it on a new database and point this process's settings there too, until the block ends.

    Without `front_end` nothing has to be built: pages are missing, events work. `chosen` are settings of its own.
    """
    with stack.clone() as database, pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = {**stack.settings_for(database), "TRAINYARD_PORT": str(port), "TRAINYARD_HOST": "127.0.0.1"}
        settings |= {f"TRAINYARD_{name}".upper(): value for name, value in chosen.items()}
        for name in Settings.model_fields:
            patch.delenv(f"TRAINYARD_{name}".upper(), raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        _forget()
        queue.get_redis().flushdb()
        object_store.get_object_store().ensure_bucket()
        environment = {**os.environ, **web_environment(), **settings}
        if not front_end:
            environment["__REFLEX_MOUNT_FRONTEND_COMPILED_APP"] = "false"
        log_file = Path(folder) / "web.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                web_command("127.0.0.1", port), cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        web = Web(f"http://127.0.0.1:{port}", log_file, process)
        try:
            wait_for(web.answers, 180, "the web process")
            yield web
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)
            db.get_engine().dispose()
            _forget()


def _forget() -> None:
    for remembered in (get_settings, queue.get_redis, object_store.get_object_store):
        remembered.cache_clear()
    db.forget_engine()
