"""How other commands find the servers of a running instance: `<data_dir>/runtime.json`, for the owner's eyes only.

Written when all servers are ready, removed when they stop. A file whose process is gone counts as absent.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from app.infra.embedded.folders import write_private

SAME_CREATION_SECONDS = 2.0


def export(data_dir: Path, settings: Mapping[str, str]) -> None:
    """Let other commands of the same user reach the servers of this process."""
    note = {"pid": os.getpid(), "create_time": psutil.Process().create_time(), "settings": dict(settings)}
    write_private(_path(data_dir), json.dumps(note, indent=1))


def withdraw(data_dir: Path) -> None:
    """The servers are stopping."""
    _path(data_dir).unlink(missing_ok=True)


def embedded_settings(data_dir: Path) -> dict[str, str]:
    """TRAINYARD_* settings of the instance that runs with this data folder; empty when none runs."""
    try:
        note = json.loads(_path(Path(data_dir)).read_text())
        created = psutil.Process(int(note["pid"])).create_time()
        running = abs(created - float(note["create_time"])) < SAME_CREATION_SECONDS
        return {str(key): str(value) for key, value in note["settings"].items()} if running else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, psutil.NoSuchProcess):
        return {}


def _path(data_dir: Path) -> Path:
    return data_dir / "runtime.json"
