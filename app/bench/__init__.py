"""Measurements that stay in the project: `./trainyard bench NAME --json FILE`. Results: docs/benchmarks.md."""

import platform
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psutil

from app.bench.data import measure_data
from app.bench.live import measure_live
from app.bench.start import measure_start

BENCHES: dict[str, Callable[..., dict[str, Any]]] = {
    "start": measure_start,
    "live": measure_live,
    "data": measure_data,
}
# These start what they measure themselves; the others use the running servers, or some started for them.
ON_THEIR_OWN = frozenset({"start", "data"})


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
