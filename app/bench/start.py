"""How long a newcomer waits: from a fresh clone to a page, and the second start."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from app.errors import Unavailable
from app.running import ROOT

LIMIT_SECONDS = 900.0


def measure_start() -> dict[str, Any]:
    """Seconds of `./trainyard up` in an empty folder until the first page, then of a second start there.

    Package managers keep their own caches between runs; nothing of the project is kept.
    """
    folder = Path(tempfile.mkdtemp(prefix="trainyard-bench-"))
    try:
        clone = folder / "trainyard"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        return {
            "first_start_seconds": _until_page(clone),
            "second_start_seconds": _until_page(clone),
            "goals": {"first_start_seconds": 180, "second_start_seconds": 10},
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_page(clone: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        k: v for k, v in os.environ.items() if not k.startswith("TRAINYARD_") and k not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    log = clone.parent / "start.log"
    begun = time.monotonic()
    with log.open("ab") as screen:
        process = subprocess.Popen(
            [str(clone / "trainyard"), "up"],
            cwd=clone,
            env={**env, "TRAINYARD_PORT": str(port)},
            stdout=screen,
            stderr=subprocess.STDOUT,
        )
    try:
        while not _page(port):
            if process.poll() is not None or time.monotonic() - begun > LIMIT_SECONDS:
                raise Unavailable(f"No page came. The end of the output:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        return round(time.monotonic() - begun, 1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _page(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=2) as response:
            return b"<html" in response.read(2000).lower()
    except (OSError, urllib.error.URLError):
        return False
